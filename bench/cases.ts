import { join } from "node:path";
import { IMAGE_NAME } from "./layout.ts";

/** The programs that are compared. Any may be missing. */
export type Tool = "skopeo" | "ours" | "crane" | "oras";

export type ImageName = "small" | "tagged" | "mirrored" | "crowd" | "many" | "big" | "typical" | "huge";

/** What the source registry holds of an image. */
export interface ImageRecipe {
  readonly tags: number;
  /** Bytes of each layer, before compression. */
  readonly layers: readonly number[];
  /** Half of the content can be compressed well; otherwise none of it can. */
  readonly isCompressible?: boolean;
  /** Each tag is an image of its own, with one more layer; otherwise all are the same image. */
  readonly isDistinct?: boolean;
}

/** By repository. */
export const IMAGES: Readonly<Record<ImageName, ImageRecipe>> = {
  small: { tags: 1, layers: [1000, 1000] },
  tagged: { tags: 60, layers: [1000] },
  mirrored: { tags: 60, layers: [300_000, 100_000], isDistinct: true },
  crowd: { tags: 10_000, layers: [1000] },
  many: { tags: 1, layers: Array.from({ length: 24 }, () => 300_000) },
  big: { tags: 1, layers: Array.from({ length: 4 }, () => 60_000_000) },
  typical: { tags: 1, layers: Array.from({ length: 4 }, () => 60_000_000), isCompressible: true },
  huge: { tags: 1, layers: [1_000_000_000] },
};

/** Where one run finds and leaves things. Nothing in it is left from another run. */
export interface Place {
  /** Hosts of registries, as in image names. */
  readonly source: string;
  readonly target: string;
  /** OCI layouts of the images. */
  layoutOf(image: ImageName): string;
  /** Archives of the images, under the name `IMAGE_NAME`. */
  archiveOf(image: ImageName, kind: ArchiveKind): string;
  /** An empty directory. */
  readonly scratch: string;
}

export type ArchiveKind = "docker-archive" | "oci-archive";

/** Aimed at, beside real skopeo unless it says otherwise. */
export interface Goal {
  /** Of the median times of ours and of real skopeo. */
  readonly ratio?: number;
  readonly requests?: number;
  readonly megabytes?: number;
}

export interface Case {
  readonly name: string;
  readonly title: string;
  readonly goal: Goal;
  readonly runs: number;
  /** Between the tool and the registries, in milliseconds. */
  readonly roundTrip: number;
  /** What it reads; undefined if it needs no registry at all. */
  readonly image: ImageName | undefined;
  /** Only the second of two runs counts. */
  readonly isRepeated?: boolean;
  /** Undefined where the tool has no such command. */
  command(tool: Tool, place: Place): readonly string[] | undefined;
}

const FAR = 40;
const skopeoCopy: readonly string[] = [
  "--insecure-policy",
  "copy",
  "--quiet",
  "--src-tls-verify=false",
  "--dest-tls-verify=false",
];

function copyBetweenRegistries(image: ImageName): Case["command"] {
  return (tool, { source, target }) => {
    const [from, to] = [`${source}/${image}:1`, `${target}/copy:1`];
    switch (tool) {
      case "skopeo":
      case "ours":
        return [...skopeoCopy, `docker://${from}`, `docker://${to}`];
      case "crane":
        return ["copy", "--insecure", from, to];
      case "oras":
        return ["cp", "--from-plain-http", "--to-plain-http", from, to];
    }
  };
}

/** All tags of a repository. */
function syncRepository(image: ImageName, flags: readonly string[] = []): Case["command"] {
  return (tool, { source, target, scratch }) => {
    const [from, to] = [`${source}/${image}`, `${target}/copies`];
    const words = ["--insecure-policy", "sync", "--all", "--src", "docker", "--dest", "docker"];
    const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    if (tool === "crane" && flags.length === 0)
      return ["copy", "--all-tags", "--insecure", from, `${to}/${image}`];
    if (!isSkopeo(tool) || (tool === "skopeo" && flags.length > 0)) return undefined;
    return [...words, ...insecure, ...flags.map((flag) => flag.replace("SCRATCH", scratch)), from, to];
  };
}

function fromArchive(kind: ArchiveKind, image: ImageName): Case["command"] {
  return (tool, { archiveOf, target }) => {
    const archive = archiveOf(image, kind);
    if (isSkopeo(tool)) return [...skopeoCopy, `${kind}:${archive}`, `docker://${target}/copy:1`];
    return tool === "crane" && kind === "docker-archive"
      ? ["push", "--insecure", archive, `${target}/copy:1`]
      : undefined;
  };
}

function toArchive(kind: ArchiveKind, image: ImageName): Case["command"] {
  return (tool, { source, scratch }) => {
    const archive = join(scratch, "image.tar");
    const from = `${source}/${image}:1`;
    if (isSkopeo(tool)) return [...skopeoCopy, `docker://${from}`, `${kind}:${archive}:image:1`];
    // crane keeps layers compressed, which docker load takes as well, and other readers do not.
    return tool === "crane" && kind === "docker-archive" ? ["pull", "--insecure", from, archive] : undefined;
  };
}

function isSkopeo(tool: Tool): boolean {
  return tool === "skopeo" || tool === "ours";
}

/** Signed images and policies for them, as the tests have them. */
const SIGNED: string = join(import.meta.dirname, "..", "test", "signing", "fixtures");

/** The same copy with nothing to verify, and with a signature of each kind: what lies between is the price of verifying. */
const VERIFICATIONS: readonly (readonly [name: string, title: string, policy: string, image: string])[] = [
  ["verify-nothing", "`dir:` to `dir:`, no signature needed", "accept-anything", "signed-both"],
  ["verify-gnupg", "the same, a GnuPG signature verified", "gpg-plain", "signed-both"],
  ["verify-sigstore", "the same, a sigstore signature verified", "sigstore-empty", "signed-both"],
];

export const CASES: readonly Case[] = [
  {
    name: "version",
    title: "`--version`",
    goal: { ratio: 1 },
    runs: 41,
    roundTrip: 0,
    image: undefined,
    command: (tool) => [isSkopeo(tool) ? "--version" : "version"],
  },
  {
    name: "inspect-raw",
    title: "`inspect --raw`, loopback",
    goal: { ratio: 0.8 },
    runs: 31,
    roundTrip: 0,
    image: "small",
    command(tool, { source }) {
      const image = `${source}/small:1`;
      if (isSkopeo(tool)) return ["inspect", "--tls-verify=false", "--raw", `docker://${image}`];
      return tool === "crane"
        ? ["manifest", "--insecure", image]
        : ["manifest", "fetch", "--plain-http", image];
    },
  },
  ...VERIFICATIONS.map(
    ([name, title, policy, image]): Case => ({
      ...{ name, title, goal: {}, runs: 31, roundTrip: 0, image: undefined },
      command(tool, { scratch }) {
        if (!isSkopeo(tool)) return undefined;
        const file = join(SIGNED, "policies", `${policy}.json`);
        return [
          "--policy",
          file,
          "copy",
          "--quiet",
          `dir:${join(SIGNED, "images", image)}`,
          `dir:${scratch}`,
        ];
      },
    }),
  ),
  {
    name: "inspect-far",
    title: "`inspect`, 60 tags, 40 ms round trip",
    goal: { ratio: 0.6 },
    runs: 9,
    roundTrip: FAR,
    image: "tagged",
    command: (tool, { source }) =>
      isSkopeo(tool) ? ["inspect", "--tls-verify=false", `docker://${source}/tagged:1`] : undefined,
  },
  {
    name: "copy-big",
    title: "registry to registry, 4 layers, 240 MB, loopback",
    goal: { ratio: 0.9 },
    runs: 7,
    roundTrip: 0,
    image: "big",
    command: copyBetweenRegistries("big"),
  },
  {
    name: "copy-far",
    title: "registry to registry, 24 layers of 300 kB, 40 ms round trip",
    goal: { ratio: 0.35 },
    runs: 5,
    roundTrip: FAR,
    image: "many",
    command: copyBetweenRegistries("many"),
  },
  {
    name: "copy-far-again",
    title: "the same again, nothing to do",
    goal: { ratio: 0.35, requests: 4 },
    runs: 5,
    roundTrip: FAR,
    image: "many",
    isRepeated: true,
    command: copyBetweenRegistries("many"),
  },
  {
    name: "sync-far",
    title: "`sync`, 60 tags, fresh, 40 ms round trip",
    goal: { ratio: 0.06 },
    runs: 3,
    roundTrip: FAR,
    image: "mirrored",
    command: syncRepository("mirrored"),
  },
  {
    name: "sync-far-again",
    title: "the same again, nothing to do",
    goal: { ratio: 0.02, requests: 124 },
    runs: 3,
    roundTrip: FAR,
    image: "mirrored",
    isRepeated: true,
    command: syncRepository("mirrored"),
  },
  {
    name: "sync-far-state",
    title: "the same again, with `--state`",
    goal: { requests: 64 },
    runs: 3,
    roundTrip: FAR,
    image: "mirrored",
    isRepeated: true,
    command: syncRepository("mirrored", ["--state=SCRATCH/state.json"]),
  },
  {
    name: "sync-crowd",
    title: "peak memory, `sync`, 10,000 tags, nothing to do, loopback",
    goal: { megabytes: 200 },
    runs: 1,
    roundTrip: 0,
    image: "crowd",
    isRepeated: true,
    command: (tool, place) => (tool === "ours" ? syncRepository("crowd")(tool, place) : undefined),
  },
  {
    name: "registry-oci",
    title: "registry to `oci:`, 4 layers, 240 MB",
    goal: { ratio: 1 },
    runs: 7,
    roundTrip: 0,
    image: "big",
    command: (tool, { source, scratch }) =>
      isSkopeo(tool)
        ? [...skopeoCopy, `docker://${source}/big:1`, `oci:${join(scratch, "layout")}:1`]
        : undefined,
  },
  {
    name: "oci-registry",
    title: "`oci:` to registry, 4 layers, 240 MB",
    goal: { ratio: 1 },
    runs: 7,
    roundTrip: 0,
    image: "big",
    command: (tool, { layoutOf, target }) =>
      isSkopeo(tool)
        ? [...skopeoCopy, `oci:${layoutOf("big")}:${IMAGE_NAME}`, `docker://${target}/copy:1`]
        : undefined,
  },
  {
    name: "registry-dir",
    title: "registry to `dir:`, 4 layers, 240 MB",
    goal: { ratio: 1 },
    runs: 7,
    roundTrip: 0,
    image: "big",
    command: (tool, { source, scratch }) =>
      isSkopeo(tool)
        ? [...skopeoCopy, `docker://${source}/big:1`, `dir:${join(scratch, "directory")}`]
        : undefined,
  },
  {
    name: "archive-registry",
    title: "`docker-archive:` to registry, 4 layers, 240 MB",
    goal: { ratio: 0.8 },
    runs: 7,
    roundTrip: 0,
    image: "typical",
    command: fromArchive("docker-archive", "typical"),
  },
  {
    name: "registry-archive",
    title: "registry to `docker-archive:`, 4 layers, 240 MB",
    goal: { ratio: 0.6 },
    runs: 7,
    roundTrip: 0,
    image: "typical",
    command: toArchive("docker-archive", "typical"),
  },
  {
    name: "oci-archive-registry",
    title: "`oci-archive:` to registry, 4 layers, 240 MB",
    goal: { ratio: 1 },
    runs: 7,
    roundTrip: 0,
    image: "typical",
    command: fromArchive("oci-archive", "typical"),
  },
  {
    name: "registry-oci-archive",
    title: "registry to `oci-archive:`, 4 layers, 240 MB",
    goal: { ratio: 1 },
    runs: 7,
    roundTrip: 0,
    image: "typical",
    command: toArchive("oci-archive", "typical"),
  },
  {
    name: "memory-archive",
    title: "peak memory, `docker-archive:` to registry, one 1 GB layer",
    goal: { megabytes: 200 },
    runs: 1,
    roundTrip: 0,
    image: "huge",
    command: fromArchive("docker-archive", "huge"),
  },
  {
    name: "memory-to-archive",
    title: "peak memory, registry to `docker-archive:`, one 1 GB layer",
    goal: { megabytes: 200 },
    runs: 1,
    roundTrip: 0,
    image: "huge",
    command: toArchive("docker-archive", "huge"),
  },
  {
    name: "memory",
    title: "peak memory, registry to registry, one 1 GB layer",
    goal: { megabytes: 150 },
    runs: 1,
    roundTrip: 0,
    image: "huge",
    command: copyBetweenRegistries("huge"),
  },
];
