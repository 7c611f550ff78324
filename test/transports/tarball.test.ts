import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256, temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { fatalMessage, mustRun, runOurs, runReal } from "../support/run.ts";
import { tarOf } from "../support/tar-files.ts";

const layer = tarOf([{ name: "file", content: "content" }]);

function fileWith(content: Uint8Array | string): string {
  const path = join(temporary("tarball"), "layer.tar");
  writeFileSync(path, content);
  return path;
}

describe("a tarball", () => {
  test("is an image of its files, in order", async () => {
    const [one, two] = [fileWith(layer), fileWith(gzipSync(layer))];
    const manifest = JSON.parse((await runOurs(["inspect", "--raw", `tarball:${one}:${two}`])).stdout);
    expect(manifest.layers).toEqual([
      { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: sha256(layer), size: layer.length },
      {
        mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
        digest: sha256(gzipSync(layer)),
        size: gzipSync(layer).length,
      },
    ]);
    const config = JSON.parse((await runOurs(["inspect", "--config", `tarball:${one}:${two}`])).stdout);
    expect(config.rootfs.diff_ids).toEqual([sha256(layer), sha256(layer)]);
  });

  const times = [
    "2024-01-02 03:04:05",
    "2024-01-02 03:04:05.5",
    "2024-01-02 03:04:05.000000001",
    "1999-12-31 23:59:59.123456789",
  ];
  for (const time of times) {
    peerTest(
      `changed at ${time} has the config that real skopeo makes`,
      ["skopeo 1.16", "touch"],
      async () => {
        const [changed, old] = [fileWith(layer), fileWith(gzipSync(layer))];
        await mustRun(["touch", "-d", `${time} UTC`, changed]);
        utimesSync(old, 1000, 1000);
        for (const words of [
          ["inspect", "--raw"],
          ["inspect", "--config", "--raw"],
        ]) {
          for (const name of [`tarball:${changed}:${old}`, `tarball:${old}:${changed}`]) {
            expect(await runOurs([...words, name])).toEqual(await runReal([...words, name]));
          }
        }
      },
    );
  }

  test("with zeros behind its compressed data keeps them", async () => {
    const padded = Buffer.concat([gzipSync(layer), Buffer.alloc(9_000_000)]);
    const directory = temporary("tarball");
    const outcome = await runOurs([
      "--insecure-policy",
      "copy",
      `tarball:${fileWith(padded)}`,
      `dir:${directory}/x`,
    ]);
    expect(outcome.stderr).not.toContain("level=fatal");
    expect(existsSync(join(directory, "x", sha256(padded).slice(7)))).toBe(true);
  });

  test("that is cut off or inflates too far is refused", async () => {
    const cut = fileWith(gzipSync(layer).subarray(0, 60));
    expect(fatalMessage(await runOurs(["inspect", `tarball:${cut}`]))).toContain("corrupt gzip data");
    const bomb = fileWith(gzipSync(Buffer.alloc(8_000_000)));
    const words = ["--insecure-policy", "copy", "--max-layer-size=4M", `tarball:${bomb}`];
    const outcome = await runOurs([...words, `dir:${temporary("tarball")}/x`]);
    expect(fatalMessage(outcome)).toContain("more than the 4194304 bytes allowed");
  });

  test("from standard input is kept for a while, as far as is allowed", async () => {
    const scratch = temporary("scratch");
    const words = ["--tmpdir", scratch, "--insecure-policy", "copy", "--max-layer-size=1M", "tarball:-"];
    const fine = await runOurs([...words, `dir:${temporary("out")}/x`], { stdin: layer });
    expect(fine.stderr).not.toContain("level=fatal");
    const large = await runOurs([...words, `dir:${temporary("out")}/x`], {
      stdin: Buffer.alloc(3_000_000, 1),
    });
    expect(fatalMessage(large)).toContain("standard input: it has more than the 1048576 bytes allowed");
    expect(readdirSync(scratch)).toEqual([]);
  });

  test("is deleted with all of its files", async () => {
    const [one, two] = [fileWith(layer), fileWith(layer)];
    const outcome = await runOurs(["--insecure-policy", "delete", `tarball:${one}:${two}`]);
    expect(outcome.exitCode).toBe(0);
    expect([existsSync(one), existsSync(two)]).toEqual([false, false]);
  });

  for (const name of ["", "FILE:/none.tar", "FILE/below"]) {
    peerTest(`"${name}" is refused in the words of real skopeo`, ["skopeo 1.16"], async () => {
      const words = ["inspect", `tarball:${name.replace("FILE", fileWith(layer))}`];
      expect(fatalMessage(await runOurs(words))).toBe(fatalMessage(await runReal(words)));
    });
  }

  test("is no directory", async () => {
    const directory = temporary("tarball");
    mkdirSync(join(directory, "x"));
    const outcome = await runOurs(["inspect", `tarball:${directory}/x`]);
    expect(fatalMessage(outcome)).toContain(`read ${directory}/x: is `);
  });
});
