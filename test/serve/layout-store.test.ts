import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { ImageError } from "../../src/core/errors.ts";
import { LayoutStore } from "../../src/serve/layout-store.ts";
import { buildImage, buildMultiArch, checkLayoutBlobs, treeOf, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";
import { deploy, newDirectory } from "./deployments.ts";
import { expectStatus, instancesOf, pushBlob, pushImage, tagsOf } from "./push.ts";

interface IndexEntry {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const directories: string[] = [];
const fresh = (): string => {
  const directory = newDirectory();
  directories.push(directory);
  return directory;
};
afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

function indexOf(directory: string): readonly IndexEntry[] {
  const { manifests }: { manifests: readonly IndexEntry[] } = JSON.parse(
    readFileSync(join(directory, "index.json"), "utf8"),
  );
  return manifests;
}

function namesIn(directory: string): readonly (string | undefined)[] {
  return indexOf(directory).map((entry) => entry.annotations?.["org.opencontainers.image.ref.name"]);
}

describe("opening a layout", () => {
  test("makes an empty one where there is nothing", async () => {
    const directory = join(fresh(), "new");
    await LayoutStore.open(directory, "read-write");
    expect(readdirSync(directory).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    expect(indexOf(directory)).toEqual([]);
  });

  test("makes nothing to be read only", async () => {
    const directory = join(fresh(), "new");
    await expect(LayoutStore.open(directory, "read-only")).rejects.toThrow(/is not an OCI layout/);
    expect(existsSync(directory)).toBe(false);
  });

  test("refuses a directory of other things, and leaves it alone", async () => {
    const directory = fresh();
    writeFileSync(join(directory, "thesis.txt"), "");
    await expect(LayoutStore.open(directory, "read-write")).rejects.toThrow(/is not an OCI layout/);
    expect(readdirSync(directory)).toEqual(["thesis.txt"]);
  });

  test("refuses one whose index.json is broken", async () => {
    const directory = fresh();
    writeFileSync(join(directory, "index.json"), "{");
    const failure = await LayoutStore.open(directory, "read-write").catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ImageError);
    expect(String(failure)).toContain("index.json is not valid JSON");
  });

  test("removes uploads that a killed server has left, but not those of one that may live", async () => {
    const directory = fresh();
    await LayoutStore.open(directory, "read-write");
    writeFileSync(join(directory, "serve-upload-old"), "");
    utimesSync(join(directory, "serve-upload-old"), 1, 1);
    writeFileSync(join(directory, "serve-upload-new"), "");
    await LayoutStore.open(directory, "read-write");
    expect(readdirSync(directory)).toContain("serve-upload-new");
    expect(readdirSync(directory)).not.toContain("serve-upload-old");
  });
});

describe("a layout made by others", () => {
  test("shows its names as repositories and tags", async () => {
    const directory = writeLayout(
      {
        v1: buildImage({ seed: "v1" }),
        "team/app:2": buildImage({ seed: "app" }),
        "docker.io/library/x:1": buildMultiArch("x"),
      },
      join(fresh(), "My Mirror"),
    );
    await using registry = await deploy("layout", { readOnly: true }, directory);
    const catalog = await (await fetch(`${registry.url}/v2/_catalog`)).json();
    expect(catalog).toEqual({ repositories: ["docker.io/library/x", "my-mirror", "team/app"] });
    for (const [repository, tag] of [
      ["my-mirror", "v1"],
      ["team/app", "2"],
      ["docker.io/library/x", "1"],
    ] as const) {
      expect(await tagsOf(await fetch(`${registry.url}/v2/${repository}/tags/list`))).toEqual([tag]);
      expect((await fetch(`${registry.url}/v2/${repository}/manifests/${tag}`)).status).toBe(200);
    }
  });

  test("is not written to by reading", async () => {
    const directory = writeLayout({ v1: buildImage() }, join(fresh(), "still"));
    const before = treeOf(directory);
    await using registry = await deploy("layout", { readOnly: true }, directory);
    await expectStatus(200, await fetch(`${registry.url}/v2/still/manifests/v1`));
    const push = await pushBlob(registry.url, "still", `sha256:${"0".repeat(64)}`, Buffer.from("x"));
    expect(push.status).toBe(405);
    expect(treeOf(directory)).toEqual(before);
  });

  test("serves links to blobs, and nothing else that a link leads to", async () => {
    const image = buildImage({ seed: "linked" });
    const directory = writeLayout({ v1: image }, join(fresh(), "linked"));
    const elsewhere = fresh();
    const secret = join(elsewhere, "secret");
    writeFileSync(secret, "nobody's business");
    const [blob = "", other = ""] = [...image.blobs.keys()];
    const place = (digest: string): string => join(directory, "blobs", digest.replace(":", "/"));
    renameSync(place(blob), join(elsewhere, "blob"));
    symlinkSync(join(elsewhere, "blob"), place(blob));
    rmSync(place(other));
    symlinkSync(secret, place(other));
    await using registry = await deploy("layout", {}, directory);
    const get = (digest: string): Promise<Response> => fetch(`${registry.url}/v2/linked/blobs/${digest}`);
    for (const _ of ["first", "again"]) {
      expect(await (await get(blob)).bytes()).toEqual(new Uint8Array(image.blobs.get(blob) ?? []));
      await expectStatus(404, await get(other));
    }
    rmSync(join(elsewhere, "blob"));
    renameSync(secret, join(elsewhere, "blob"));
    await expectStatus(404, await get(blob));
    // What is pushed takes the place of the link.
    await expectStatus(
      201,
      await pushBlob(registry.url, "linked", other, image.blobs.get(other) ?? Buffer.of()),
    );
    await expectStatus(200, await get(other));
    expect(readFileSync(join(elsewhere, "blob"), "utf8")).toBe("nobody's business");
  });

  test("shows what other programs add while it is served", async () => {
    const directory = writeLayout({ v1: buildImage() }, join(fresh(), "shared"));
    await using registry = await deploy("layout", {}, directory);
    const tags = async (): Promise<unknown> => tagsOf(await fetch(`${registry.url}/v2/shared/tags/list`));
    expect(await tags()).toEqual(["v1"]);
    writeLayout({ v1: buildImage(), v2: buildImage({ seed: "later" }) }, directory);
    expect(await tags()).toEqual(["v1", "v2"]);
  });
});

describe("what a push writes", () => {
  test("names tags as they are asked for, and those of the layout's own repository by the tag alone", async () => {
    const directory = fresh();
    await using registry = await deploy("layout", {}, directory);
    const image = buildImage();
    await pushImage(registry.url, "team/app", "v1", image);
    await pushImage(registry.url, basename(directory).toLowerCase(), "v2", image);
    expect(namesIn(directory)).toEqual(["team/app:v1", "v2"]);
  });

  test("lists the instances of an index only in the index", async () => {
    const directory = fresh();
    await using registry = await deploy("layout", {}, directory);
    const index = buildMultiArch("instances");
    await pushImage(registry.url, "team/app", "v1", index);
    expect(indexOf(directory).map((entry) => entry.digest)).toEqual([index.top.digest]);
    for (const { digest } of instancesOf(index)) {
      await expectStatus(200, await fetch(`${registry.url}/v2/team/app/manifests/${digest}`));
    }
  });

  test("remembers the repository of a manifest without a tag, also for the next server", async () => {
    const directory = fresh();
    const image = buildImage();
    {
      await using registry = await deploy("layout", {}, directory);
      await pushImage(registry.url, "team/app", image.top.digest, image);
    }
    await using registry = await deploy("layout", {}, directory);
    await expectStatus(200, await fetch(`${registry.url}/v2/team/app/manifests/${image.top.digest}`));
    expect(await tagsOf(await fetch(`${registry.url}/v2/team/app/tags/list`))).toEqual([]);
    await expectStatus(404, await fetch(`${registry.url}/v2/other/manifests/${image.top.digest}`));
  });

  test("does not grow when the same is pushed again", async () => {
    const directory = fresh();
    await using registry = await deploy("layout", {}, directory);
    await pushImage(registry.url, "team/app", "v1", buildMultiArch("again"));
    await pushImage(registry.url, "team/app", "v2", buildImage());
    expect(namesIn(directory)).toEqual(["team/app:v1", "team/app:v2"]);
    const before = treeOf(directory);
    await pushImage(registry.url, "team/app", "v1", buildMultiArch("again"));
    expect(treeOf(directory)).toEqual(before);
  });

  peerTest("is what real skopeo writes into a layout", ["skopeo 1.16"], async ([skopeo = ""]) => {
    const source = writeLayout({ v1: buildImage(), multi: buildMultiArch("same") }, join(fresh(), "source"));
    const [pushed, copied] = [fresh(), fresh()];
    await using registry = await deploy("layout", {}, pushed);
    for (const tag of ["v1", "multi"]) {
      const name = `team/app:${tag}`;
      const copy = [
        skopeo,
        "copy",
        "--all",
        "--insecure-policy",
        "--dest-tls-verify=false",
        `oci:${source}:${tag}`,
      ];
      await mustRun([...copy, `docker://${registry.address}/${name}`]);
      await mustRun([...copy, `oci:${copied}:${name}`]);
    }
    const { "index.json": ours, ...ourBlobs } = treeOf(pushed);
    const { "index.json": theirs, ...theirBlobs } = treeOf(copied);
    expect([ours, theirs]).toEqual([expect.any(String), expect.any(String)]);
    expect(ourBlobs).toEqual(theirBlobs);
    expect(indexOf(pushed)).toEqual([...indexOf(copied)]);
    expect(checkLayoutBlobs(pushed)).toBeGreaterThan(10);
  });

  peerTest("loses nothing to skopeo writing into the same layout", ["skopeo"], async ([skopeo = ""]) => {
    const directory = join(fresh(), "both");
    mkdirSync(directory);
    await using registry = await deploy("layout", {}, directory);
    const source = writeLayout({ v1: buildImage({ seed: "theirs" }) }, join(fresh(), "source"));
    const ours = Array.from({ length: 10 }, (_, i) => buildImage({ seed: `ours/${i}`, layers: [10] }));
    // Real skopeo takes no lock, so that its copies stand between our pushes, not beside them.
    await Promise.all(ours.slice(0, 5).map((image, i) => pushImage(registry.url, "ours", `v${i}`, image)));
    await mustRun([skopeo, "copy", "--insecure-policy", `oci:${source}:v1`, `oci:${directory}:theirs`]);
    await Promise.all(ours.slice(5).map((image, i) => pushImage(registry.url, "ours", `v${i + 5}`, image)));
    expect(await tagsOf(await fetch(`${registry.url}/v2/both/tags/list`))).toEqual(["theirs"]);
    expect(await tagsOf(await fetch(`${registry.url}/v2/ours/tags/list`))).toHaveLength(10);
  });
});
