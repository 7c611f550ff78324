import * as v from "valibot";
import type { RawManifest } from "../core/descriptor.ts";
import { type Digest, isDigest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { SCHEMA1_SIGNED } from "../core/media-type.ts";
import { parseJson } from "./json.ts";
import { checkUnambiguous } from "./unambiguous.ts";

/** A layer of a schema 1 image, with the description that images had of themselves before there were configs. */
export interface Schema1Layer {
  /** Of the compressed layer. */
  readonly digest: Digest;
  /** The layer changes nothing, and its blob is the one that stands for that. */
  readonly isEmpty: boolean;
  /** Hexadecimal, of the time before digests. */
  readonly id: string;
  /** The `id` of the layer below; "" for the lowest. */
  readonly parent: string;
  /** As in the document, RFC 3339. */
  readonly created: string | undefined;
  /** Who made it. */
  readonly author: string;
  /** What the builder said. */
  readonly comment: string;
  /** The words of the command that made it. */
  readonly command: readonly string[];
  /** The JSON text that all of this comes from. */
  readonly v1Compatibility: string;
}

/** Docker's old manifest: layers carry neither type nor size, and the newest one the config. Docker manifest v2 schema 1. */
export interface Schema1Manifest {
  /** Tells the kinds of manifests apart. */
  readonly kind: "schema1";
  /** Of the document. */
  readonly mediaType: string;
  /** The repository that the document says it is for. */
  readonly name: string;
  /** The tag that the document says it is for. */
  readonly tag: string;
  /** A value of GOARCH. */
  readonly architecture: string;
  /** Base first, unlike in the document. Never empty. */
  readonly layers: readonly Schema1Layer[];
}

const Text = v.nullish(v.string(), "");
const DigestText = v.pipe(
  v.string(),
  v.check(isDigest, (issue) => `invalid digest ${JSON.stringify(issue.input)}`),
  v.transform((text) => text as Digest),
);
const DocumentSchema = v.looseObject({
  schemaVersion: v.unknown(),
  name: Text,
  tag: Text,
  architecture: Text,
  fsLayers: v.nullish(v.array(v.looseObject({ blobSum: DigestText }))),
  history: v.nullish(v.array(v.looseObject({ v1Compatibility: v.string() }))),
});
const CompatibilitySchema = v.looseObject({
  id: Text,
  parent: Text,
  created: v.nullish(v.string()),
  author: Text,
  comment: Text,
  throwaway: v.nullish(v.boolean()),
  container_config: v.nullish(v.looseObject({ Cmd: v.nullish(v.array(v.string())) })),
});

/** Parses and checks a schema 1 manifest, signed or not; signatures are not looked at. images.md 3.1. @throws {ImageError} MANIFEST_INVALID */
export function parseSchema1(raw: RawManifest): Schema1Manifest {
  // Signed or not, it is one format.
  checkUnambiguous({ ...raw, mediaType: SCHEMA1_SIGNED }, ["fsLayers", "history"]);
  const document = parseJson(DocumentSchema, raw.bytes, "manifest");
  if (document.schemaVersion !== 1) {
    throw invalid(`unsupported schema version ${JSON.stringify(document.schemaVersion)}`);
  }
  const blobs = document.fsLayers ?? [];
  const history = document.history ?? [];
  if (blobs.length !== history.length) throw invalid("length of history not equal to number of layers");
  if (blobs.length === 0) throw invalid("no FSLayers in manifest");
  const layers = history.map(({ v1Compatibility }, i) =>
    parseLayer(v1Compatibility, blobs[i]?.blobSum ?? missing()),
  );
  checkIdentities(layers);
  const { name, tag, architecture } = document;
  return {
    kind: "schema1",
    mediaType: raw.mediaType,
    ...{ name, tag, architecture },
    layers: withoutRepetitions(layers).toReversed(),
  };
}

function parseLayer(v1Compatibility: string, digest: Digest): Schema1Layer {
  const entry = parseJson(CompatibilitySchema, new TextEncoder().encode(v1Compatibility), "v1Compatibility");
  if (!/^[0-9a-f]{64}$/.test(entry.id)) throw invalid(`image ID ${JSON.stringify(entry.id)} is invalid`);
  const { id, parent, author, comment } = entry;
  return {
    ...{ digest, id, parent, author, comment, v1Compatibility },
    isEmpty: entry.throwaway ?? false,
    created: entry.created ?? undefined,
    command: entry.container_config?.Cmd ?? [],
  };
}

/** Newest first. A layer may be repeated right after itself, and nowhere else. */
function checkIdentities(layers: readonly Schema1Layer[]): void {
  if (layers.at(-1)?.parent !== "") throw invalid("Invalid parent ID in the base layer of the image");
  const seen = new Set<string>();
  let previous: string | undefined;
  for (const { id } of layers) {
    if (id !== previous && seen.has(id)) throw invalid(`ID ${id} appears multiple times in manifest`);
    seen.add(id);
    previous = id;
  }
}

function withoutRepetitions(layers: readonly Schema1Layer[]): readonly Schema1Layer[] {
  return layers.filter((layer, i) => {
    const below = layers[i + 1];
    if (below === undefined) return true;
    if (layer.id === below.id) return false;
    if (layer.parent === below.id) return true;
    throw invalid(`Invalid parent ID. Expected ${below.id}, got ${JSON.stringify(layer.parent)}`);
  });
}

function missing(): never {
  throw invalid("length of history not equal to number of layers");
}

function invalid(reason: string): ImageError {
  return new ImageError("MANIFEST_INVALID", reason);
}
