import type { OperationOptions } from "../../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../../core/descriptor.ts";
import { computeDigest, type Digest } from "../../core/digest.ts";
import { ImageError, inContext } from "../../core/errors.ts";
import { OCI_MANIFEST } from "../../core/media-type.ts";
import { SignatureBudget } from "../../core/signature-budget.ts";
import { isBundleType, SIGNATURE_ARTIFACT, SIMPLE_SIGNING } from "../../core/sigstore-types.ts";
import { artifactTypeOf, type ImageManifest, parseImageManifest } from "../../format/manifest.ts";
import { announceReferrers, withdrawReferrers } from "../../registry/referrers.ts";
import type { SignaturePlace } from "./signatures.ts";
import {
  readPayloads,
  readSmallBlob,
  type SigstoreSignature,
  uploadSmallBlob,
} from "./sigstore-attachments.ts";

/** More than anybody has made; each of them is looked at, as lists say wrong things of what they list. */
const MOST_REFERRERS = 1000;

/** A referrer that has signatures as its layers. */
interface SignatureManifest {
  readonly raw: RawManifest;
  readonly manifest: ImageManifest;
}

/**
 * The sigstore signatures in manifests whose subject is this one: bundles, as cosign writes them since version 3, and its
 * experimental form before. Signing reference 4.1 and 4.2.
 */
export async function readSignatureReferrers(
  place: SignaturePlace,
  subject: Digest,
  options: OperationOptions = {},
): Promise<readonly SigstoreSignature[]> {
  const signatures: SigstoreSignature[] = [];
  for (const { raw, manifest } of await findSignatureManifests(place, subject, options)) {
    const config = await readSmallBlob(place, manifest.config, options);
    const payloads = await readPayloads(place, manifest.layers, options);
    for (const payload of payloads) {
      const annotations = isBundleType(payload.mimeType) ? (manifest.annotations ?? {}) : payload.annotations;
      signatures.push({ ...payload, annotations, referrer: { manifest: raw.bytes, config } });
    }
  }
  return signatures;
}

/** Writes the manifests that the signatures came in, to the last byte, so that they keep their digests. */
export async function writeSignatureReferrers(
  place: SignaturePlace,
  subject: Digest,
  signatures: readonly SigstoreSignature[],
  options: OperationOptions = {},
): Promise<void> {
  const { client, name } = place;
  const manifests = new Map<Digest, RawManifest>();
  for (const { payload, referrer } of signatures) {
    if (referrer === undefined) continue;
    const raw = toRawManifest(referrer.manifest);
    await uploadSmallBlob(place, payload, options);
    if (manifests.has(raw.digest)) continue;
    await uploadSmallBlob(place, referrer.config, options);
    manifests.set(raw.digest, raw);
  }
  const descriptors: Descriptor[] = [];
  for (const raw of manifests.values()) {
    const manifest = parseImageManifest(raw);
    if (manifest.subject?.digest !== subject) {
      throw new ImageError(
        "SIGNATURE_INVALID",
        `a signature refers to ${manifest.subject?.digest}, not to ${subject}`,
      );
    }
    await client.writeManifest(name.repository, raw.digest, raw, options);
    descriptors.push(describe(raw, manifest));
  }
  await announceReferrers(client, name.repository, subject, descriptors, options);
}

/** Gives the number of signatures that are gone. */
export async function deleteSignatureReferrers(
  place: SignaturePlace,
  subject: Digest,
  options: OperationOptions = {},
): Promise<number> {
  const { client, name } = place;
  const found = await findSignatureManifests(place, subject, options);
  await inContext(`deleting the signatures of ${subject}`, async () => {
    for (const { raw } of found) await client.deleteManifest(name.repository, raw.digest, options);
    if (found.length === 0) return;
    await withdrawReferrers(
      client,
      name.repository,
      subject,
      new Set(found.map(({ raw }) => raw.digest)),
      options,
    );
  });
  return found.reduce((sum, { manifest }) => sum + manifest.layers.length, 0);
}

/** What a list says of their type is not believed: cosign 3.1 writes a wrong one. */
async function findSignatureManifests(
  { client, name }: SignaturePlace,
  subject: Digest,
  options: OperationOptions,
): Promise<readonly SignatureManifest[]> {
  const listed = await client.listReferrers(name.repository, subject, options);
  if (listed.length > MOST_REFERRERS) {
    throw new ImageError(
      "SIZE_LIMIT",
      `${listed.length} manifests refer to ${subject}, of which ${MOST_REFERRERS} are looked at`,
    );
  }
  const found: SignatureManifest[] = [];
  const budget = new SignatureBudget(subject);
  for (const { digest, mediaType } of listed) {
    if (mediaType !== OCI_MANIFEST) continue;
    const raw = await client.readManifest(name.repository, digest, options);
    if (raw.mediaType !== OCI_MANIFEST) continue;
    const manifest = parseImageManifest(raw);
    if (manifest.subject?.digest !== subject || !hasSignatures(manifest)) continue;
    budget.spendBytes(raw.bytes.length + manifest.config.size);
    for (const { size } of manifest.layers) budget.spend(size);
    found.push({ raw, manifest });
  }
  return found;
}

/** The blobs of other artifacts may be large; they are not touched. */
function hasSignatures(manifest: ImageManifest): boolean {
  const { layers } = manifest;
  const isLegacy =
    artifactTypeOf(manifest) === SIGNATURE_ARTIFACT || manifest.config.mediaType === SIGNATURE_ARTIFACT;
  return (
    layers.length > 0 &&
    layers.every(({ mediaType }) => isBundleType(mediaType) || (isLegacy && mediaType === SIMPLE_SIGNING))
  );
}

function describe({ digest, mediaType, bytes }: RawManifest, manifest: ImageManifest): Descriptor {
  const { annotations } = manifest;
  return {
    mediaType,
    digest,
    size: bytes.length,
    artifactType: artifactTypeOf(manifest),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function toRawManifest(bytes: Uint8Array): RawManifest {
  return { bytes, mediaType: OCI_MANIFEST, digest: computeDigest(bytes) };
}
