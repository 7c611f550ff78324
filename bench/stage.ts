import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../test/support/docker-registry.ts";
import { newestSkopeo } from "../test/support/peers.ts";
import { mustRun } from "../test/support/run.ts";
import { type ArchiveKind, IMAGES, type ImageName, type Place } from "./cases.ts";
import { startDelayProxy, type Traffic } from "./delay-proxy.ts";
import { IMAGE_NAME, pushLayout, writeLargeLayout } from "./layout.ts";

/** A place, and what the registries of it have seen. */
export interface RunningPlace extends Place, AsyncDisposable {
  /** Undefined where the tools talk to the registries directly. */
  traffic(): Traffic | undefined;
  resetTraffic(): void;
}

/** The source registry with its images, from which every run gets a place of its own. */
export interface Stage extends AsyncDisposable {
  open(options: PlaceOptions): Promise<RunningPlace>;
}

export interface PlaceOptions {
  /** Without one, nothing is started. */
  readonly image: ImageName | undefined;
  /** Milliseconds; a proxy before each registry brings them about. */
  readonly roundTrip: number;
  /** Puts proxies before the registries in any case. */
  readonly isCounted: boolean;
}

/** The images that are there as archives too. */
const ARCHIVED: ReadonlySet<ImageName> = new Set(["typical", "huge"]);

/** Starts the source registry and fills it with these images. */
export async function startStage(images: readonly ImageName[]): Promise<Stage> {
  const directory = mkdtempSync(join(tmpdir(), "skopeo-bench-"));
  const source = await startDockerRegistry();
  const layoutOf = (image: ImageName): string => join(directory, image);
  const archiveOf = (image: ImageName, kind: ArchiveKind): string => join(directory, `${image}.${kind}.tar`);
  for (const image of images) {
    const { tags } = IMAGES[image];
    await writeLargeLayout(layoutOf(image), image, IMAGES[image]);
    for (const kind of ["docker-archive", "oci-archive"] as const) {
      const archive = `${kind}:${archiveOf(image, kind)}:${IMAGE_NAME}:1`;
      if (newestSkopeo === undefined || !ARCHIVED.has(image)) continue;
      const words = ["--insecure-policy", "copy", `oci:${layoutOf(image)}:${IMAGE_NAME}`, archive];
      await mustRun([newestSkopeo.path, ...words], { timeout: 600_000 });
    }
    const names = Array.from({ length: tags }, (_, i) => String(i + 1));
    await pushLayout(layoutOf(image), source.url, image, names);
  }
  return {
    open: (options) => openPlace(source, { layoutOf, archiveOf }, join(directory, "scratch"), options),
    async [Symbol.asyncDispose]() {
      await source[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * A new target registry for each run, on a port that no tool has seen: real skopeo remembers which registry has which
 * blob, and would mount what another run brought.
 */
async function openPlace(
  source: DockerRegistry,
  files: Pick<Place, "layoutOf" | "archiveOf">,
  scratch: string,
  { image, roundTrip, isCounted }: PlaceOptions,
): Promise<RunningPlace> {
  if (image === undefined) return nowhere(files, scratch);
  await using stack = new AsyncDisposableStack();
  const target = stack.use(await startDockerRegistry());
  mkdirSync(scratch, { recursive: true });
  stack.defer(() => rmSync(scratch, { recursive: true, force: true }));
  const proxies =
    roundTrip > 0 || isCounted
      ? {
          source: stack.use(await startDelayProxy(source.host, roundTrip)),
          target: stack.use(await startDelayProxy(target.host, roundTrip)),
        }
      : undefined;
  const owned = stack.move();
  return {
    source: (proxies?.source ?? source).host,
    target: (proxies?.target ?? target).host,
    ...files,
    scratch,
    traffic: () => proxies && sum(proxies.source.traffic(), proxies.target.traffic()),
    resetTraffic() {
      proxies?.source.reset();
      proxies?.target.reset();
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function nowhere(files: Pick<Place, "layoutOf" | "archiveOf">, scratch: string): RunningPlace {
  return {
    ...{ source: "", target: "", ...files, scratch },
    traffic: () => undefined,
    resetTraffic: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function sum(one: Traffic, other: Traffic): Traffic {
  return {
    requests: one.requests + other.requests,
    bytesToServer: one.bytesToServer + other.bytesToServer,
    bytesFromServer: one.bytesFromServer + other.bytesFromServer,
  };
}
