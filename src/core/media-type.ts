/** An image or artifact. Image spec 1.1, manifest.md. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** An index of images. Image spec 1.1, image-index.md. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** The config of an image. Image spec 1.1, config.md. */
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
/** An image in Docker's manifest v2 schema 2. */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** Docker's index: a manifest list. */
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
/** The config of an image in Docker's format. */
export const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
/** An image in Docker's manifest v2 schema 1, without signatures. */
export const SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json";
/** An image in Docker's manifest v2 schema 1, within a JSON web signature. */
export const SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/** Everything asked for when a manifest is read, in the order in which clients of this family send it. */
export const MANIFEST_TYPES: readonly string[] = [
  OCI_MANIFEST,
  DOCKER_MANIFEST,
  SCHEMA1_SIGNED,
  SCHEMA1,
  DOCKER_LIST,
  OCI_INDEX,
];

/** Whether a media type names an index (OCI) or a manifest list (Docker): a document that points to instances. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === OCI_INDEX || mediaType === DOCKER_LIST;
}

/** Whether a media type names Docker's manifest v2 schema 1, signed or not. */
export function isSchema1Type(mediaType: string): boolean {
  return mediaType === SCHEMA1 || mediaType === SCHEMA1_SIGNED;
}
