import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes dist/skopeo.cdx.json, or the file of its argument: what the binary is made of, as CycloneDX 1.5. All packages that it could hold are listed, and the
 * runtime that it does. The same lock file gives the same bytes.
 */
interface Component {
  readonly [member: string]: unknown;
}

interface Bom {
  serialNumber: string;
  metadata: { timestamp?: string; component: Component };
  components: Component[];
}

const ROOT = join(import.meta.dirname, "..");
const BINARY = join(ROOT, "dist", "skopeo");
const OUTPUT = process.argv[2] ?? join(ROOT, "dist", "skopeo.cdx.json");

const words = [
  "sbom",
  "--sbom-format",
  "cyclonedx",
  "--sbom-type",
  "application",
  "--omit",
  "dev",
  "--package-lock-only",
];
const { status, stdout, stderr } = spawnSync("npm", words, { cwd: ROOT, encoding: "utf8" });
if (status !== 0) throw new Error(`npm sbom failed: ${stderr}`);
const bom: Bom = JSON.parse(stdout);
const { devDependencies }: { devDependencies: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(ROOT, "package.json"), "utf8"),
);

bom.metadata.component = {
  ...bom.metadata.component,
  type: "application",
  name: "skopeo-ts",
  ...binaryHash(),
};
// Of a moment, and of a machine, nothing is kept.
delete bom.metadata.timestamp;
bom.components.push({
  ...{ type: "platform", name: "bun", version: devDependencies.bun, "bom-ref": `bun@${devDependencies.bun}` },
  ...{
    description: "the runtime, which is a part of the binary",
    purl: `pkg:npm/bun@${devDependencies.bun}`,
  },
});
bom.serialNumber = "";
bom.serialNumber = `urn:uuid:${asUuid(createHash("sha256").update(JSON.stringify(bom)).digest("hex"))}`;
writeFileSync(OUTPUT, `${JSON.stringify(bom, undefined, 2)}\n`);
console.log(`${OUTPUT}: ${bom.components.length} components`);

function binaryHash(): object {
  if (!existsSync(BINARY)) return {};
  const content = createHash("sha256").update(readFileSync(BINARY)).digest("hex");
  return { hashes: [{ alg: "SHA-256", content }] };
}

/** Version 8, whose bits are one's own. RFC 9562, section 5.8. */
function asUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
