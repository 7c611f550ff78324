import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { buildBinaries } from "./release/binaries.ts";
import { writeChecksums } from "./release/checksums.ts";
import { ROOT, run } from "./release/commands.ts";
import { packAll, readManifest } from "./release/npm-packages.ts";
import { provenanceOf } from "./release/provenance.ts";
import { binaryName, TARGETS } from "./release/targets.ts";

/**
 * Makes all that a release publishes, up to publishing it: `npm run release -- [--out DIRECTORY] [--targets linux-x64,…]`.
 * docs/releasing.md tells what is in it.
 */
const { values } = parseArgs({
  options: { out: { type: "string", default: join(ROOT, "dist", "release") }, targets: { type: "string" } },
});
const wanted = values.targets?.split(",");
const unknown = wanted?.filter((name) => !TARGETS.some((target) => target.name === name)) ?? [];
if (unknown.length > 0) {
  console.error(
    `unknown targets: ${unknown.join(", ")}; known are ${TARGETS.map(({ name }) => name).join(", ")}`,
  );
  process.exit(2);
}
const targets = TARGETS.filter(({ name }) => wanted?.includes(name) ?? true);
const directory = resolve(values.out);
const { version } = readManifest();

rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
const binaries = buildBinaries(targets, version, join(directory, "binaries"));
const tarballs = packAll(binaries, join(directory, "npm"));
run("node_modules/.bin/bun", ["scripts/sbom.ts", join(directory, "sbom.cdx.json")]);
run("node_modules/.bin/bun", ["scripts/man-pages.ts", join(directory, "man")]);
writeCompletions(join(directory, "completions"));
const files = await writeChecksums(directory);
writeFileSync(
  join(directory, "provenance.json"),
  `${JSON.stringify(provenanceOf(files, version), undefined, 2)}\n`,
);

for (const { target, path } of binaries) print(binaryName(target, version), statSync(path).size);
for (const path of tarballs) print(path.slice(directory.length + 1), statSync(path).size);
console.log(`\n${files.length} files in ${directory}. To publish, the packages of binaries first:`);
for (const path of [...tarballs.slice(1), ...tarballs.slice(0, 1)])
  console.log(`  npm publish --access public ${path}`);

/** Under the names that the shells look for. */
function writeCompletions(folder: string): void {
  const names = { bash: "skopeo", zsh: "_skopeo", fish: "skopeo.fish", powershell: "skopeo.ps1" };
  mkdirSync(folder);
  for (const [shell, name] of Object.entries(names)) {
    writeFileSync(join(folder, name), run("node_modules/.bin/bun", ["src/cli/bin.ts", "completion", shell]));
  }
}

function print(name: string, size: number): void {
  console.log(`${(size / 1e6).toFixed(1).padStart(7)} MB  ${name}`);
}
