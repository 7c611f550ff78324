// Puts the binary in the launcher's place, so that a call starts it without Node. It may fail: the launcher does as well.
import { copyFileSync, linkSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findBinary } from "./find-binary.js";

const binary = process.platform === "win32" ? undefined : findBinary();
if (binary !== undefined) {
  const launcher = fileURLToPath(new URL("./skopeo", import.meta.url));
  const temporary = `${launcher}.new`;
  try {
    rmSync(temporary, { force: true });
    try {
      linkSync(binary, temporary);
    } catch {
      copyFileSync(binary, temporary);
    }
    renameSync(temporary, launcher);
  } catch {
    rmSync(temporary, { force: true });
  }
}
