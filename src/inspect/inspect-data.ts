import type { Descriptor } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import { ZERO_TIME } from "../format/go-time.ts";
import { type ImageConfig, jsonKind } from "../format/image-config.ts";

/** What `inspect` reports of an image, in the order in which it prints it. cli.md 5.1. */
export interface InspectData {
  /** The repository without a tag; absent where the transport has no such names. */
  readonly Name?: string;
  /** As the name was given; absent for a digest. */
  readonly Tag?: string;
  /** Of the top-level manifest: of the index, where the image is one of several. */
  readonly Digest: string;
  /** Null when the registry refused to list the tags. */
  readonly RepoTags: readonly string[] | null;
  /** RFC 3339, as `normalizeTime` gives it; null when an OCI image does not tell. */
  readonly Created: string | null;
  /** What built it, if that was Docker; "" otherwise. */
  readonly DockerVersion: string;
  /** In any order: whoever prints them sorts them. */
  readonly Labels: Readonly<Record<string, string>> | null;
  /** A value of GOARCH. */
  readonly Architecture: string;
  /** A value of GOOS. */
  readonly Os: string;
  /** The digests of the layers, bottom first. */
  readonly Layers: readonly string[];
  /** The layers, bottom first. */
  readonly LayersData: readonly InspectLayer[];
  /** `NAME=value`. */
  readonly Env: readonly string[] | null;
}

/** What `inspect` reports of a layer. */
export interface InspectLayer {
  /** "" if unknown. */
  readonly MIMEType: string;
  /** As stored. */
  readonly Digest: string;
  /** Bytes as stored; -1 if unknown. */
  readonly Size: number;
  /** Null where there are none, and for Docker's formats. */
  readonly Annotations: Readonly<Record<string, string>> | null;
}

/** Where the report comes from. `config` and `layers` (bottom first) are those of the instance chosen from an index. */
export interface InspectSource {
  readonly name?: string | undefined;
  readonly tag?: string | undefined;
  readonly digest: string;
  readonly repoTags: readonly string[] | null;
  readonly manifestKind: "oci" | "docker";
  readonly config: ImageConfig;
  readonly layers: readonly Descriptor[];
}

/** @throws {ImageError} MANIFEST_INVALID when the config's `docker_version` is no string */
export function buildInspectData(source: InspectSource): InspectData {
  const { config, layers, manifestKind } = source;
  return {
    ...(source.name ? { Name: source.name } : {}),
    ...(source.tag ? { Tag: source.tag } : {}),
    Digest: source.digest,
    RepoTags: source.repoTags,
    Created: config.created ?? (manifestKind === "docker" ? ZERO_TIME : null),
    DockerVersion: readDockerVersion(config.raw, manifestKind),
    Labels: config.config.Labels,
    Architecture: config.architecture,
    Os: config.os,
    Layers: layers.map((layer) => layer.digest),
    LayersData: layers.map((layer) => describeLayer(layer, manifestKind)),
    Env: config.config.Env,
  };
}

function describeLayer(layer: Descriptor, manifestKind: "oci" | "docker"): InspectLayer {
  return {
    MIMEType: layer.mediaType,
    Digest: layer.digest,
    Size: layer.size,
    Annotations: manifestKind === "oci" ? (layer.annotations ?? null) : null,
  };
}

function readDockerVersion(
  config: Readonly<Record<string, unknown>>,
  manifestKind: "oci" | "docker",
): string {
  const key = Object.keys(config).findLast((name) => name.toLowerCase() === "docker_version");
  const version = key === undefined ? null : config[key];
  if (typeof version === "string") return version.toWellFormed();
  if (version === null) return "";
  const owner = manifestKind === "oci" ? "Schema2V1Image" : "Schema2Image.Schema2V1Image";
  throw new ImageError(
    "MANIFEST_INVALID",
    `json: cannot unmarshal ${jsonKind(version)} into Go struct field ${owner}.docker_version of type string`,
  );
}
