import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryStore, type RegistryServer, startRegistry } from "../../src/entries/serve.ts";
import {
  copy,
  deleteImage,
  ImageError,
  listTags,
  type Mirror,
  planSync,
  type SyncEvent,
  type SyncOptions,
  sync,
} from "../../src/index.ts";
import { buildImage, temporary, writeLayout } from "../support/images.ts";

const ACCESS = { tlsVerify: false };
const OPTIONS: SyncOptions = { policy: "accept-anything", sourceAccess: ACCESS, destinationAccess: ACCESS };

async function withTags(
  tags: readonly string[],
  check: (from: string, to: string) => Promise<void>,
): Promise<void> {
  await using source = await startRegistry({ store: new MemoryStore() });
  await using destination: RegistryServer = await startRegistry({ store: new MemoryStore() });
  for (const tag of tags) await pushTag(source.address, tag);
  await check(source.address, destination.address);
}

async function pushTag(host: string, tag: string, seed: string = tag): Promise<void> {
  const options = { policy: "accept-anything", destinationAccess: ACCESS } as const;
  await copy(`oci:${writeLayout({ v1: buildImage({ seed }) })}:v1`, `docker://${host}/app:${tag}`, options);
}

async function tagsOf(host: string): Promise<readonly string[]> {
  return (await Array.fromAsync(listTags(`docker://${host}/mirror/app`, { access: ACCESS }))).toSorted();
}

describe("sync", () => {
  test("brings what is chosen, once", async () => {
    await withTags(["1.0", "1.1", "2.0", "latest"], async (from, to) => {
      const mirrors: readonly Mirror[] = [
        { from: `${from}/app`, to: `${to}/mirror/{{name}}`, tags: { semver: ">=1.1", also: "latest" } },
      ];
      const plan = await planSync(mirrors, OPTIONS);
      expect(plan.images.map(({ action }) => action)).toEqual(["add", "add", "add"]);
      const events: SyncEvent[] = [];
      const first = await sync(mirrors, { ...OPTIONS, onEvent: (event) => void events.push(event) });
      expect(first.images.map(({ outcome }) => outcome)).toEqual(["added", "added", "added"]);
      expect(events.filter(({ kind }) => kind === "image-end")).toHaveLength(3);
      expect(await tagsOf(to)).toEqual(["1.1", "2.0", "latest"]);
      const second = await sync(mirrors, OPTIONS);
      expect(second.images.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged", "unchanged"]);
      expect(second.blobs.moved).toBe(0);
      await pushTag(from, "latest", "newer");
      expect(
        (await planSync(mirrors, OPTIONS)).images.filter(({ action }) => action === "update"),
      ).toMatchObject([{ from: `docker://${from}/app:latest` }]);
    });
  });

  test("reads mirror files, and says where one is wrong", async () => {
    await withTags(["1"], async (from, to) => {
      const file = join(temporary("mirrors"), "mirrors.yaml");
      writeFileSync(file, `version: 1\nmirrors:\n  - from: ${from}/app\n    to: ${to}/mirror/app\n`);
      expect((await sync({ file }, OPTIONS)).images).toMatchObject([{ outcome: "added" }]);
      writeFileSync(file, `version: 1\nmirrors:\n  - from: ${from}/app\n    where: there\n`);
      expect(sync({ file }, OPTIONS)).rejects.toThrow(/mirrors.yaml:4/);
    });
  });

  test("deletes only when it is told, only half, and nothing after a failure", async () => {
    await withTags(["1", "2", "3"], async (from, to) => {
      const mirrors = [{ from: `${from}/app`, to: `${to}/mirror/app` }];
      await sync(mirrors, OPTIONS);
      await deleteImage(`docker://${from}/app:1`, { access: ACCESS });
      expect((await sync(mirrors, OPTIONS)).deleted).toEqual([]);
      const missing = [...mirrors, { from: `${from}/app:none`, to: `${to}/mirror/other` }];
      const failed = await sync(missing, { ...OPTIONS, prune: true, keepGoing: true });
      expect(failed.images.at(-1)).toMatchObject({ outcome: "failed", error: expect.any(ImageError) });
      expect(await tagsOf(to)).toEqual(["1", "2", "3"]);
      const pruned = await sync(mirrors, { ...OPTIONS, prune: true });
      expect(pruned.deleted).toMatchObject([{ name: `docker://${to}/mirror/app:1` }]);
      expect(await tagsOf(to)).toEqual(["2", "3"]);
      const one = [{ from: `${from}/app`, to: `${to}/mirror/app`, tags: ["3"] }];
      const strict = { ...OPTIONS, prune: true, maxDelete: { kind: "number", value: 0 } } as const;
      expect(sync(one, strict)).rejects.toThrow(/at most 0 may be/);
    });
  });

  test("tries again what may succeed then, and tells so", async () => {
    await withTags(["1"], async (from) => {
      let failures = 1;
      await using flaky = await startRegistry({
        store: new MemoryStore(),
        intercept: async ({ method, url }) =>
          method === "PUT" && url.includes("/manifests/") && failures-- > 0
            ? Response.json({ errors: [{ code: "UNKNOWN" }] }, { status: 400 })
            : undefined,
      });
      const events: SyncEvent[] = [];
      const to = `${flaky.address}/mirror/app`;
      const { images } = await sync([{ from: `${from}/app`, to }], {
        ...OPTIONS,
        retry: { times: 1, delay: 5 },
        onEvent: (event) => events.push(event),
      });
      expect(images).toMatchObject([{ outcome: "added" }]);
      const retries = events.filter(({ kind }) => kind === "image-retry");
      expect(retries).toMatchObject([{ to: `docker://${to}:1`, attempt: 1, wait: 5 }]);
    });
  });

  test("fails with the first failure, or tells it in the end", async () => {
    await withTags(["1"], async (from) => {
      const directory = temporary("sync");
      const mirrors = ["none", "1"].map((tag) => ({
        from: `${from}/app:${tag}`,
        to: `dir:${directory}/{{tag}}`,
      }));
      expect(sync(mirrors, { ...OPTIONS, imagesAtATime: 1 })).rejects.toThrow(ImageError);
      const { images } = await sync(mirrors, { ...OPTIONS, keepGoing: true });
      expect(images.map(({ outcome }) => outcome)).toEqual(["failed", "added"]);
      const { to = "" } = images[1] ?? {};
      expect(to).toStartWith(`dir:${directory}/1`);
      expect(existsSync(join(to.slice("dir:".length), "manifest.json"))).toBe(true);
    });
  });
});
