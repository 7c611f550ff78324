import { mkdir, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { digested, streamOf } from "../../core/byte-stream.ts";
import { createDigester, type Digest, digestAlgorithm } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { DestinationTraits, ImageDestination, ImageReference } from "../../core/image.ts";
import { formatSignatureBlob } from "../../core/signature.ts";
import { fileSize, isMissing, randomSuffix, writeFileAtomically, writeStream } from "../../runtime/files.ts";
import { STAGING_PREFIX } from "../../runtime/temporary-file.ts";
import {
  blobFile,
  MANIFEST_FILE,
  manifestFile,
  signatureFile,
  VERSION_1_1,
  VERSION_1_2,
  VERSION_FILE,
} from "./files.ts";

const TRAITS: DestinationTraits = {
  manifestTypes: "any",
  layerCompression: "preserve",
  foreignLayers: "store",
  signatures: "stored",
  concurrentBlobs: true,
};

/**
 * A directory to put one image in. All is written to a folder inside it first, so that an image that is there already
 * stays whole until `commit`, which puts the new files in place, the manifest last, and then removes the old ones.
 * @throws {ImageError} STORAGE_FAILURE when the directory holds anything but an image
 */
export async function openDirDestination(
  reference: ImageReference,
  directory: string,
): Promise<ImageDestination> {
  const isNew = await prepareDirectory(directory);
  const staging = join(directory, `${STAGING_PREFIX}${randomSuffix()}`);
  await mkdir(staging, { mode: 0o755 });
  const written = new Set<Digest>();
  let isCommitted = false;
  return {
    reference,
    traits: TRAITS,
    async reuseBlob(wanted) {
      if (!written.has(wanted.digest)) return undefined;
      const size = await fileSize(join(staging, blobFile(wanted.digest)));
      return size === undefined ? undefined : { digest: wanted.digest, size };
    },
    async writeBlob(bytes, blob) {
      const digester = blob.digest === undefined ? createDigester() : undefined;
      let digest = blob.digest;
      const finish = (): string => {
        digest ??= digester?.digest();
        if (digest === undefined)
          throw new ImageError("STORAGE_FAILURE", "blob was written without a digest");
        return join(staging, blobFile(digest));
      };
      const size = await writeStream(digester === undefined ? bytes : digested(bytes, digester), {
        directory: staging,
        prefix: "dir-put-blob",
        destination: finish,
      });
      if (digest === undefined) throw new ImageError("STORAGE_FAILURE", "blob was written without a digest");
      written.add(digest);
      return { digest, size };
    },
    async writeManifest(manifest, instance) {
      await writeFileAtomically(join(staging, manifestFile(instance)), manifest.bytes);
      written.add(manifest.digest);
    },
    async writeSignatures(signatures, { instance }) {
      for (const [position, signature] of signatures.entries()) {
        const file = join(staging, signatureFile(position + 1, instance));
        await writeStream(streamOf(formatSignatureBlob(signature)), {
          directory: staging,
          prefix: "dir-put-blob",
          destination: () => file,
        });
      }
    },
    async commit() {
      const isSha256Only = [...written].every((digest) => digestAlgorithm(digest) === "sha256");
      await writeFileAtomically(join(staging, VERSION_FILE), isSha256Only ? VERSION_1_1 : VERSION_1_2);
      await replaceContent(directory, staging);
      isCommitted = true;
    },
    async [Symbol.asyncDispose]() {
      if (isCommitted) return;
      await rm(staging, { recursive: true, force: true });
      if (isNew) await rmdir(directory).catch(() => undefined);
    },
  };
}

/** Makes sure that the directory exists and may be written to. Whether it was made. */
async function prepareDirectory(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { mode: 0o755 });
    return true;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const entries = (await readdir(directory)).filter((name) => !name.startsWith(STAGING_PREFIX));
  if (entries.length > 0 && !(await holdsImage(directory))) {
    throw new ImageError(
      "STORAGE_FAILURE",
      "not a containers image directory, don't want to overwrite important data",
    );
  }
  return false;
}

async function holdsImage(directory: string): Promise<boolean> {
  try {
    const version = await readFile(join(directory, VERSION_FILE), "utf8");
    return version === VERSION_1_1 || version === VERSION_1_2;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Blobs come first and the manifest after them: whenever this stops, the directory holds the old image or the new one. */
async function replaceContent(directory: string, staging: string): Promise<void> {
  const old = await readdir(directory);
  const added = await readdir(staging);
  for (const name of added)
    if (name !== MANIFEST_FILE) await rename(join(staging, name), join(directory, name));
  await rename(join(staging, MANIFEST_FILE), join(directory, MANIFEST_FILE));
  const kept = new Set(added);
  for (const name of old)
    if (!kept.has(name)) await rm(join(directory, name), { recursive: true, force: true });
  await rm(staging, { recursive: true, force: true });
}
