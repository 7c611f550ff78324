import type { Descriptor } from "../core/descriptor.ts";

/** How the data of a layer is stored. `zstd:chunked` is zstd with a table of contents; bzip2 and xz are read only. */
export type LayerCompression = "uncompressed" | "gzip" | "zstd" | "zstd:chunked" | "bzip2" | "xz";

/** The media types of one kind of layer in one format, for each way of compressing that it knows. */
type Family = Readonly<Partial<Record<"uncompressed" | "gzip" | "zstd", string>>>;

const OCI: Family = ociFamily("application/vnd.oci.image.layer.v1.tar");
const OCI_FOREIGN: Family = ociFamily("application/vnd.oci.image.layer.nondistributable.v1.tar");
const DOCKER: Family = {
  uncompressed: "application/vnd.docker.image.rootfs.diff.tar",
  gzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  zstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
};
const DOCKER_FOREIGN: Family = {
  uncompressed: "application/vnd.docker.image.rootfs.foreign.diff.tar",
  gzip: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
};

/** images.md 1. */
const FAMILIES: readonly Family[] = [OCI, OCI_FOREIGN, DOCKER, DOCKER_FOREIGN];
/** Kinds of layer that are the same in both formats. */
const EQUIVALENTS: readonly { readonly oci: Family; readonly docker: Family }[] = [
  { oci: OCI, docker: DOCKER },
  { oci: OCI_FOREIGN, docker: DOCKER_FOREIGN },
];

function ociFamily(uncompressed: string): Family {
  return { uncompressed, gzip: `${uncompressed}+gzip`, zstd: `${uncompressed}+zstd` };
}

/** Marks a zstd layer that has a table of contents. images.md 8.2. */
const CHUNKED_ANNOTATION = "io.github.containers.zstd-chunked.manifest-checksum";

/** How a descriptor says that its layer is compressed; undefined for what is no known kind of layer. */
export function declaredCompression(
  layer: Pick<Descriptor, "mediaType" | "annotations">,
): LayerCompression | undefined {
  const { mediaType, annotations } = layer;
  const family = FAMILIES.find((candidate) => compressionIn(candidate, mediaType) !== undefined);
  const compression = family && compressionIn(family, mediaType);
  const isChunked = compression === "zstd" && annotations?.[CHUNKED_ANNOTATION] !== undefined;
  return isChunked ? "zstd:chunked" : compression;
}

function compressionIn(family: Family, mediaType: string): keyof Family | undefined {
  const keys = ["uncompressed", "gzip", "zstd"] as const;
  return keys.find((key) => family[key] === mediaType);
}

/** The media type of the same kind of layer in the other format; undefined where it has none. images.md 7. */
export function equivalentLayerType(mediaType: string, format: "oci" | "docker"): string | undefined {
  const other = format === "oci" ? "docker" : "oci";
  for (const kinds of EQUIVALENTS) {
    const key = compressionIn(kinds[other], mediaType);
    if (key !== undefined) return kinds[format][key];
  }
  return undefined;
}

/**
 * The media type of the same family for data compressed in another way. Where there is none it stays what it was:
 * bzip2 and xz have no name of their own, and Docker has none for foreign zstd layers.
 */
export function withLayerCompression(mediaType: string, compression: LayerCompression): string {
  const family = FAMILIES.find((candidate) => compressionIn(candidate, mediaType) !== undefined);
  const key = compression === "zstd:chunked" ? "zstd" : compression;
  if (family === undefined || key === "bzip2" || key === "xz") return mediaType;
  return family[key] ?? mediaType;
}
