/**
 * Names, digests, manifests, indexes and configs, as pure functions.
 * @packageDocumentation
 */
export {
  type Descriptor,
  formatPlatform,
  type Platform,
  parsePlatform,
  type RawManifest,
} from "../core/descriptor.ts";
export {
  computeDigest,
  createDigester,
  type Digest,
  type Digester,
  digestAlgorithm,
  isDigest,
  parseDigest,
} from "../core/digest.ts";
export {
  type DockerName,
  formatDockerName,
  formatFamiliarName,
  isValidTag,
  parseDockerName,
  repositoryName,
} from "../core/docker-name.ts";
export * from "../core/media-type.ts";
export {
  type HistoryEntry,
  type ImageConfig,
  parseImageConfig,
  type RunConfig,
} from "../format/image-config.ts";
export { chooseInstance, matchesPlatform, type WantedPlatform } from "../format/instance-choice.ts";
export {
  artifactTypeOf,
  guessManifestType,
  type ImageManifest,
  type IndexManifest,
  isArtifact,
  type Manifest,
  type ManifestMembers,
  parseImageManifest,
  parseIndex,
  parseManifest,
  rawManifest,
  subjectOf,
} from "../format/manifest.ts";
export { manifestDigest } from "../format/manifest-digest.ts";
export { formatImageManifest } from "../format/rewrite-manifest.ts";
export { parseSchema1, type Schema1Layer, type Schema1Manifest } from "../format/schema1.ts";
export type { HashAlgorithm } from "../runtime/hash.ts";
