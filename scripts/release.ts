import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { copy } from "../src/index.ts";
import { writeArchives } from "./release/archives.ts";
import { buildBinaries } from "./release/binaries.ts";
import { writeChecksums } from "./release/checksums.ts";
import { ROOT, run } from "./release/commands.ts";
import { writeDebianPackages } from "./release/debian.ts";
import { writeDescriptions } from "./release/descriptions.ts";
import { HOME } from "./release/home.ts";
import { writeImage } from "./release/image.ts";
import { packAll, readManifest } from "./release/npm-packages.ts";
import { provenanceOf } from "./release/provenance.ts";
import type { Release } from "./release/release.ts";
import { TARGETS } from "./release/targets.ts";

/**
 * Makes all that a release publishes, up to publishing it: `npm run release -- [--out DIRECTORY] [--targets linux-x64,…]
 * [--url URL] [--no-image] [--push docker://HOST/REPOSITORY:TAG]`. docs/releasing.md tells what is in it.
 */
const { values } = parseArgs({
  allowNegative: true,
  options: {
    out: { type: "string", default: join(ROOT, "dist", "release") },
    targets: { type: "string" },
    url: { type: "string", default: HOME },
    image: { type: "boolean", default: true },
    push: { type: "string" },
  },
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
const time = new Date(1000 * Number(run("git", ["log", "-1", "--format=%ct"])));
const url = values.url.replace(/\/+$/, "");
const release: Release = { version, directory, url, time, binaries };

const tarballs = packAll(binaries, join(directory, "npm"));
run("node_modules/.bin/bun", ["scripts/sbom.ts", join(directory, "sbom.cdx.json")]);
run("node_modules/.bin/bun", ["scripts/man-pages.ts", join(directory, "man")]);
writeCompletions(join(directory, "completions"));
const archives = await writeArchives(release);
await writeDebianPackages(release);
const leftOut = writeDescriptions(release, archives);
const image = values.image ? await writeImage(release) : undefined;
const files = await writeChecksums(directory);
writeFileSync(
  join(directory, "provenance.json"),
  `${JSON.stringify(provenanceOf(files, version), undefined, 2)}\n`,
);

for (const folder of ["binaries", "npm", "archives", "debian"]) {
  for (const name of readdirSync(join(directory, folder)).toSorted())
    print(`${folder}/${name}`, statSync(join(directory, folder, name)).size);
}
const ofImage = files.filter(({ name }) => name.startsWith("image/"));
if (image !== undefined)
  print(
    "image",
    ofImage.reduce((sum, { size }) => sum + size, 0),
  );
if (leftOut.length > 0) console.log(`left out, for want of some binaries: ${leftOut.join(", ")}`);

console.log(`\n${files.length} files in ${directory}. To publish, the packages of binaries first:`);
for (const path of [...tarballs.slice(1), ...tarballs.slice(0, 1)])
  console.log(`  npm publish --access public ${path}`);
console.log(`the folder, as ${url}/${version}, and the image:`);
if (image !== undefined) console.log(`  skopeo copy --all ${image} docker://HOST/REPOSITORY:${version}`);
if (image !== undefined && values.push !== undefined) {
  const { digest } = await copy(image, values.push);
  console.log(`pushed ${values.push}, ${digest}`);
}

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
