import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildArtifact,
  buildImage,
  buildIndex,
  buildMultiArch,
  checkLayoutBlobs,
  sha256,
  type TestImage,
  temporary,
  treeOf,
  writeDirectory,
  writeLayout,
} from "./images.ts";
import { peerTest } from "./peers.ts";
import { mustRun, runReal } from "./run.ts";

const single = buildImage({ seed: "single", layers: [10, 100_000, 0], labels: { colour: "red" } });
const nested = buildIndex({
  "linux/amd64": buildImage({ seed: "flat" }),
  "linux/riscv64": buildMultiArch("inner"),
});

test("the same request gives the same bytes, and another seed others", () => {
  const again = buildImage({ seed: "single", layers: [10, 100_000, 0], labels: { colour: "red" } });
  expect(again).toEqual(single);
  expect(buildImage({ seed: "other" }).top.digest).not.toBe(buildImage({ seed: "another" }).top.digest);
});

describe("real skopeo takes", () => {
  const images: Readonly<Record<string, TestImage>> = {
    "an image": single,
    "a Docker image": buildImage({ format: "docker" }),
    "an index": buildMultiArch("index"),
    "a Docker manifest list": buildMultiArch("list", "docker"),
    "a nested index": nested,
    "an artifact": buildArtifact(single.top, "application/vnd.example.note"),
  };
  for (const [name, image] of Object.entries(images)) {
    peerTest(`${name} from a directory, as it is`, ["skopeo"], async () => {
      const outcome = await runReal(["inspect", "--raw", `dir:${writeDirectory(image)}`]);
      expect(outcome.stderr).toBe("");
      expect(sha256(Buffer.from(outcome.stdout))).toBe(image.top.digest);
    });
  }
  for (const name of ["an image", "a Docker image", "an index", "a Docker manifest list"]) {
    peerTest(`all of ${name}, and finds the same digests`, ["skopeo"], async () => {
      const image = images[name] ?? single;
      const copy = join(temporary("copy"), "image");
      const source = writeDirectory(image);
      expect((await runReal(["copy", "--all", `dir:${source}`, `dir:${copy}`])).stderr).toBe("");
      expect(treeOf(copy)).toEqual(treeOf(source));
    });
  }
});

peerTest("umoci unpacks the layers", ["umoci"], async ([umoci = ""]) => {
  const bundle = join(temporary("bundle"), "bundle");
  const layout = writeLayout({ v1: single });
  await mustRun([umoci, "unpack", "--rootless", "--image", `${layout}:v1`, bundle]);
  const files = readdirSync(join(bundle, "rootfs")).toSorted();
  expect(files).toEqual(["file-0", "file-1", "file-2"]);
  const sizes = files.map((file) => readFileSync(join(bundle, "rootfs", file)).length);
  expect(sizes).toEqual([10, 100_000, 0]);
});

describe("checking a layout", () => {
  const fresh = (): string => writeLayout({ v1: nested });
  const blobs = (layout: string): string => join(layout, "blobs", "sha256");
  const leaf = [...nested.blobs.keys()][0]?.slice("sha256:".length) ?? "";

  test("counts the blobs of a sound one", () => {
    expect(checkLayoutBlobs(fresh())).toBe(nested.blobs.size);
  });

  test("notices a changed blob", () => {
    const layout = fresh();
    truncateSync(join(blobs(layout), leaf), 5);
    expect(() => checkLayoutBlobs(layout)).toThrow(`blob ${leaf} has the digest`);
  });

  test("notices a missing blob far below the index", () => {
    const layout = fresh();
    rmSync(join(blobs(layout), leaf));
    expect(() => checkLayoutBlobs(layout)).toThrow(`blob sha256:${leaf} is missing`);
  });

  test("notices a wrong size", () => {
    const layout = fresh();
    const index = readFileSync(join(layout, "index.json"), "utf8");
    writeFileSync(join(layout, "index.json"), index.replace(/"size":(\d+)/, '"size":1$1'));
    expect(() => checkLayoutBlobs(layout)).toThrow("bytes in place of 1");
  });
});
