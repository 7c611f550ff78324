import type { OperationOptions } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { ImageError } from "../../core/errors.ts";
import { isIndexType } from "../../core/media-type.ts";
import type { Signature } from "../../core/signature.ts";
import { parseIndex } from "../../format/manifest.ts";
import type { RegistryClient } from "../../registry/registry-client.ts";
import type { Lookaside } from "./lookaside.ts";

/** How the signatures of a repository's images are kept. Registry-and-config reference 13. */
export interface SignatureSettings {
  /** For simple signing, where the registry does not keep these itself. */
  readonly lookaside: Lookaside;
  /** Whether sigstore signatures are looked for, and may be written, in the repository itself. */
  readonly usesSigstoreAttachments: boolean;
}

/** A repository with its signatures. */
export interface SignaturePlace {
  readonly client: RegistryClient;
  readonly name: DockerName;
  readonly settings: SignatureSettings;
}

/** All signatures of one manifest: simple ones, attachments, then what refers to it. Signing reference 2.5, 3.2 and 4.4. */
export async function readSignatures(
  place: SignaturePlace,
  digest: Digest,
  options: OperationOptions = {},
): Promise<readonly Signature[]> {
  const simple = await readSimple(place, digest, options);
  if (!place.settings.usesSigstoreAttachments) return simple;
  const { readAttachments } = await import("./sigstore-attachments.ts");
  const { readSignatureReferrers } = await import("./signature-referrers.ts");
  const [attached, referring] = await Promise.all([
    readAttachments(place, digest, options),
    readSignatureReferrers(place, digest, options),
  ]);
  return [...simple, ...attached, ...referring];
}

/**
 * Keeps signatures with a manifest that is in the repository. Attachments are added to those that are there.
 * @throws {ImageError} UNSUPPORTED_OPERATION where the settings do not allow it
 */
export async function writeSignatures(
  place: SignaturePlace,
  signatures: readonly Signature[],
  manifest: RawManifest,
  options: OperationOptions = {},
): Promise<void> {
  const simple = signatures.filter(({ kind }) => kind === "simple-signing");
  const sigstore = signatures.filter((signature) => signature.kind === "sigstore");
  if (sigstore.length > 0 && !place.settings.usesSigstoreAttachments) {
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      "writing sigstore attachments is disabled by configuration",
    );
  }
  if (simple.length > 0) await writeSimple(place, manifest.digest, simple, options);
  const attached = sigstore.filter(({ referrer }) => referrer === undefined);
  const referring = sigstore.filter(({ referrer }) => referrer !== undefined);
  if (attached.length > 0) {
    const { writeAttachments } = await import("./sigstore-attachments.ts");
    await writeAttachments(place, manifest.digest, attached, options);
  }
  if (referring.length > 0) {
    const { writeSignatureReferrers } = await import("./signature-referrers.ts");
    await writeSignatureReferrers(place, manifest.digest, referring, options);
  }
}

/**
 * Removes the signatures of a manifest and, of an index, of its images, wherever they are; whether attachments are in use
 * does not matter. Gives their number.
 */
export async function deleteSignatures(
  place: SignaturePlace,
  manifest: RawManifest,
  options: OperationOptions = {},
): Promise<number> {
  const images = isIndexType(manifest.mediaType) ? parseIndex(manifest).manifests : [];
  const { deleteAttachments } = await import("./sigstore-attachments.ts");
  const { deleteSignatureReferrers } = await import("./signature-referrers.ts");
  let count = 0;
  for (const { digest } of [manifest, ...images]) {
    count += await deleteSimple(place, digest, options);
    count += await deleteAttachments(place, digest, options);
    count += await deleteSignatureReferrers(place, digest, options);
  }
  return count;
}

async function readSimple(
  place: SignaturePlace,
  digest: Digest,
  options: OperationOptions,
): Promise<readonly Signature[]> {
  if (place.client.connection.keepsSignatures) {
    const { readKeptSignatures } = await import("./signature-extension.ts");
    return await readKeptSignatures(place, digest, options);
  }
  const { readLookaside } = await import("./lookaside.ts");
  return await readLookaside(place.settings.lookaside, place.name, digest, options);
}

async function writeSimple(
  place: SignaturePlace,
  digest: Digest,
  signatures: readonly Signature[],
  options: OperationOptions,
): Promise<void> {
  if (place.client.connection.keepsSignatures) {
    const { keepSignatures } = await import("./signature-extension.ts");
    await keepSignatures(place, digest, signatures, options);
  } else {
    const { writeLookaside } = await import("./lookaside.ts");
    await writeLookaside(place.settings.lookaside, place.name, digest, signatures);
  }
}

async function deleteSimple(
  place: SignaturePlace,
  digest: Digest,
  options: OperationOptions,
): Promise<number> {
  if (!place.client.connection.keepsSignatures) {
    const { deleteLookaside } = await import("./lookaside.ts");
    return await deleteLookaside(place.settings.lookaside, place.name, digest);
  }
  const kept = await readSimple(place, digest, options);
  if (kept.length === 0) return 0;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `${place.client.connection.registry} keeps signatures itself, and its interface has no way to delete them`,
  );
}
