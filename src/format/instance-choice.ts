import type { Descriptor } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import { DOCKER_LIST } from "../core/media-type.ts";
import type { IndexManifest } from "./manifest.ts";

/** The platform that an image is wanted for. `variant` is "" where none is asked for. */
export interface WantedPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

/** Variants that run on a processor, the best first. */
const VARIANTS: Readonly<Record<string, readonly string[]>> = {
  arm: ["v8", "v7", "v6", "v5"],
  arm64: ["v8"],
};

/** Marks instances with zstd layers, which win over equal ones without. */
const ZSTD_ANNOTATION = "io.github.containers.compression.zstd";

/**
 * The entry of an index that best fits a platform. Image spec 1.1, image-index.md, "platform".
 * @throws {ImageError} NO_MATCHING_INSTANCE, naming the platforms that there are
 */
export function chooseInstance(index: IndexManifest, wanted: WantedPlatform): Descriptor {
  const candidates = candidateVariants(wanted);
  const isDocker = index.mediaType === DOCKER_LIST;
  const rank = (entry: Descriptor): number => {
    const { platform } = entry;
    // An OCI entry without platform runs anywhere, but comes after each one that says where it runs.
    if (platform === undefined || platform.os === "") return isDocker ? -1 : candidates.length;
    if (platform.os !== wanted.os || platform.architecture !== wanted.architecture) return -1;
    return candidates.indexOf(platform.variant ?? "");
  };
  const fitting = index.manifests
    .map((entry) => ({ entry, rank: rank(entry) }))
    .filter((item) => item.rank >= 0);
  const best = Math.min(...fitting.map((item) => item.rank));
  const equals = fitting.filter((item) => item.rank === best).map((item) => item.entry);
  const zstd = isDocker ? undefined : equals.find((entry) => entry.annotations?.[ZSTD_ANNOTATION] === "true");
  const chosen = zstd ?? equals[0];
  if (chosen === undefined) throw noInstance(index, wanted, candidates[0] ?? "");
  return chosen;
}

/** The entries for platforms such as `linux/arm64` or `linux/arm/v7`; without a variant, all variants. */
export function matchesPlatform(entry: Descriptor, platform: string): boolean {
  const [os, architecture, variant] = platform.split("/");
  if (entry.platform === undefined) return false;
  if (entry.platform.os !== os || entry.platform.architecture !== architecture) return false;
  return variant === undefined || (entry.platform.variant ?? defaultVariant(architecture)) === variant;
}

/** ARM64 has had one variant only, which most indexes therefore leave out. */
function defaultVariant(architecture: string | undefined): string {
  return architecture === "arm64" ? "v8" : "";
}

function candidateVariants({ architecture, variant }: WantedPlatform): readonly string[] {
  const compatible = VARIANTS[architecture] ?? [];
  if (variant === "") return ["", ...compatible];
  const position = compatible.indexOf(variant);
  return position < 0 ? [variant, ""] : [...compatible.slice(position), ""];
}

function noInstance(index: IndexManifest, wanted: WantedPlatform, variant: string): ImageError {
  const kind = index.mediaType === DOCKER_LIST ? "manifest list" : "image index";
  const { architecture, os } = wanted;
  return new ImageError(
    "NO_MATCHING_INSTANCE",
    `no image found in ${kind} for architecture "${architecture}", variant "${variant}", OS "${os}"${available(index)}`,
  );
}

function available(index: IndexManifest): string {
  const platforms = index.manifests
    .map(({ platform }) => platform)
    .filter((platform) => platform !== undefined && platform.os !== "unknown")
    .map((platform) => [platform?.os, platform?.architecture, platform?.variant].filter(Boolean).join("/"));
  return platforms.length === 0 ? "" : ` (it has ${[...new Set(platforms)].join(", ")})`;
}
