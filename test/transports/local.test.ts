import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type FaultyRegistry, startFaultyRegistry } from "../support/faulty-registry.ts";
import {
  buildImage,
  checkLayoutBlobs,
  temporary,
  treeOf,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, run, runOurs, startOurs } from "../support/run.ts";

const COPY = ["copy", "--insecure-policy"];
const image = buildImage({ seed: "local", layers: [200_000, 10] });

/** A registry that sends a little of the first layer and then nothing more. `begun` resolves when it has. */
async function startHangingRegistry(): Promise<{ registry: FaultyRegistry; begun: Promise<void> }> {
  const begun = Promise.withResolvers<void>();
  const manifest = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
  const content = { manifest, mediaType: image.top.mediaType, blobs: image.blobs };
  const registry = await startFaultyRegistry(content, (request, response) => {
    const blob = image.blobs.get(request.url?.split("/").at(-1) ?? "");
    if (!request.url?.includes("/blobs/") || blob === undefined || blob.length < 100_000) return false;
    response.writeHead(200, { "Content-Length": blob.length });
    response.write(blob.subarray(0, 50_000), () => setTimeout(begun.resolve, 100));
    return true;
  });
  return { registry, begun: begun.promise };
}

describe("oci:", () => {
  test("copies into one layout at the same time lose nothing", async () => {
    const names = Array.from({ length: 8 }, (_, i) => `n${i}`);
    const source = writeLayout(Object.fromEntries(names.map((name) => [name, buildImage({ seed: name })])));
    const target = join(temporary("shared"), "layout");
    const outcomes = await Promise.all(
      names.map((name) => runOurs([...COPY, `oci:${source}:${name}`, `oci:${target}:${name}`])),
    );
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual(names.map(() => 0));
    const index: { manifests: { annotations: Record<string, string> }[] } = JSON.parse(
      readFileSync(join(target, "index.json"), "utf8"),
    );
    const found = index.manifests.map(
      ({ annotations }) => annotations["org.opencontainers.image.ref.name"] ?? "",
    );
    expect(found.toSorted()).toEqual(names);
    expect(checkLayoutBlobs(target)).toBe(names.length * 4);
    expect(readdirSync(target).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  });

  const locks: Readonly<Record<string, (path: string, holder: string) => void>> = {
    link: (path, holder) => symlinkSync(holder, path),
    file: writeFileSync,
  };
  for (const [kind, makeLock] of Object.entries(locks)) {
    test(`a lock that a dead process left is taken over: a ${kind}`, async () => {
      const target = writeLayout({ old: image });
      const host = (await mustRun(["hostname"])).trim();
      makeLock(join(target, "index.json.lock"), `4194304 ${host}`);
      const source = writeLayout({ v1: buildImage({ seed: "new" }) });
      expect(await runOurs([...COPY, `oci:${source}:v1`, `oci:${target}:v1`])).toMatchObject({ exitCode: 0 });
      expect(readdirSync(target).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    });
  }

  test("a lock of a living process is waited for", async () => {
    const target = writeLayout({ old: image });
    const host = (await mustRun(["hostname"])).trim();
    const lock = join(target, "index.json.lock");
    symlinkSync(`${process.pid} ${host}`, lock);
    const source = writeLayout({ v1: buildImage({ seed: "new" }) });
    const words = [...COPY, "--command-timeout=2s", `oci:${source}:v1`, `oci:${target}:v1`];
    expect(await runOurs(words)).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("deadline exceeded"),
    });
    expect(readlinkSync(lock)).toBe(`${process.pid} ${host}`);
  });

  for (const name of ["v1", "old"])
    test(`a blob that has rotted in the layout is fetched again, below the name ${name}`, async () => {
      const source = writeLayout({ v1: image });
      const target = writeLayout({ [name]: image });
      const [, blob = ""] = [...image.blobs.keys()];
      writeFileSync(join(target, "blobs", blob.replace(":", "/")), "rotten");
      expect(await runOurs([...COPY, `oci:${source}:v1`, `oci:${target}:v1`])).toMatchObject({ exitCode: 0 });
      expect(checkLayoutBlobs(target)).toBe(image.blobs.size);
    });

  test("a manifest must have its digest, of whatever algorithm", async () => {
    const bytes = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
    const hex = createHash("sha512").update(bytes).digest("hex");
    const inspect = async (content: Buffer): Promise<Outcome> => {
      const blobs = new Map([...image.blobs, [`sha512:${hex}`, content]]);
      const directory = temporary("sha512");
      mkdirSync(join(directory, "blobs", "sha512"), { recursive: true });
      const layout = writeLayout(
        { v1: { top: { ...image.top, digest: `sha512:${hex}` }, blobs } },
        directory,
      );
      return await runOurs(["inspect", "--raw", `oci:${layout}:v1`]);
    };
    expect(await inspect(bytes)).toMatchObject({ exitCode: 0, stdout: bytes.toString() });
    const changed = await inspect(Buffer.concat([bytes, Buffer.from("\n")]));
    expect(changed).toMatchObject({ exitCode: 1, stdout: "" });
    expect(fatalMessage(changed)).toContain(`does not match provided manifest digest sha512:${hex}`);
  });

  test("shared blobs are kept in their own directory", async () => {
    const source = writeLayout({ v1: image });
    const [target, shared, back] = [temporary("target"), temporary("shared"), temporary("back")];
    const there = [...COPY, "--dest-shared-blob-dir", shared, `oci:${source}:v1`, `oci:${target}:v1`];
    expect(await runOurs(there)).toMatchObject({ exitCode: 0 });
    expect(readdirSync(join(shared, "sha256"))).toHaveLength(image.blobs.size);
    expect(existsSync(join(target, "blobs"))).toBe(false);
    const again = [...COPY, "--src-shared-blob-dir", shared, `oci:${target}:v1`, `oci:${back}:v1`];
    expect(await runOurs(again)).toMatchObject({ exitCode: 0 });
    expect(checkLayoutBlobs(back)).toBe(image.blobs.size);
  });

  test("deleting an image leaves what others need", async () => {
    const other = buildImage({ seed: "other" });
    const target = writeLayout({ a: image, b: image, c: other });
    expect(await runOurs(["delete", `oci:${target}:a`])).toMatchObject({ exitCode: 0, stdout: "" });
    expect(checkLayoutBlobs(target)).toBe(image.blobs.size + other.blobs.size);
    expect(await runOurs(["delete", `oci:${target}:b`])).toMatchObject({ exitCode: 0 });
    expect(checkLayoutBlobs(target)).toBe(other.blobs.size);
    expect(await runOurs([...COPY, `oci:${target}`, `dir:${join(temporary("x"), "y")}`])).toMatchObject({
      exitCode: 0,
    });
  });

  peerTest("real skopeo deletes alike", ["skopeo 1.16"], async ([skopeo = ""]) => {
    const layouts = ["theirs", "ours"].map(() => writeLayout({ a: image, b: buildImage({ seed: "other" }) }));
    await mustRun([skopeo, "delete", `oci:${layouts[0]}:a`]);
    expect(await runOurs(["delete", `oci:${layouts[1]}:a`])).toMatchObject({ exitCode: 0 });
    expect(Object.keys(treeOf(layouts[1] ?? ""))).toEqual(Object.keys(treeOf(layouts[0] ?? "")));
  });

  peerTest("umoci unpacks what was written", ["umoci"], async ([umoci = ""]) => {
    const target = temporary("umoci");
    const source = writeLayout({ v1: image });
    expect(await runOurs([...COPY, `oci:${source}:v1`, `oci:${target}:v1`])).toMatchObject({ exitCode: 0 });
    const bundle = join(temporary("bundle"), "bundle");
    await mustRun([umoci, "unpack", "--rootless", "--image", `${target}:v1`, bundle]);
    expect(readFileSync(join(bundle, "rootfs", "file-0"))).toHaveLength(200_000);
  });
});

describe("dir:", () => {
  test("signatures travel along", async () => {
    const source = writeDirectory(image);
    const signature = Buffer.concat([Buffer.from([0xa3]), Buffer.from("not really signed")]);
    writeFileSync(join(source, "signature-1"), signature);
    const target = join(temporary("signed"), "image");
    expect(await runOurs([...COPY, `dir:${source}`, `dir:${target}`])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(target, "signature-1"))).toEqual(signature);
    const refused = await runOurs([...COPY, `dir:${source}`, `oci:${temporary("unsigned")}:v1`]);
    expect(fatalMessage(refused)).toContain("Pushing signatures for OCI images is not supported");
    const removed = [...COPY, "--remove-signatures", `dir:${source}`, `oci:${temporary("unsigned")}:v1`];
    expect(await runOurs(removed)).toMatchObject({ exitCode: 0 });
  });

  test("an image takes the place of another one whole", async () => {
    const target = writeDirectory(buildImage({ seed: "before", layers: [1, 2, 3, 4] }));
    const source = writeDirectory(image);
    expect(await runOurs([...COPY, `dir:${source}`, `dir:${target}`])).toMatchObject({ exitCode: 0 });
    expect(treeOf(target)).toEqual(treeOf(source));
  });

  test("a link to a directory is followed", async () => {
    const real = join(temporary("real"), "image");
    mkdirSync(real);
    const link = join(temporary("link"), "link");
    symlinkSync(real, link);
    expect(await runOurs([...COPY, `dir:${writeDirectory(image)}`, `dir:${link}`])).toMatchObject({
      exitCode: 0,
    });
    expect(existsSync(join(real, "manifest.json"))).toBe(true);
  });

  test("pipes in place of files are refused, not waited for", async () => {
    const directory = writeDirectory(image);
    unlinkSync(join(directory, "manifest.json"));
    await mustRun(["mkfifo", join(directory, "manifest.json")]);
    const outcome = await runOurs(["inspect", `dir:${directory}`]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("not a regular file");
  });

  test("a missing blob is told by its name", async () => {
    const source = writeDirectory(image);
    const [, blob = ""] = [...image.blobs.keys()].map((digest) => digest.slice(7));
    unlinkSync(join(source, blob));
    const target = join(temporary("x"), "y");
    const outcome = await runOurs([...COPY, `dir:${source}`, `dir:${target}`]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain(`${blob}: no such file or directory`);
    expect(existsSync(target)).toBe(false);
  });
});

describe("what is interrupted", () => {
  for (const [name, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    test(`by ${name} ends with ${code} and leaves nothing`, async () => {
      const { registry, begun } = await startHangingRegistry();
      await using _ = registry;
      const target = join(temporary("interrupted"), "image");
      const child = startOurs([
        ...COPY,
        "--src-tls-verify=false",
        `docker://${registry.host}/app:1`,
        `dir:${target}`,
      ]);
      await begun;
      child.kill(name);
      expect(await child.exited).toBe(code);
      expect(existsSync(target)).toBe(false);
    });
  }

  test("by a kill leaves the old image readable, and the next run completes", async () => {
    const { registry, begun } = await startHangingRegistry();
    await using _ = registry;
    const target = writeDirectory(buildImage({ seed: "old" }));
    const before = treeOf(target);
    const child = startOurs([
      ...COPY,
      "--src-tls-verify=false",
      `docker://${registry.host}/app:1`,
      `dir:${target}`,
    ]);
    await begun;
    child.kill("SIGKILL");
    await child.exited;
    const after = Object.entries(treeOf(target)).filter(([path]) => !path.startsWith(".dir-put-image"));
    expect(Object.fromEntries(after)).toEqual(before);
    const source = writeDirectory(image);
    expect(await runOurs([...COPY, `dir:${source}`, `dir:${target}`])).toMatchObject({ exitCode: 0 });
    expect(treeOf(target)).toEqual(treeOf(source));
  });
});

describe("a full disk", () => {
  for (const transport of ["oci", "dir"]) {
    test(`stops a copy to ${transport}: with a clear reason`, async () => {
      const mount = temporary("full");
      const mounted = await run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", mount]);
      if (mounted.exitCode !== 0)
        return console.error(`LEFT OUT for want of the right to mount: a full disk under ${transport}:`);
      try {
        const outcome = await runOurs([
          ...COPY,
          `oci:${writeLayout({ v1: image })}:v1`,
          `${transport}:${mount}/x`,
        ]);
        expect(outcome.exitCode).toBe(1);
        expect(fatalMessage(outcome)).toContain("no space left on device");
        expect(
          Object.keys(treeOf(mount)).filter((path) => path.includes("manifest.json") || path.includes("put")),
        ).toEqual([]);
      } finally {
        await run(["umount", mount]);
      }
    });
  }
});
