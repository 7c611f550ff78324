import { ImageError } from "../core/errors.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  isIndexType,
  isSchema1Type,
  OCI_INDEX,
  OCI_MANIFEST,
  SCHEMA1,
  SCHEMA1_SIGNED,
} from "../core/media-type.ts";

/** A format that a user may ask for. */
export type ManifestFormat = "oci" | "v2s1" | "v2s2";

/** What decides about the kind of manifest to write. */
export interface ManifestWishes {
  readonly sourceType: string;
  /** What the destination takes, in its order. */
  readonly accepted: readonly string[] | "any";
  readonly format?: ManifestFormat | undefined;
  /** The compression that all layers must have, if one was asked for. */
  readonly compression?: string | undefined;
}

const FORMATS: Readonly<Record<ManifestFormat, string>> = {
  oci: OCI_MANIFEST,
  v2s1: SCHEMA1_SIGNED,
  v2s2: DOCKER_MANIFEST,
};
/** What a destination that takes anything is offered. */
const KNOWN_TYPES: readonly string[] = [OCI_MANIFEST, DOCKER_MANIFEST, SCHEMA1_SIGNED, SCHEMA1];

/**
 * The kinds of image manifest to try at a destination, in order; the first is what it is planned to become. images.md 6.
 * @throws {ImageError} UNSUPPORTED_OPERATION when none will do
 */
export function planManifestTypes(wishes: ManifestWishes): readonly string[] {
  const { sourceType, accepted, format, compression } = wishes;
  const possible = format === undefined ? imageTypes(accepted) : [FORMATS[format]];
  const needsOci = compression !== undefined && compression !== "gzip";
  const usable = needsOci
    ? possible.filter((type) => type === OCI_MANIFEST && isOciCompression(compression))
    : possible;
  if (usable.length === 0) throw noneUsable(wishes);
  const isSource = (type: string): boolean =>
    type === sourceType || (isSchema1Type(type) && isSchema1Type(sourceType));
  return [
    ...new Set([
      ...usable
        .filter(isSource)
        .slice(0, 1)
        .map(() => sourceType),
      ...[DOCKER_MANIFEST, SCHEMA1_SIGNED].filter((type) => usable.includes(type)),
      ...usable,
    ]),
  ];
}

/** The same for an index, of which there are two kinds. images.md 9. */
export function planIndexTypes(wishes: Omit<ManifestWishes, "compression">): readonly string[] {
  const { sourceType, accepted, format } = wishes;
  const isTaken = (type: string): boolean => accepted === "any" || accepted.includes(type);
  const wanted = format === undefined ? undefined : format === "oci" ? OCI_INDEX : DOCKER_LIST;
  const candidates = wanted === undefined ? [sourceType, DOCKER_LIST, OCI_INDEX] : [wanted];
  const taken = [...new Set(candidates.filter(isTaken))];
  if (taken.length > 0) return taken;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `the destination takes no index of type ${candidates.join(" or ")}`,
  );
}

function imageTypes(accepted: readonly string[] | "any"): readonly string[] {
  return accepted === "any" ? KNOWN_TYPES : accepted.filter((type) => !isIndexType(type));
}

function isOciCompression(compression: string): boolean {
  return compression === "zstd" || compression === "zstd:chunked";
}

function noneUsable({ accepted, format, compression }: ManifestWishes): ImageError {
  const required = `compression using ${compression} required`;
  const reason =
    format !== undefined
      ? `${required} together with format ${FORMATS[format]}, which does not support it`
      : accepted === "any"
        ? `${required}, but none of the known manifest formats support it`
        : `${required} but the destination only supports MIME types [${accepted.join(", ")}], none of which support it`;
  return new ImageError("UNSUPPORTED_OPERATION", reason);
}
