import { expect, test } from "bun:test";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "./images.ts";
import { findProgram, newestSkopeo, peerPath } from "./peers.ts";

test("a program is found in the first directory that has it, if it may be run", () => {
  const [first, second] = [temporary("first"), temporary("second")];
  for (const directory of [first, second]) writeFileSync(join(directory, "peer"), "#!/bin/sh\n");
  expect(findProgram("peer", [first, second])).toBeUndefined();
  chmodSync(join(second, "peer"), 0o755);
  expect(findProgram("peer", [first, second])).toBe(join(second, "peer"));
  chmodSync(join(first, "peer"), 0o755);
  expect(findProgram("peer", [first, second])).toBe(join(first, "peer"));
  expect(findProgram("other", [first, second])).toBeUndefined();
});

test.skipIf(newestSkopeo === undefined)("a skopeo that is too old is as good as none", () => {
  const [major = 0, minor = 0] = (newestSkopeo?.version ?? "").split(".").map(Number);
  for (const oldest of ["1.2", `${major}.${minor}`, newestSkopeo?.version ?? ""]) {
    expect(peerPath(`skopeo ${oldest}`)).toBe(newestSkopeo?.path ?? "");
  }
  for (const oldest of [`${major}.${minor + 1}`, `${major + 1}.0`, `${major}.${minor}0`]) {
    expect(peerPath(`skopeo ${oldest}`)).toBeUndefined();
  }
});
