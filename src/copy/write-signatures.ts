import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import { formatDockerName } from "../core/docker-name.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageDestination } from "../core/image.ts";
import type { Signature } from "../core/signature.ts";
import type { CopyContext, CopyRequest, InstancePlace } from "./copy-request.ts";

/** What was written, and the signatures that its source had. */
interface Signed {
  readonly manifest: RawManifest;
  readonly signatures: readonly Signature[];
  readonly place: InstancePlace;
}

/**
 * Stores signatures with a manifest that is at the destination: those of its source, and new ones after them.
 * @throws {ImageError} `creating signature: …` or `writing signatures: …`
 */
export async function writeSignatures(
  context: CopyContext,
  { manifest, signatures, place }: Signed,
  of: "image" | "index",
  options: OperationOptions,
): Promise<void> {
  const added = await createSignatures(context, manifest, options);
  const all = [...signatures, ...added];
  if (of === "index" || all.length > 0) context.report({ kind: "signatures", of, step: "write" });
  if (all.length === 0) return;
  const instance = place.isPartOfIndex ? manifest.digest : undefined;
  await inContext("writing signatures", () =>
    context.destination.writeSignatures(all, { manifest, instance }, options),
  );
}

async function createSignatures(
  { request, report }: CopyContext,
  manifest: RawManifest,
  options: OperationOptions,
): Promise<readonly Signature[]> {
  const { signers = [] } = request;
  const signatures: Signature[] = [];
  for (const [index, signer] of signers.entries()) {
    report({ kind: "signing", method: signer.method, number: signers.length > 1 ? index + 1 : undefined });
    const name = signedName(request);
    signatures.push(await inContext("creating signature", () => signer.sign(manifest, name, options)));
  }
  return signatures;
}

/**
 * Refuses what could be copied, but not be signed then.
 * @throws {ImageError} INVALID_REFERENCE, UNSUPPORTED_OPERATION
 */
export function checkSigning(request: CopyRequest, { traits }: ImageDestination): void {
  if ((request.signers ?? []).length === 0) return;
  signedName(request);
  if (traits.signatures === "stored") return;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `writing signatures: ${traits.signatures.unsupportedBecause}`,
  );
}

function signedName({ signIdentity, destination }: CopyRequest): string {
  if (signIdentity !== undefined) return signIdentity;
  if (destination.dockerName !== undefined) return formatDockerName(destination.dockerName);
  throw new ImageError(
    "INVALID_REFERENCE",
    `Cannot determine canonical Docker reference for destination ${destination.transport.name}:${destination.text}: name the image with --sign-identity`,
  );
}
