import { expect, test } from "bun:test";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { updateAuthFile } from "../../src/config/auth-file-update.ts";
import { withFileLock } from "../../src/runtime/file-lock.ts";
import { OciLayout } from "../../src/transports/oci/layout.ts";
import { buildImage, temporary, writeLayout } from "../support/images.ts";

/** What killed runs leave is removed by later ones, and does not keep them waiting. */
const DAY = 24 * 60 * 60 * 1000;

test("a lock whose holder was killed before it wrote its id is taken over soon", async () => {
  const path = join(temporary("lock"), "lock");
  writeFileSync(path, "");
  const began = Date.now();
  expect(await withFileLock(path, async () => "done")).toBe("done");
  expect(Date.now() - began).toBeWithin(1000, 5000);
  expect(existsSync(path)).toBe(false);
});

test("a login removes credentials that a killed one has left beside the file", async () => {
  const directory = temporary("auth");
  const path = join(directory, "auth.json");
  writeFileSync(`${path}.tmp-0123456789ab`, "{}");
  writeFileSync(`${path}.backup`, "{}");
  await updateAuthFile({ path, format: "containers", isExplicit: true }, (document) => document);
  expect(readdirSync(directory).toSorted()).toEqual(["auth.json", "auth.json.backup"]);
});

test("a change of a layout removes blobs that were begun more than a day ago, and no others", async () => {
  const directory = writeLayout({ latest: buildImage() });
  const [old, fresh] = ["oci-put-blobold", "oci-put-blobfresh"].map((name) => join(directory, name));
  for (const path of [old ?? "", fresh ?? ""]) writeFileSync(path, "part");
  const then = new Date(Date.now() - DAY - 1000);
  utimesSync(old ?? "", then, then);
  writeFileSync(join(directory, "index.json.tmp-0123456789ab"), "{");
  await new OciLayout(directory).updateIndex((index) => index);
  expect(readdirSync(directory).toSorted()).toEqual([
    "blobs",
    "index.json",
    "oci-layout",
    "oci-put-blobfresh",
  ]);
});
