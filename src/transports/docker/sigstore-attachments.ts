import { collect, type OperationOptions, streamOf, verified } from "../../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../../core/descriptor.ts";
import { computeDigest, type Digest } from "../../core/digest.ts";
import { findCause, ImageError, inContext } from "../../core/errors.ts";
import { forEachLimited } from "../../core/limiter.ts";
import { OCI_CONFIG, OCI_MANIFEST } from "../../core/media-type.ts";
import { ImageNotFoundError } from "../../core/not-found.ts";
import type { Signature } from "../../core/signature.ts";
import { SignatureBudget } from "../../core/signature-budget.ts";
import { DOCUMENT_LIMIT, parseJsonValue } from "../../format/json.ts";
import { type ImageManifest, parseImageManifest } from "../../format/manifest.ts";
import { BlobUploader } from "../../registry/blob-upload.ts";
import { RegistryError } from "../../registry/registry-error.ts";
import type { SignaturePlace } from "./signatures.ts";

export type SigstoreSignature = Extract<Signature, { kind: "sigstore" }>;

const AT_A_TIME = 6;

/** The sigstore signatures, and whatever else, under the tag that belongs to a manifest. Signing reference 3.2. */
export async function readAttachments(
  place: SignaturePlace,
  digest: Digest,
  options: OperationOptions = {},
): Promise<readonly SigstoreSignature[]> {
  const raw = await findAttachmentManifest(place, digest, options);
  if (raw === undefined) return [];
  const { layers } = parseAttachmentManifest(raw);
  const budget = new SignatureBudget(digest);
  for (const { size } of layers) budget.spend(size);
  return await readPayloads(place, layers, options);
}

/** The layers of a manifest as signatures, in order. @throws {ImageError} DIGEST_MISMATCH, SIZE_LIMIT */
export async function readPayloads(
  place: SignaturePlace,
  layers: readonly Descriptor[],
  options: OperationOptions,
): Promise<readonly SigstoreSignature[]> {
  const payloads = new Map<Descriptor, Uint8Array>();
  await forEachLimited(
    layers,
    AT_A_TIME,
    async (layer, _index, operation) => {
      payloads.set(layer, await readSmallBlob(place, layer, operation));
    },
    options,
  );
  return layers.map((layer) => ({
    kind: "sigstore",
    mimeType: layer.mediaType,
    payload: payloads.get(layer) ?? new Uint8Array(),
    annotations: layer.annotations ?? {},
  }));
}

/** A whole blob, verified. @throws {ImageError} DIGEST_MISMATCH, SIZE_LIMIT */
export async function readSmallBlob(
  { client, name }: SignaturePlace,
  { digest, size }: Descriptor,
  options: OperationOptions,
): Promise<Uint8Array> {
  await using blob = await client.openBlob(name.repository, { digest }, options);
  return await collect(verified(blob.bytes, digest, size), DOCUMENT_LIMIT, `signature ${digest}`);
}

/** Adds those that are not there yet to what is under the tag. Concurrent writers can lose each other's. */
export async function writeAttachments(
  place: SignaturePlace,
  digest: Digest,
  signatures: readonly SigstoreSignature[],
  options: OperationOptions = {},
): Promise<void> {
  const { client, name } = place;
  const raw = await findAttachmentManifest(place, digest, options);
  const present = raw === undefined ? undefined : parseAttachmentManifest(raw);
  const layers = [...(present?.layers ?? [])];
  for (const { mimeType, payload, annotations } of signatures) {
    const layer = { mediaType: mimeType, digest: computeDigest(payload), size: payload.length, annotations };
    if (layers.some((other) => isSameLayer(other, layer))) continue;
    await uploadSmallBlob(place, payload, options);
    layers.push(layer);
  }
  if (layers.length === (present?.layers.length ?? 0)) return;
  const content = present === undefined ? newConfig() : await readConfig(place, present, options);
  const config = encode({
    ...content,
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.digest) },
  });
  await uploadSmallBlob(place, config, options);
  const bytes = encode({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: OCI_CONFIG, digest: computeDigest(config), size: config.length },
    layers,
  });
  const manifest = { bytes, mediaType: OCI_MANIFEST, digest: computeDigest(bytes) };
  await client.writeManifest(name.repository, attachmentTag(digest), manifest, options);
}

/** Removes what is under the tag. Gives the number of signatures that it had. */
export async function deleteAttachments(
  place: SignaturePlace,
  digest: Digest,
  options: OperationOptions = {},
): Promise<number> {
  const raw = await findAttachmentManifest(place, digest, options);
  if (raw === undefined) return 0;
  const { client, name } = place;
  await inContext(`deleting the signatures of ${digest}`, () =>
    client.deleteManifest(name.repository, raw.digest, options),
  );
  return parseAttachmentManifest(raw).layers.length;
}

export async function uploadSmallBlob(
  { client, name }: SignaturePlace,
  bytes: Uint8Array,
  options: OperationOptions,
): Promise<void> {
  const digest = computeDigest(bytes);
  if ((await client.findBlob(name.repository, digest, options)) === bytes.length) return;
  const uploader = new BlobUploader(client.connection, name.repository);
  const placement = {
    role: "layer",
    mediaType: "application/octet-stream",
    digest,
    size: bytes.length,
  } as const;
  await uploader.upload(streamOf(bytes), placement, options);
}

async function findAttachmentManifest(
  { client, name }: SignaturePlace,
  digest: Digest,
  options: OperationOptions,
): Promise<RawManifest | undefined> {
  try {
    return await client.readManifest(name.repository, attachmentTag(digest), options);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

/** Some registries do not say it in the way that the specification has it. */
function isAbsence(error: unknown): boolean {
  if (findCause(error, ImageNotFoundError) !== undefined) return true;
  const answer = findCause(error, RegistryError);
  if (answer === undefined) return false;
  return answer.status === 404 || (answer.registryCode === "UNKNOWN" && /not found/i.test(answer.message));
}

function parseAttachmentManifest(raw: RawManifest): ImageManifest {
  if (raw.mediaType === OCI_MANIFEST) return parseImageManifest(raw);
  throw new ImageError(
    "SIGNATURE_INVALID",
    `unexpected MIME type for sigstore attachment manifest ${JSON.stringify(raw.mediaType)}`,
  );
}

async function readConfig(
  place: SignaturePlace,
  { config }: ImageManifest,
  options: OperationOptions,
): Promise<object> {
  const bytes = await readSmallBlob(place, config, options);
  const document = parseJsonValue(bytes, "the config of the sigstore attachment");
  return typeof document === "object" && document !== null ? document : newConfig();
}

function newConfig(): object {
  return { architecture: "", os: "", config: {} };
}

function isSameLayer(one: Descriptor, other: Descriptor): boolean {
  const isSameBlob =
    one.mediaType === other.mediaType && one.digest === other.digest && one.size === other.size;
  const [mine, theirs] = [Object.entries(one.annotations ?? {}), other.annotations ?? {}];
  return (
    isSameBlob &&
    mine.length === Object.keys(theirs).length &&
    mine.every(([key, value]) => theirs[key] === value)
  );
}

function attachmentTag(digest: Digest): string {
  return `${digest.replace(":", "-")}.sig`;
}

function encode(document: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(document));
}
