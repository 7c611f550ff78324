/**
 * The tour: dist/skopeo packs itself into an image, and takes that through two registries, a layout and a directory.
 * It needs nothing but the binary, leaves nothing behind, and fails if anything is not as it should be.
 */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bold, type Commands, commandsOf, dim, green } from "./demo-commands.ts";
import { type DemoImage, digestOf, programOf, writeProgramLayout } from "./demo-image.ts";

const program = resolve(process.env.SKOPEO_BINARY ?? join(import.meta.dir, "..", "dist", "skopeo"));
const REPOSITORY = "demo/skopeo";

if (!existsSync(program)) {
  console.error(`${program} is not there: npm run build makes it`);
  process.exit(1);
}
const directory = mkdtempSync(join(tmpdir(), "skopeo-demo-"));
const commands = commandsOf(program, directory);
let isOver = false;
let steps = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void cleanUp().then(() => process.exit(130)));
}
try {
  await tour(commands);
} catch (error) {
  if (!isOver) console.error(`\n✗ The demo failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await cleanUp();
}

async function cleanUp(): Promise<void> {
  isOver = true;
  await commands[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}

async function tour({ show, ask, serve }: Commands): Promise<void> {
  const started = performance.now();
  const version = (await ask(["--version"])).trim().split(" ").at(-1) ?? "";
  console.log(`${bold("An image on its travels")}  ${dim(`skopeo ${version}`)}`);

  step("An image to travel with: this very program, as the one layer of an OCI image");
  const image = writeProgramLayout(join(directory, "image"), program, version);
  console.log(`    oci:image:latest  ${image.manifestDigest}`);
  console.log(`    its layer         ${image.layerDigest}, ${megabytes(image.layerSize)}`);

  step("Two registries: one keeps an OCI layout on disk, the other all in memory");
  const home = `${await serve(["oci:registry"])}/${REPOSITORY}:${version}`;
  const abroad = `${await serve(["--memory"])}/${REPOSITORY}:${version}`;

  step("Into the first one; and again, which finds nothing to do");
  await show(["copy", "--dest-tls-verify=false", "oci:image:latest", `docker://${home}`]);
  await show(["copy", "--dest-tls-verify=false", "oci:image:latest", `docker://${home}`]);

  step("What does the registry have?");
  const tags = await show(["list-tags", "--tls-verify=false", `docker://${withoutTag(home)}`]);
  same("the tags", memberOf(tags.stdout, "Tags"), [version]);
  const seen = await show(["inspect", "--tls-verify=false", `docker://${home}`]);
  same("the digest that inspect tells", memberOf(seen.stdout, "Digest"), image.manifestDigest);

  step("On to the other registry, to a layout and to a directory");
  const both = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  await show(["copy", ...both, `docker://${home}`, `docker://${abroad}`]);
  await show(["copy", "--src-tls-verify=false", `docker://${abroad}`, "oci:layout:travelled"]);
  await show(["copy", "--src-tls-verify=false", `docker://${abroad}`, "dir:directory"]);

  step("Is it still the same?");
  await compareDigests(image, [
    `docker://${home}`,
    `docker://${abroad}`,
    "oci:layout:travelled",
    "dir:directory",
  ]);
  runTravelled(image, version);

  step("Gone from the first registry; the other keeps its own");
  await show(["delete", "--tls-verify=false", `docker://${home}`]);
  await show(["inspect", "--tls-verify=false", `docker://${home}`], 2);
  await show(["list-tags", "--tls-verify=false", `docker://${withoutTag(abroad)}`]);

  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`\n${green("✓ All is as it should be:")} one digest in five places, in ${seconds} s.`);

  async function compareDigests({ manifestDigest }: DemoImage, places: readonly string[]): Promise<void> {
    for (const place of ["oci:image:latest", ...places]) {
      const manifest = await ask(["inspect", "--tls-verify=false", "--raw", place]);
      const digest = digestOf(Buffer.from(manifest));
      console.log(`    ${digest === manifestDigest ? green("✓") : "✗"} ${digest}  ${place}`);
      same(`the digest of ${place}`, digest, manifestDigest);
    }
  }
}

/** Takes the program out of the layer in the directory, and lets it speak. */
function runTravelled({ layerDigest }: DemoImage, version: string): void {
  const layer = readFileSync(join(directory, "directory", layerDigest.slice("sha256:".length)));
  same("the digest of the layer", digestOf(layer), layerDigest);
  const original = readFileSync(program);
  const travelled = programOf(layer, original.length);
  same("the digest of the program", digestOf(travelled), digestOf(original));
  const path = join(directory, "travelled");
  writeFileSync(path, travelled);
  chmodSync(path, 0o755);
  const { stdout } = Bun.spawnSync([path, "--version"], { env: {} });
  const said = stdout.toString().trim();
  console.log(`    The program that came out of the layer says: ${said}`);
  same("what it says", said, `skopeo version ${version}`);
}

function step(title: string): void {
  console.log(`\n${bold(`${++steps}. ${title}`)}`);
}

function same(what: string, actual: unknown, expected: unknown): void {
  const [is, ought] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is !== ought) throw new Error(`${what} should be ${ought}, and is ${is}`);
}

function memberOf(json: string, name: string): unknown {
  const value: Readonly<Record<string, unknown>> = JSON.parse(json);
  return value[name];
}

function withoutTag(image: string): string {
  return image.slice(0, image.lastIndexOf(":"));
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
