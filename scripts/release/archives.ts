import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { below, binaryFile, licenseFile, sharedFiles } from "./contents.ts";
import type { Release } from "./release.ts";
import { tarGz } from "./tar-gz.ts";
import type { Target } from "./targets.ts";

/** `skopeo-0.1.0-linux-x64`, which is also the one directory in the archive. */
function archiveName({ name }: Target, version: string): string {
  return `skopeo-${version}-${name}`;
}

/** An archive for each binary, with the pages of the manual and the completions: what install.sh and others install. */
export async function writeArchives(release: Release): Promise<readonly string[]> {
  const { version, directory, time } = release;
  mkdirSync(join(directory, "archives"));
  const common = [licenseFile(), ...sharedFiles(release, { zsh: "share/zsh/site-functions" })];
  const paths: string[] = [];
  for (const binary of release.binaries) {
    const name = archiveName(binary.target, version);
    const path = join(directory, "archives", `${name}.tar.gz`);
    const files = below(name, [await binaryFile(binary), ...common], time);
    await pipeline(tarGz(files), createWriteStream(path));
    paths.push(path);
  }
  return paths;
}
