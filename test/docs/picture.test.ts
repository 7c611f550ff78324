import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "../support/images.ts";
import { mustRun } from "../support/run.ts";
import { ROOT } from "./blocks.ts";

/** What is to be read in a picture, without the order: blobs arrive as they like. */
function linesOf(path: string): readonly string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.map((line) => line.replaceAll(/<[^>]*>/g, "")).toSorted();
}

test("the picture in the README is what a terminal shows", async () => {
  const path = join(temporary("picture"), "terminal.svg");
  await mustRun([process.execPath, "scripts/picture.ts", path], {
    cwd: ROOT,
    env: { SKOPEO_BINARY: process.env.SKOPEO_BINARY ?? "" },
  });
  expect(linesOf(path)).toEqual(linesOf(join(ROOT, "docs", "images", "terminal.svg")));
});
