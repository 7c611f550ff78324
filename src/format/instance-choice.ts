import { type Descriptor, formatPlatform, type Platform } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import { DOCKER_LIST } from "../core/media-type.ts";
import type { IndexManifest } from "./manifest.ts";

/** The platform that an image is wanted for. `variant` is "" where none is asked for. */
export interface WantedPlatform {
  /** A value of GOOS. */
  readonly os: string;
  /** A value of GOARCH. */
  readonly architecture: string;
  /** Of the processor; "" for the usual one. */
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

/** Whether an entry is for a platform; a platform without a variant stands for all variants. */
export function matchesPlatform(
  entry: Descriptor,
  wanted: Pick<Platform, "os" | "architecture" | "variant">,
): boolean {
  const { platform } = entry;
  if (platform === undefined) return false;
  if (platform.os !== wanted.os || platform.architecture !== wanted.architecture) return false;
  return (
    wanted.variant === undefined ||
    (platform.variant ?? defaultVariant(wanted.architecture)) === wanted.variant
  );
}

/** ARM64 has had one variant only, which most indexes therefore leave out. */
function defaultVariant(architecture: string): string {
  return architecture === "arm64" ? "v8" : "";
}

function candidateVariants({ architecture, variant }: WantedPlatform): readonly string[] {
  const compatible = (Object.hasOwn(VARIANTS, architecture) ? VARIANTS[architecture] : undefined) ?? [];
  if (variant === "") return ["", ...compatible];
  const position = compatible.indexOf(variant);
  return position < 0 ? [variant, ""] : [...compatible.slice(position), ""];
}

function noInstance(index: IndexManifest, wanted: WantedPlatform, variant: string): ImageError {
  const kind = index.mediaType === DOCKER_LIST ? "manifest list" : "image index";
  const { architecture, os } = wanted;
  return new ImageError(
    "NO_MATCHING_INSTANCE",
    `no image found in ${kind} for architecture "${architecture}", variant "${variant}", OS "${os}"${availablePlatforms(index)}`,
  );
}

/** ` (it has linux/amd64, linux/arm64)`, for messages; "" where no entry tells its platform. */
export function availablePlatforms(index: IndexManifest): string {
  const platforms = index.manifests
    .flatMap(({ platform }) => (platform === undefined ? [] : [platform]))
    .filter(({ os }) => os !== "unknown" && os !== "");
  const names = new Set(platforms.map(formatPlatform));
  return names.size === 0 ? "" : ` (it has ${[...names].join(", ")})`;
}
