import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MemoryStore, type RegistryServer, startRegistry } from "../../src/entries/serve.ts";
import { streamOf } from "../../src/entries/transports.ts";
import {
  buildImage,
  buildIndex,
  type CallOptions,
  copy,
  deleteImage,
  deleteSignatures,
  inspect,
  listTags,
  openImage,
  planSync,
  Registry,
  sync,
} from "../../src/index.ts";
import { temporary } from "../support/images.ts";

const access = { tlsVerify: false };
const ACCESS = {
  access,
  sourceAccess: access,
  destinationAccess: access,
  policy: "accept-anything",
} as const;
const platform = "linux/amd64";
const layers = [{ files: [{ path: "big", content: Buffer.alloc(2_000_000, "x") }] }];

/** A registry with an image that was not compressed, so that its blob takes several chunks. */
async function withImage(check: (host: string, name: string) => Promise<void>): Promise<void> {
  await using served: RegistryServer = await startRegistry({ store: new MemoryStore() });
  const name = `docker://${served.address}/app:1`;
  await copy(await buildImage({ platform, layers }), name, {
    ...ACCESS,
    compression: { layers: "preserve" },
  });
  await check(served.address, name);
}

async function rejection(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => "resolved",
    (reason: unknown) => reason,
  );
}

type Calls = Readonly<Record<string, (options: CallOptions) => Promise<unknown>>>;

function callsTo(host: string, name: string, directory: string): Calls {
  const registry = new Registry(host, { access });
  const mirrors = [{ from: `${host}/app`, to: `dir:${directory}/mirror` }];
  return {
    copy: (options) => copy(name, `dir:${directory}/copy`, { ...ACCESS, ...options }),
    inspect: (options) => inspect(name, { ...ACCESS, ...options }),
    listTags: (options) => Array.fromAsync(listTags(name, { ...ACCESS, ...options })),
    deleteImage: (options) => deleteImage(name, { ...ACCESS, ...options }),
    deleteSignatures: (options) => deleteSignatures(name, { ...ACCESS, ...options }),
    openImage: (options) => openImage(name, { ...ACCESS, ...options }),
    buildImage: (options) => buildImage({ base: name, platform, layers: [] }, { ...ACCESS, ...options }),
    buildIndex: (options) => buildIndex({ images: [{ image: name }] }, { ...ACCESS, ...options }),
    sync: (options) => sync(mirrors, { ...ACCESS, keepGoing: true, ...options }),
    planSync: (options) => planSync(mirrors, { ...ACCESS, ...options }),
    "Registry.ping": (options) => registry.ping(options),
    "Registry.listTags": (options) => Array.fromAsync(registry.listTags("app", options)),
    "Registry.readManifest": (options) => registry.readManifest("app", "1", options),
    "Registry.writeBlob": (options) => registry.writeBlob("app", streamOf(Buffer.from("a")), {}, options),
  };
}

describe("a call rejects with the very reason of its signal, whatever that is", () => {
  test("when it is aborted already, and has done nothing then", async () => {
    await withImage(async (host, name) => {
      const directory = temporary("aborted");
      for (const [call, run] of Object.entries(callsTo(host, name, directory))) {
        const reason = new Error(`no ${call}`);
        expect(await rejection(run({ signal: AbortSignal.abort(reason) }))).toBe(reason);
      }
      expect(existsSync(join(directory, "copy"))).toBe(false);
      expect(await new Registry(host, { access }).findManifest("app", "1")).toBeDefined();
    });
  });

  test("when the registry never answers", async () => {
    using silent = Bun.serve({ port: 0, fetch: () => new Promise<Response>(() => undefined) });
    const host = `127.0.0.1:${silent.port}`;
    const calls = Object.entries(callsTo(host, `docker://${host}/app:1`, temporary("silent")));
    await Promise.all(
      calls.map(async ([call, run]) => {
        const controller = new AbortController();
        const outcome = rejection(run({ signal: controller.signal }));
        await Bun.sleep(100);
        controller.abort(call);
        expect(await outcome).toBe(call);
      }),
    );
  });

  test("in the midst of a copy, a sync and a stream", async () => {
    await withImage(async (_host, name) => {
      const directory = temporary("midst");
      for (const reason of [new TypeError("enough"), "enough", 42, null]) {
        const controller = new AbortController();
        const copying = copy(name, `dir:${directory}/copy`, {
          ...ACCESS,
          signal: controller.signal,
          onEvent: ({ kind }) => kind === "blob-start" && controller.abort(reason),
        });
        expect(await rejection(copying)).toBe(reason);
        const stopping = new AbortController();
        const syncing = sync([{ from: name.slice("docker://".length), to: `dir:${directory}/mirror` }], {
          ...ACCESS,
          keepGoing: true,
          signal: stopping.signal,
          onEvent: ({ kind }) => kind === "image-start" && stopping.abort(reason),
        });
        expect(await rejection(syncing)).toBe(reason);
      }
      const { signal, abort } = withAbort();
      await using image = await openImage(name, ACCESS);
      const [layer] = (await image.instance(platform)).layers;
      if (layer === undefined) throw new Error("no layer");
      await using blob = await image.openBlob(layer, {}, { signal });
      let bytes = 0;
      const reading = (async () => {
        for await (const chunk of blob.bytes) {
          bytes += chunk.length;
          abort("enough");
        }
      })();
      expect(await rejection(reading)).toBe("enough");
      expect(bytes).toBeLessThan(2_000_000);
    });
  });
});

function withAbort(): { readonly signal: AbortSignal; abort(reason: unknown): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}
