/** The main job, told as it happens: a real image into a registry, looked at, copied on, compared and deleted. */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const SKOPEO = join(ROOT, "dist", "skopeo");
const work = mkdtempSync(join(tmpdir(), "skopeo-demo-"));
const LOCAL = "--tls-verify=false";

const bold = (text: string): string => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

function tell(text: string): void {
  console.log(`\n${bold(`# ${text}`)}`);
}

/** Shows a command line, runs it and shows what it prints. @throws when it does not end as `expected` */
async function skopeo(
  words: readonly string[],
  options: { expected?: number; quiet?: boolean } = {},
): Promise<string> {
  console.log(`$ skopeo ${words.join(" ").replaceAll(`${work}/`, "")}`);
  const child = Bun.spawn([SKOPEO, ...words], {
    cwd: work,
    stdout: "pipe",
    stderr: "pipe",
    env: environment(),
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const exitCode = await child.exited;
  const shown = options.quiet ? "" : `${stdout}${stderr}`.trimEnd();
  if (shown !== "") console.log(shown.replace(/^/gm, "  "));
  if (exitCode === (options.expected ?? 0)) return stdout;
  throw new Error(`ended with ${exitCode} instead of ${options.expected ?? 0}\n${stderr}`);
}

/** Nothing of this machine's configuration takes part. */
function environment(): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: work };
}

/** An OCI layout with one image, whose only layer holds the skopeo binary. */
async function buildImage(layout: string): Promise<number> {
  const root = join(work, "rootfs", "usr", "local", "bin");
  mkdirSync(root, { recursive: true });
  cpSync(SKOPEO, join(root, "skopeo"));
  const tar = ["tar", "--create", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  const child = Bun.spawn([...tar, "-C", join(work, "rootfs"), "usr"], { stdout: "pipe" });
  const plain = new Uint8Array(await new Response(child.stdout).arrayBuffer());
  if ((await child.exited) !== 0) throw new Error("tar failed");
  const layer = Bun.gzipSync(plain, { level: 6 });
  mkdirSync(join(layout, "blobs", "sha256"), { recursive: true });
  const put = (mediaType: string, content: Uint8Array | object): object => {
    const bytes = content instanceof Uint8Array ? content : Buffer.from(JSON.stringify(content));
    const hex = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(layout, "blobs", "sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const config = put("application/vnd.oci.image.config.v1+json", {
    created: new Date(statSync(SKOPEO).mtime).toISOString(),
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: process.platform,
    config: { Entrypoint: ["/usr/local/bin/skopeo"], Labels: { "org.opencontainers.image.title": "skopeo" } },
    rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(plain).digest("hex")}`] },
    history: [{ created_by: "npm run demo" }],
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const layers = [put("application/vnd.oci.image.layer.v1.tar+gzip", layer)];
  const manifest = put(mediaType, { schemaVersion: 2, mediaType, config, layers });
  const entry = { ...manifest, annotations: { "org.opencontainers.image.ref.name": "latest" } };
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
  return layer.length;
}

/** Starts the embedded registry and waits for the line that says where it listens. */
async function serve(): Promise<{ host: string; stop: () => Promise<void> }> {
  console.log("$ skopeo serve --memory &");
  const child = Bun.spawn([SKOPEO, "serve", "--memory"], {
    cwd: work,
    stdout: "pipe",
    stderr: "ignore",
    env: environment(),
  });
  const reader = child.stdout.getReader();
  let text = "";
  while (!text.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error("the registry did not start");
    text += new TextDecoder().decode(value);
  }
  console.log(`  ${text.trim()}`);
  const host = /http:\/\/(\S+)/.exec(text)?.[1];
  if (host === undefined) throw new Error(`no address in ${text}`);
  return {
    host,
    stop: async () => {
      child.kill("SIGTERM");
      await child.exited;
    },
  };
}

function check(what: string, digests: readonly string[]): void {
  if (new Set(digests).size !== 1) throw new Error(`${what} differ: ${digests.join(", ")}`);
  console.log(`  ${what} are equal: ${digests[0]}`);
}

async function main(): Promise<void> {
  tell("A registry of our own, in memory, on a free port");
  const registry = await serve();
  try {
    tell("A real image: the skopeo binary that was just built, as an OCI layout on disk");
    const size = await buildImage(join(work, "layout"));
    console.log(`  layout:latest, one layer of ${(size / 1e6).toFixed(1)} MB`);
    const image = `docker://${registry.host}/demo/skopeo`;

    tell("Into the registry");
    await skopeo(["copy", `--dest-tls-verify=false`, "oci:layout:latest", `${image}:1.0`]);

    tell("What is it? No layer is downloaded to tell");
    const described: unknown = JSON.parse(await skopeo(["inspect", LOCAL, `${image}:1.0`]));

    tell("A second name for it: nothing is sent but the manifest");
    await skopeo([
      "copy",
      "--src-tls-verify=false",
      "--dest-tls-verify=false",
      `${image}:1.0`,
      `${image}:latest`,
    ]);
    await skopeo(["list-tags", LOCAL, image]);

    tell("On to a directory and to another OCI layout");
    await skopeo(["copy", "--quiet", "--src-tls-verify=false", `${image}:1.0`, "dir:plain-files"]);
    await skopeo(["copy", "--quiet", "--src-tls-verify=false", `${image}:1.0`, "oci:second-layout:latest"]);

    tell("The same image everywhere?");
    const here = (described as { Digest: string }).Digest;
    const inDirectory = (
      await skopeo(["manifest-digest", "plain-files/manifest.json"], { quiet: true })
    ).trim();
    const inLayout = (
      await skopeo(["inspect", "--format", "{{.Digest}}", "oci:second-layout:latest"], { quiet: true })
    ).trim();
    const onDisk = `sha256:${createHash("sha256")
      .update(readFileSync(join(work, "plain-files", "manifest.json")))
      .digest("hex")}`;
    check("the digests in the registry, the directory and the layout", [here, inDirectory, inLayout, onDisk]);

    tell("Gone again: deleting the manifest takes all its tags along");
    await skopeo(["delete", LOCAL, `${image}:1.0`]);
    await skopeo(["inspect", LOCAL, `${image}:latest`], { expected: 2 });
  } finally {
    await registry.stop();
  }
  console.log(`\n${bold("All of it worked.")}`);
}

try {
  await main();
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
