import { expect, test } from "bun:test";
import { existsSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { updateAuthFile } from "../../src/config/auth-file-update.ts";
import { withFileLock } from "../../src/runtime/file-lock.ts";
import { OciLayout } from "../../src/transports/oci/layout.ts";
import { buildImage, temporary, writeLayout } from "../support/images.ts";

/** What killed runs leave is removed by later ones, and does not keep them waiting. */
const DAY = 24 * 60 * 60 * 1000;

test("a lock that tells no holder is taken over when nobody has touched it for half a minute", async () => {
  const path = join(temporary("lock"), "lock");
  writeFileSync(path, "");
  const then = new Date(Date.now() - 31_000);
  utimesSync(path, then, then);
  expect(await withFileLock(path, async () => "done")).toBe("done");
  expect(existsSync(path)).toBe(false);
});

test("of many that wait for a lock, one has it at a time", async () => {
  const path = join(temporary("lock"), "lock");
  let holders = 0;
  const most = await Promise.all(
    Array.from({ length: 20 }, () =>
      withFileLock(path, async () => {
        holders++;
        await Bun.sleep(2);
        return holders--;
      }),
    ),
  );
  expect(most).toEqual(most.map(() => 1));
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
