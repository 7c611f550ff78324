import { join } from "node:path";
import { collect } from "../../core/byte-stream.ts";
import { computeDigest, type Digest, digestAlgorithm } from "../../core/digest.ts";
import { ImageError, inContext } from "../../core/errors.ts";
import type { ImageReference, ImageSource } from "../../core/image.ts";
import { parseSignatureBlob, type Signature } from "../../core/signature.ts";
import { SignatureBudget } from "../../core/signature-budget.ts";
import { DOCUMENT_LIMIT } from "../../format/json.ts";
import { guessManifestType } from "../../format/manifest.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { isMissing, openFile } from "../../runtime/files.ts";
import { blobFile, manifestFile, signatureFile } from "./files.ts";

/** Opens the image in a directory. Nothing is read until asked for. */
export async function openDirSource(reference: ImageReference, directory: string): Promise<ImageSource> {
  return {
    reference,
    concurrentBlobs: true,
    async readManifest(instance) {
      const bytes = await readWhole(join(directory, manifestFile(instance)), DOCUMENT_LIMIT);
      const digest = checkInstance(bytes, instance);
      return { bytes, digest, mediaType: guessManifestType(bytes) };
    },
    openBlob: async (blob) => await openFile(join(directory, blobFile(blob.digest))),
    readSignatures: async (instance) => await readSignatures(directory, instance),
    async [Symbol.asyncDispose]() {},
  };
}

function checkInstance(bytes: Uint8Array, instance: Digest | undefined): Digest {
  if (instance === undefined) return manifestDigest(bytes);
  const algorithm = digestAlgorithm(instance);
  const actual = algorithm === "sha256" ? manifestDigest(bytes) : computeDigest(bytes, algorithm);
  if (actual === instance) return instance;
  throw new ImageError(
    "DIGEST_MISMATCH",
    `Manifest does not match provided manifest digest ${instance}, got ${actual}`,
  );
}

/** Signatures are numbered without gaps: the first missing number ends them. */
async function readSignatures(
  directory: string,
  instance: Digest | undefined,
): Promise<readonly Signature[]> {
  const signatures: Signature[] = [];
  const budget = new SignatureBudget(directory);
  for (;;) {
    const path = join(directory, signatureFile(signatures.length + 1, instance));
    const blob = await readWhole(path, DOCUMENT_LIMIT).catch((error) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (blob === undefined) return signatures;
    budget.spend(blob.length);
    signatures.push(
      await inContext(`parsing signature ${JSON.stringify(path)}`, async () => parseSignatureBlob(blob)),
    );
  }
}

async function readWhole(path: string, limit: number): Promise<Uint8Array> {
  await using file = await openFile(path);
  return await collect(file.bytes, limit, path);
}
