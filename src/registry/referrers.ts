import type { OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { computeDigest, type Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { OCI_INDEX } from "../core/media-type.ts";
import type { RegistryClient } from "./registry-client.ts";

/**
 * Sees to it that manifests that are in the repository are listed as referrers of their subject: a registry without the
 * referrers API learns of them by the fall-back tag, which is for clients to keep. Distribution spec 1.1, "Referrers Tag Schema".
 * @throws {ImageError} REGISTRY_FAILURE naming those that are not listed then
 */
export async function announceReferrers(
  client: RegistryClient,
  repository: string,
  subject: Digest,
  referrers: readonly Descriptor[],
  options: OperationOptions = {},
): Promise<void> {
  const unlisted = async (): Promise<[missing: readonly Descriptor[], known: readonly Descriptor[]]> => {
    const known = await client.listReferrers(repository, subject, options);
    return [referrers.filter(({ digest }) => !known.some((entry) => entry.digest === digest)), known];
  };
  const [missing, known] = await unlisted();
  if (missing.length === 0) return;
  await writeFallback(client, repository, subject, [...known, ...missing], options);
  const [lost] = await unlisted();
  if (lost.length === 0) return;
  throw new ImageError(
    "REGISTRY_FAILURE",
    `${client.connection.registry}/${repository} does not list ${lost.map(({ digest }) => digest).join(", ")} as referrers of ${subject}`,
  );
}

/** Takes manifests off the list under the fall-back tag; a registry with the referrers API keeps its list by itself. */
export async function withdrawReferrers(
  client: RegistryClient,
  repository: string,
  subject: Digest,
  referrers: ReadonlySet<Digest>,
  options: OperationOptions = {},
): Promise<void> {
  const tag = fallbackTag(subject);
  if ((await client.findManifest(repository, tag, options)) === undefined) return;
  const listed = await client.listReferrers(repository, subject, options);
  const kept = listed.filter(({ digest }) => !referrers.has(digest));
  if (kept.length < listed.length) await writeFallback(client, repository, subject, kept, options);
}

/** The tag that names a list of referrers. */
export function fallbackTag(subject: Digest): string {
  return subject.replace(":", "-");
}

async function writeFallback(
  client: RegistryClient,
  repository: string,
  subject: Digest,
  entries: readonly Descriptor[],
  options: OperationOptions,
): Promise<void> {
  await client.writeManifest(repository, fallbackTag(subject), fallbackIndex(entries), options);
}

function fallbackIndex(entries: readonly Descriptor[]): RawManifest {
  const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  return { bytes, mediaType: OCI_INDEX, digest: computeDigest(bytes) };
}
