import { expect, test } from "bun:test";
import { readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openUploadJournal } from "../../src/blob-cache/upload-journal.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { temporary } from "../support/images.ts";

const digest = parseDigest(`sha256:${"a".repeat(64)}`);

test("what killed runs have left goes once nobody can go on with it", async () => {
  const directory = temporary("journal");
  const [old, recent] = ["sha256-old", "sha256-recent"].map((name) => join(directory, name));
  for (const path of [old, recent]) writeFileSync(path ?? "", "{}");
  const eightDaysAgo = Date.now() / 1000 - 8 * 24 * 3600;
  utimesSync(old ?? "", eightDaysAgo, eightDaysAgo);
  const failures: unknown[] = [];
  const journal = openUploadJournal(directory, (error) => failures.push(error));
  await journal.record({
    repository: "registry.example.com/app",
    digest,
    location: "https://r.example.com/u/1",
  });
  expect(failures).toEqual([]);
  expect(readdirSync(directory).filter((name) => name.startsWith("sha256-old"))).toEqual([]);
  expect(readdirSync(directory)).toContain("sha256-recent");
  expect(readdirSync(directory).length).toBe(2);
  await journal.forget("registry.example.com/app", digest);
  expect(readdirSync(directory)).toEqual(["sha256-recent"]);
});

test("what is written down of an upload is for its user's eyes only", async () => {
  const directory = temporary("journal-mode");
  const journal = openUploadJournal(directory, () => undefined);
  await journal.record({ repository: "registry.example.com/app", digest, location: "/u/1?_state=secret" });
  const [name = ""] = readdirSync(directory);
  expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
});
