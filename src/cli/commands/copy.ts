import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openBlobCache } from "../../blob-cache/blob-cache.ts";
import { cacheDirectory, hostEnvironment } from "../../config/locations.ts";
import { copyImage } from "../../copy/copy-image.ts";
import type { CopyResult } from "../../copy/copy-request.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import type { ProgressListener } from "../../core/progress.ts";
import { retrying } from "../../core/retry.ts";
import { defaultTemporaryDirectory } from "../../runtime/temporary-file.ts";
import { loadAdmission } from "../admission.ts";
import { type Command, defineCommand, type Invocation, UsageError } from "../command.ts";
import { type CopyFlagTable, copyFlags } from "../flags/copy-flags.ts";
import {
  type CopyOptions,
  readCopyAccess,
  readCopyOptions,
  readInflationLimit,
  warnOfDeprecatedCopyFlags,
} from "../flags/copy-options.ts";
import { readRetryPolicy } from "../flags/retry-flags.ts";
import { hideUnavailable } from "../flags/unavailable-flags.ts";
import { createProgressRenderer } from "../render/progress.ts";
import { createEnvironment, parseArgument, wantedPlatform } from "../session.ts";

export const command: Command = defineCommand({
  name: "copy",
  synopsis: "SOURCE-IMAGE DESTINATION-IMAGE",
  summary: "Copy an image from one place to another",
  description:
    "Places are docker://HOST/REPOSITORY:TAG, oci:DIRECTORY:NAME, oci-archive:FILE:NAME, docker-archive:FILE:NAME:TAG, docker-daemon:NAME:TAG, dir:DIRECTORY and, to read from, tarball:FILE. Blobs that are at the destination already are not moved again, and an image that is there already is left alone.",
  examples: [
    {
      purpose: "from a registry to another",
      command: "copy docker://docker.io/library/busybox:1.36 docker://registry.example.com/busybox:1.36",
    },
    {
      purpose: "two platforms of an index, with an index of just these",
      command:
        "copy --multi-arch linux/amd64,linux/arm64 docker://docker.io/library/busybox docker://registry.example.com/busybox",
    },
    {
      purpose: "into a file for docker load; a second copy adds to it",
      command: "copy docker://docker.io/library/busybox docker-archive:images.tar:busybox:latest",
    },
    {
      purpose: "into an OCI layout on disk",
      command: "copy docker://docker.io/library/busybox oci:layout:busybox",
    },
  ],
  flags: hideUnavailable(copyFlags),
  helpOnMisuse: true,
  run,
});

async function run(invocation: Invocation<CopyFlagTable>): Promise<void> {
  const { flags, globals, log, signal } = invocation;
  const [sourceName, destinationName, ...others] = invocation.arguments;
  if (sourceName === undefined || destinationName === undefined || others.length > 0) {
    throw new UsageError("Exactly two arguments expected");
  }
  warnOfDeprecatedCopyFlags(flags, log);
  const admit = await loadAdmission(invocation);
  const inflationLimit = readInflationLimit(flags);
  let report: ProgressListener = () => undefined;
  const onNetworkEvent: ProgressListener = (event) => report(event);
  const environment = createEnvironment(invocation, { inflationLimit, onNetworkEvent });
  const knowledge = openBlobCache(join(cacheDirectory(hostEnvironment()), "blob-info"), (error) =>
    log.debug(`not kept in the cache of layers: ${errorMessage(error)}`),
  );
  const access = readCopyAccess(flags, globals);
  const source = await parseArgument(environment, "source", sourceName, access.source);
  const destination = await parseArgument(environment, "destination", destinationName, access.destination);
  const options = readCopyOptions(flags, destination, log);
  const { format, instances, compression } = options;
  const { openSigners } = await import("../signers.ts");
  const signers = await openSigners(invocation, flags, environment);
  const temporaryDirectory = globals.temporaryDirectory ?? defaultTemporaryDirectory();
  const platform = await wantedPlatform(globals);
  const copyOnce = async (onProgress: ProgressListener): Promise<CopyResult> =>
    await copyImage(
      {
        source,
        destination,
        admit,
        instances: instances.kind === "system" ? { kind: "system", platform } : instances,
        format,
        preserveDigests: options.preserveDigests,
        removeSignatures: options.removeSignatures,
        signers,
        signIdentity: options.signIdentity,
        compression,
        inflationLimit,
        knowledge,
        precomputeDigestsIn: options.precomputeDigests ? temporaryDirectory : undefined,
        parallelCopies: options.parallelCopies,
        onProgress,
      },
      { signal },
    );
  const retries = readRetryPolicy(flags, log);
  const result = await withProgress(invocation, options, async (onProgress) => {
    report = onProgress;
    const copied = await retrying(retries, () => copyOnce(onProgress), { signal });
    if (flags["with-referrers"]) {
      const { copyClosure } = await import("../../sync/closure.ts");
      const resolve = async (name: string, role: "source" | "destination"): Promise<ImageReference> =>
        await environment.parseImageName(name, access[role]);
      await retrying(retries, () => copyClosure(source, destination, { knowledge, resolve }, { signal }), {
        signal,
      });
    }
    return copied;
  });
  if (options.digestFile !== undefined) await writeDigestFile(options.digestFile, result.manifest.digest);
}

async function withProgress<T>(
  { stderr, log }: Invocation<CopyFlagTable>,
  { quiet, progressStyle }: Pick<CopyOptions, "quiet" | "progressStyle">,
  work: (onProgress: ProgressListener) => Promise<T>,
): Promise<T> {
  const progress = createProgressRenderer({ quiet, style: progressStyle, stderr, log });
  try {
    return await work(progress.onEvent);
  } finally {
    progress.close();
  }
}

/** The digest alone, without a newline, as scripts expect it. */
async function writeDigestFile(path: string, digest: string): Promise<void> {
  try {
    await writeFile(path, digest, { mode: 0o644 });
  } catch (error) {
    const reason = errorMessage(error);
    throw new ImageError(
      "STORAGE_FAILURE",
      `Failed to write digest to file ${JSON.stringify(path)}: ${reason}`,
      {
        cause: error,
      },
    );
  }
}
