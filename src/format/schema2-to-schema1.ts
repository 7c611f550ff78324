import { computeDigest, type Digest, digestHex } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { SCHEMA1_SIGNED } from "../core/media-type.ts";
import { formatGoJson } from "./go-json.ts";
import { ZERO_TIME } from "./go-time.ts";
import { parseImageConfig } from "./image-config.ts";
import { formatRawMembers, rawMembers } from "./raw-json.ts";
import type { Schema1Manifest } from "./schema1.ts";

/** The blob of every layer that changes nothing: an empty tar, compressed with gzip. images.md 7.3. */
export const EMPTY_LAYER: Uint8Array = Buffer.from(
  "1f8b080000096e8800ff621805a360148c5800080000ffff2eafb5ef00040000",
  "hex",
);
export const EMPTY_LAYER_DIGEST: Digest = computeDigest(EMPTY_LAYER);

/** A document to be signed, and whether it has layers whose blob is `EMPTY_LAYER`. */
export interface Schema1Document {
  readonly text: string;
  readonly usesEmptyLayer: boolean;
}

/**
 * Describes an image in schema 1: an entry for each step of its history, newest first. images.md 7.3.
 * `layers` are the digests of its blobs, base first; name and tag are "" where the destination has none.
 * @throws {ImageError} MANIFEST_INVALID without a history
 */
export function schema2ToSchema1(
  config: Uint8Array,
  layers: readonly Digest[],
  { name, tag }: { readonly name: string; readonly tag: string },
): Schema1Document {
  const { history, architecture } = parseImageConfig(config);
  if (history === null || history.length === 0) {
    throw invalid(`Cannot convert an image with 0 history entries to ${SCHEMA1_SIGNED}`);
  }
  const entries: { readonly blobSum: Digest; readonly v1Compatibility: string }[] = [];
  let parent = "";
  let next = 0;
  for (const [i, step] of history.entries()) {
    const blobSum = step.empty_layer ? EMPTY_LAYER_DIGEST : (layers[next++] ?? tooFew(layers.length));
    const isTop = i === history.length - 1;
    const id = layerId(blobSum, parent, isTop ? config : undefined);
    const v1Compatibility = isTop
      ? describeTop(config, { id, parent, isEmpty: step.empty_layer })
      : formatGoJson({
          id,
          parent: parent || undefined,
          comment: step.comment || undefined,
          created: step.created ?? ZERO_TIME,
          container_config: { Cmd: [step.created_by] },
          author: step.author || undefined,
          throwaway: step.empty_layer || undefined,
        });
    entries.unshift({ blobSum, v1Compatibility });
    parent = id;
  }
  return {
    text: formatSchema1({ name, tag, architecture }, entries),
    usesEmptyLayer: history.some((step) => step.empty_layer),
  };
}

/** The same image under another name, which schema 1 keeps inside. images.md 5.2. */
export function renameSchema1(
  manifest: Schema1Manifest,
  { name, tag }: { readonly name: string; readonly tag: string },
): string {
  const entries = manifest.layers.map(({ digest, v1Compatibility }) => ({
    blobSum: digest,
    v1Compatibility,
  }));
  return formatSchema1({ name, tag, architecture: manifest.architecture }, entries.toReversed());
}

function formatSchema1(
  members: { readonly name: string; readonly tag: string; readonly architecture: string },
  entries: readonly { readonly blobSum: Digest; readonly v1Compatibility: string }[],
): string {
  return formatGoJson({
    ...members,
    fsLayers: entries.map(({ blobSum }) => ({ blobSum })),
    history: entries.map(({ v1Compatibility }) => ({ v1Compatibility })),
    schemaVersion: 1,
  });
}

function layerId(blob: Digest, parent: string, config: Uint8Array | undefined): string {
  const text = new TextEncoder().encode(`${digestHex(blob)} ${parent}`);
  const parts = config === undefined ? [text] : [text, new TextEncoder().encode(" "), config];
  return digestHex(computeDigest(Buffer.concat(parts)));
}

function describeTop(
  config: Uint8Array,
  { id, parent, isEmpty }: { readonly id: string; readonly parent: string; readonly isEmpty: boolean },
): string {
  const members = new Map(rawMembers(config, "config"));
  members.delete("rootfs");
  members.delete("history");
  members.set("id", JSON.stringify(id));
  if (parent !== "") members.set("parent", JSON.stringify(parent));
  if (isEmpty) members.set("throwaway", "true");
  return formatRawMembers(members);
}

function tooFew(count: number): never {
  throw invalid(`Invalid image configuration, needs more than the ${count} distributed layers`);
}

function invalid(reason: string): ImageError {
  return new ImageError("MANIFEST_INVALID", reason);
}
