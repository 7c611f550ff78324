import type { Descriptor } from "../../core/descriptor.ts";
import { computeDigest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import { OCI_CONFIG, OCI_MANIFEST } from "../../core/media-type.ts";
import type { HistoryEntry, ImageConfig, RunConfig } from "../../format/image-config.ts";
import { type AccessOptions, type ImageName, resolveImage } from "../call-options.ts";
import { interruptible } from "../interruption.ts";
import { openImage } from "../open-image.ts";
import { type PlatformName, readPlatform } from "../platform-choice.ts";
import { type BuiltImage, builtImage, bytesBlob } from "./built-image.ts";
import type { BuiltLayer, NewLayer } from "./new-layer.ts";

/** How a container is run. Image spec 1.1, config.md, "config". */
export interface NewRunConfig {
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly user?: string | undefined;
  /** `80/tcp`. */
  readonly exposedPorts?: readonly string[] | undefined;
  /** Variables by their names. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The words that a command begins with. */
  readonly entrypoint?: readonly string[] | undefined;
  /** The command, or the arguments of the entrypoint. */
  readonly command?: readonly string[] | undefined;
  /** Absolute paths. */
  readonly volumes?: readonly string[] | undefined;
  /** An absolute path. */
  readonly workingDirectory?: string | undefined;
  /** What you have to say about the image. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** `SIGTERM`. */
  readonly stopSignal?: string | undefined;
}

/** The parts of an image to be. */
export interface NewImage {
  /** What the content is for: `linux/arm64`. */
  readonly platform: PlatformName;
  /** Lowest first; they come on top of those of `base`. */
  readonly layers: readonly NewLayer[];
  /** What is not said here stays as it is in `base`; variables and labels are added. */
  readonly config?: NewRunConfig | undefined;
  /** Of the manifest. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** 1970 by default, so that the same parts make the same image. */
  readonly created?: Date | undefined;
  /** A name, with an address perhaps. */
  readonly author?: string | undefined;
  /** The image to build on, for the same platform. */
  readonly base?: ImageName | undefined;
}

interface Base {
  readonly reference: ImageReference;
  readonly layers: readonly Descriptor[];
  readonly config: ImageConfig;
}

/**
 * Builds an image, in memory but for the content of its layers, which is read when somebody copies it. Image spec 1.1, manifest.md
 * and config.md.
 * @throws {ImageError}
 */
export async function buildImage(image: NewImage, options: AccessOptions = {}): Promise<BuiltImage> {
  return await interruptible(options, async (inner) => await build(image, inner));
}

async function build(image: NewImage, options: AccessOptions): Promise<BuiltImage> {
  const base = image.base === undefined ? undefined : await readBase(image.base, image.platform, options);
  const [{ buildLayer }, { formatImageManifest }] = await Promise.all([
    import("./new-layer.ts"),
    import("../../format/rewrite-manifest.ts"),
  ]);
  const layers: BuiltLayer[] = [];
  for (const layer of image.layers) layers.push(await buildLayer(layer, options));
  const configBytes = new TextEncoder().encode(JSON.stringify(configOf(image, layers, base?.config)));
  const config = { mediaType: OCI_CONFIG, digest: computeDigest(configBytes), size: configBytes.length };
  const topLevel = formatImageManifest({
    kind: "image",
    mediaType: OCI_MANIFEST,
    config,
    layers: [...(base?.layers ?? []), ...layers.map(({ descriptor }) => descriptor)],
    annotations: image.annotations,
  });
  const blobs = layers.map(({ descriptor: { digest, size }, open }) => [digest, { size, open }] as const);
  return builtImage({
    topLevel,
    instances: new Map(),
    blobs: new Map([[config.digest, bytesBlob(configBytes)], ...blobs]),
    others: base === undefined ? [] : [base.reference],
  });
}

async function readBase(name: ImageName, platform: PlatformName, options: AccessOptions): Promise<Base> {
  const reference = await resolveImage(name, options, options.access);
  await using opened = await openImage(reference, options);
  const instance = await opened.instance(platform, options);
  const { manifest } = instance;
  if (manifest.kind === "schema1")
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      "an image of schema 1 cannot be built on: copy it in another format",
    );
  return {
    reference,
    layers: manifest.layers.map(inOciTerms),
    config: await opened.readConfig(instance, options),
  };
}

/** Layers of Docker's images keep their bytes; in an OCI manifest their media types are OCI's. */
function inOciTerms(layer: Descriptor): Descriptor {
  const mediaType = layer.mediaType
    .replace(
      /^application\/vnd\.docker\.image\.rootfs\.(?:foreign\.)?diff\.tar/,
      "application/vnd.oci.image.layer.v1.tar",
    )
    .replace(/\.(gzip|zstd)$/, "+$1");
  return { ...layer, mediaType };
}

function configOf(image: NewImage, layers: readonly BuiltLayer[], base: ImageConfig | undefined): object {
  const { os, architecture, variant, ...features } = readPlatform(image.platform);
  const created = (image.created ?? new Date(0)).toISOString().replace(/\.000Z$/, "Z");
  return {
    created,
    ...(image.author === undefined ? {} : { author: image.author }),
    architecture,
    os,
    ...features,
    ...(variant === undefined ? {} : { variant }),
    config: runConfigOf(image.config ?? {}, base?.config),
    rootfs: {
      type: "layers",
      diff_ids: [...(base?.rootfs.diff_ids ?? []), ...layers.map(({ diffId }) => diffId)],
    },
    history: [
      ...(base?.history ?? []).map(inherited),
      ...layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
    ],
  };
}

function inherited({ created, created_by, author, comment, empty_layer }: HistoryEntry): object {
  return {
    ...(created === null ? {} : { created }),
    ...(created_by === "" ? {} : { created_by }),
    ...(author === "" ? {} : { author }),
    ...(comment === "" ? {} : { comment }),
    ...(empty_layer ? { empty_layer } : {}),
  };
}

function runConfigOf(own: NewRunConfig, base: RunConfig | undefined): object {
  const config = {
    User: own.user ?? base?.User,
    ExposedPorts: setOf([...(base?.ExposedPorts ?? []), ...(own.exposedPorts ?? [])]),
    Env: environmentOf(base?.Env ?? [], own.env ?? {}),
    Entrypoint: own.entrypoint ?? base?.Entrypoint,
    Cmd: own.command ?? (own.entrypoint === undefined ? base?.Cmd : undefined),
    Volumes: setOf([...(base?.Volumes ?? []), ...(own.volumes ?? [])]),
    WorkingDir: own.workingDirectory ?? base?.WorkingDir,
    Labels: { ...base?.Labels, ...own.labels },
    StopSignal: own.stopSignal ?? base?.StopSignal,
  };
  return Object.fromEntries(Object.entries(config).filter(([, value]) => !isNothing(value)));
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || value === "" || Object.keys(Object(value)).length === 0;
}

function setOf(keys: readonly string[]): Readonly<Record<string, object>> {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

/** Variables that are there already keep their place. */
function environmentOf(base: readonly string[], own: Readonly<Record<string, string>>): readonly string[] {
  const merged = new Map(base.map((line) => [line.split("=", 1)[0] ?? "", line]));
  for (const [name, value] of Object.entries(own)) merged.set(name, `${name}=${value}`);
  return [...merged.values()];
}
