import type { CopyRequest } from "../copy/copy-request.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { errorMessage } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import type { ProgressEvent } from "../core/progress.ts";
import { type RetryPolicy, retrying } from "../core/retry.ts";
import type { ImageAccess } from "../environment/image-access.ts";
import { type CallOptions, environmentOf, type ImageName, resolveImage } from "./call-options.ts";
import { interruptible } from "./interruption.ts";
import { type PlatformChoice, selectInstances } from "./platform-choice.ts";
import { admissionOf, type PolicyChoice } from "./policy-choice.ts";

/** What a copy tells while it lasts. */
export type CopyEvent =
  | ProgressEvent
  /** An attempt failed, and another one begins after `wait` milliseconds. */
  | { readonly kind: "retry"; readonly attempt: number; readonly wait: number; readonly error: string };

/** How an image is copied. */
export interface CopyOptions
  extends CallOptions,
    Pick<
      CopyRequest,
      | "expectedDigest"
      | "format"
      | "compression"
      | "inflationLimit"
      | "knowledge"
      | "preserveDigests"
      | "removeSignatures"
      | "signers"
      | "signIdentity"
      | "parallelCopies"
    > {
  /** Credentials and TLS settings for the source alone. */
  readonly sourceAccess?: ImageAccess | undefined;
  /** Credentials and TLS settings for the destination alone. */
  readonly destinationAccess?: ImageAccess | undefined;
  /** Of an index; all by default, unlike the command, which copies the one for its machine. */
  readonly platforms?: PlatformChoice | undefined;
  /** `machine` by default. */
  readonly policy?: PolicyChoice | undefined;
  /** Copy what refers to the image too: signatures, attestations, SBOMs. */
  readonly withReferrers?: boolean | undefined;
  /** Tries after one that failed in a way that may pass; none by default. */
  readonly retry?: Pick<RetryPolicy, "times" | "delay"> | undefined;
  /** Told what happens. */
  readonly onEvent?: ((event: CopyEvent) => void) | undefined;
}

/** What the destination holds now. */
export interface Copied {
  /** Of `manifest`. */
  readonly digest: Digest;
  /** What the destination names: an index, if one was copied. */
  readonly manifest: RawManifest;
  /** The destination held the very same already, and no blob was asked for. */
  readonly isUnchanged: boolean;
}

/**
 * Copies an image, or an index with its images. Every byte is verified on its way, and a destination has the old image or the new
 * one at any time.
 * @throws {ImageError} whose `code` tells what was in the way
 */
export async function copy(
  source: ImageName,
  destination: ImageName,
  options: CopyOptions = {},
): Promise<Copied> {
  return await interruptible(options, async (inner) => await run(source, destination, inner));
}

async function run(source: ImageName, destination: ImageName, options: CopyOptions): Promise<Copied> {
  const { platforms, policy, retry, onEvent, sourceAccess, destinationAccess, withReferrers, signal } =
    options;
  const from = await resolveImage(source, options, sourceAccess);
  const to = await resolveImage(destination, options, destinationAccess);
  const request: CopyRequest = {
    ...options,
    source: from,
    destination: to,
    admit: await admissionOf(policy, environmentOf(options)),
    instances: await selectInstances(platforms),
    onProgress: onEvent,
  };
  const { copyImage } = await import("../copy/copy-image.ts");
  const attempt = <T>(work: () => Promise<T>): Promise<T> =>
    retrying(retryPolicy(retry, onEvent), work, { signal });
  const { manifest, isUnchanged } = await attempt(() => copyImage(request, { signal }));
  if (withReferrers === true) await attempt(() => copyReferrers(from, to, options));
  return { digest: manifest.digest, manifest, isUnchanged };
}

function retryPolicy(retry: CopyOptions["retry"], onEvent: CopyOptions["onEvent"]): RetryPolicy {
  return {
    times: retry?.times ?? 0,
    delay: retry?.delay,
    onRetry: ({ error, retry: attempt, delay }) =>
      onEvent?.({ kind: "retry", attempt, wait: delay, error: errorMessage(error) }),
  };
}

async function copyReferrers(
  source: ImageReference,
  destination: ImageReference,
  options: CopyOptions,
): Promise<void> {
  const { knowledge, sourceAccess, destinationAccess, signal } = options;
  const { copyClosure } = await import("../sync/closure.ts");
  const resolve = async (name: string, role: "source" | "destination"): Promise<ImageReference> =>
    await environmentOf(options).parseImageName(name, role === "source" ? sourceAccess : destinationAccess);
  await copyClosure(source, destination, { knowledge, resolve }, { signal });
}
