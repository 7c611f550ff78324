import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createSandbox } from "../test/docs/sandbox.ts";
import { buildImage, buildIndex, type TestImage } from "../test/support/images.ts";
import { record } from "./picture/record.ts";
import { toSvg } from "./picture/svg.ts";

/**
 * Makes the picture in README.md, or the file of its argument: what a terminal shows of these commands, which are run for
 * it. Every host leads to a registry in memory.
 */
const COLUMNS = 112;
const COMMANDS = [
  "skopeo inspect --format '{{.Name}} {{.Digest}}' docker://docker.io/library/alpine:3.20",
  "skopeo copy --multi-arch linux/amd64,linux/arm64 docker://docker.io/library/alpine:3.20 oci:images:alpine",
  "skopeo sync --src docker --dest docker --all --plan docker.io/library/alpine registry.example.com",
  "skopeo inspect docker://docker.io/library/alpine:3.2O",
];
const output = process.argv[2] ?? join(import.meta.dirname, "..", "docs", "images", "terminal.svg");

const platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"];
function imageOf(version: string): TestImage {
  const instances = platforms.map((platform, i) => {
    const [os = "", architecture = ""] = platform.split("/");
    return [
      platform,
      buildImage({ seed: version + platform, os, architecture, layers: [3_600_000 + i * 50_000] }),
    ];
  });
  return buildIndex(Object.fromEntries(instances));
}

await using sandbox = await createSandbox();
await sandbox.push({
  "docker.io/library/alpine:3.19": imageOf("3.19"),
  "docker.io/library/alpine:3.20": imageOf("3.20"),
  "docker.io/library/alpine:latest": imageOf("3.20"),
  "registry.example.com/alpine:3.19": imageOf("3.19"),
});
const screen = await record(COMMANDS, { columns: COLUMNS, cwd: sandbox.directory, env: sandbox.env });
mkdirSync(dirname(output), { recursive: true });
writeFileSync(output, toSvg(screen));
console.log(`${output}: ${screen.lines.length} lines`);
