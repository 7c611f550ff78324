import { existsSync } from "node:fs";
import { createRequire } from "node:module";

/** The path of the binary for this system; undefined where no package holds one. */
export function findBinary() {
  const require = createRequire(import.meta.url);
  const system = process.platform === "win32" ? "windows" : process.platform;
  const name = `${system}-${process.arch}${system === "linux" && isMusl() ? "-musl" : ""}`;
  try {
    const path = require.resolve(`@skopeo-ts/${name}/skopeo${system === "windows" ? ".exe" : ""}`);
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

function isMusl() {
  return process.report?.getReport().header.glibcVersionRuntime === undefined;
}
