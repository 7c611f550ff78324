import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { HOME, SUMMARY } from "./home.ts";
import type { Release } from "./release.ts";
import { TARGETS } from "./targets.ts";
import { fillTemplate } from "./template.ts";

/** What names several binaries, with their checksums, and so cannot be without them. */
const FOR_ALL_SYSTEMS: readonly string[] = ["homebrew/skopeo.rb", "scoop/skopeo.json", "nix/skopeo.nix"];
const FOR_ANY_SYSTEM: readonly string[] = [
  "install.sh",
  "github-action/action.yml",
  "mooncake/skopeo/preset.yml",
  "mooncake/skopeo/README.md",
];

/**
 * Fills the templates of `packaging` into the release. Gives the names of those that were left out, because some binary that they
 * name was not made.
 */
export function writeDescriptions(release: Release, archives: readonly string[]): readonly string[] {
  const { directory, version, url, binaries } = release;
  const sums = new Map<string, string>();
  for (const path of archives) sums.set(basename(path), sha256(path));
  const values = new Map([
    ["HOME", HOME],
    ["SUMMARY", SUMMARY],
    ["VERSION", version],
    ["BASE_URL", url],
    ["URL", `${url}/${version}`],
    ["ARCHIVE_SUMS", [...sums].map(([name, sum]) => `${sum}  archives/${name}`).join("\n")],
  ]);
  for (const { target, path } of binaries) {
    const archive = sums.get(`skopeo-${version}-${target.name}.tar.gz`) ?? "";
    values.set(`SHA256:${target.name}`, target.os === "win32" ? sha256(path) : archive);
  }
  const write = (name: string): void => {
    const path = join(directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(
      path,
      fillTemplate(name, (key) => values.get(key)),
    );
  };
  for (const name of FOR_ANY_SYSTEM) {
    write(name);
    // The preset names the checksum of the script that comes before it.
    if (name === "install.sh") values.set("SHA256:install.sh", sha256(join(directory, name)));
  }
  chmodSync(join(directory, "install.sh"), 0o755);
  copyFileSync(join(directory, "install.sh"), join(directory, "github-action", "install.sh"));
  const isWhole = TARGETS.every((target) => binaries.some((binary) => binary.target.name === target.name));
  if (!isWhole) return FOR_ALL_SYSTEMS;
  for (const name of FOR_ALL_SYSTEMS) write(name);
  return [];
}

function sha256(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
