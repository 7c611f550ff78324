import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, copyFileSync, lstatSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { BuiltBinary } from "../../scripts/release/binaries.ts";
import { hasCLibrary } from "../../scripts/release/c-library.ts";
import { writeImage } from "../../scripts/release/image.ts";
import { TARGETS } from "../../scripts/release/targets.ts";
import { openImage } from "../../src/index.ts";
import { type Certificate, createAuthority } from "../support/certificates.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { temporary } from "../support/images.ts";
import { findProgram, newestSkopeo, peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

/** Runs a program where there is nothing but the image's files, and /proc as in every container, as the user $USER. */
const IN_ROOT = `mount -t proc proc "$0/proc" && exec chroot --userspec="$USER" "$0" "$@"`;

/** The image of the tool: made by the library, pushed by the binary that is in it, and judged by others. */
export function testImage(binaries: () => readonly BuiltBinary[]): void {
  const missing = [
    ...(TARGETS.filter(({ libc }) => libc === "glibc").every(hasCLibrary) ? [] : ["libc6-arm64-cross"]),
    ...(findProgram("docker-registry") === undefined ? ["docker-registry"] : []),
  ];
  if (missing.length > 0) console.error(`LEFT OUT for want of ${missing.join(", ")}: the image of the tool`);
  describe.skipIf(missing.length > 0)("the image of the tool", () => {
    const directory = temporary("image");
    let name: string;
    let registry: DockerRegistry;
    let authority: Certificate;
    let pushed: string;

    beforeAll(async () => {
      const release = { version: "1.2.3", directory, url: "", time: new Date(0), binaries: binaries() };
      name = (await writeImage(release)) ?? "";
      const certificates = await createAuthority();
      authority = certificates;
      registry = await startDockerRegistry({ tls: await certificates.issue("server") });
      pushed = `${registry.host.replace("127.0.0.1", "localhost")}/skopeo:1.2.3`;
      const own = binaries().find(({ target }) => target.name === "linux-x64")?.path ?? "";
      await mustRun([own, "copy", "--all", name, `docker://${pushed}`], {
        env: { SSL_CERT_FILE: authority.certificate },
      });
    }, 120_000);
    afterAll(async () => {
      await registry[Symbol.asyncDispose]();
      rmSync(directory, { recursive: true, force: true });
    });

    // Of the layers umoci checks the digests, further down.
    peerTest("is an index in a registry, says crane", ["crane"], async ([crane = ""]) => {
      await mustRun([crane, "validate", "--fast", "--remote", pushed], {
        env: { SSL_CERT_FILE: authority.certificate },
      });
    });

    test.skipIf(newestSkopeo === undefined)("is for two processors, says the real skopeo", async () => {
      for (const architecture of ["amd64", "arm64"]) {
        const words = ["--override-os", "linux", "--override-arch", architecture, "inspect", name];
        const told = JSON.parse(await mustRun([newestSkopeo?.path ?? "", ...words]));
        expect(told).toMatchObject({
          Architecture: architecture,
          Labels: { "org.opencontainers.image.version": "1.2.3", "org.opencontainers.image.title": "skopeo" },
        });
      }
    });

    for (const architecture of ["amd64", "arm64"]) {
      const emulator = architecture === "arm64" ? findProgram("qemu-aarch64-static") : undefined;
      const wanting = [
        ...(process.getuid?.() === 0 ? [] : ["root"]),
        ...["umoci", "unshare", "chroot", "mount"].filter((program) => findProgram(program) === undefined),
        ...(architecture === "arm64" && emulator === undefined ? ["qemu-user-static"] : []),
      ];
      const title = `needs nothing else to run: ${architecture}`;
      if (wanting.length > 0) console.error(`LEFT OUT for want of ${wanting.join(", ")}: ${title}`);
      test.skipIf(wanting.length > 0)(
        title,
        async () => {
          const root = join(directory, `root-${architecture}`);
          const { Env, User, Entrypoint } = await unpack(name, architecture, root);
          expect(User).toBe("65532:65532");
          expect(lstatSync(join(root, "tmp")).mode & 0o7777).toBe(0o1777);
          // What a container's runtime adds.
          mkdirSync(join(root, "proc"));
          writeFileSync(join(root, "etc", "hosts"), "127.0.0.1 localhost\n");
          // What its user does for a registry of their own.
          appendFileSync(
            join(root, "etc", "ssl", "certs", "ca-certificates.crt"),
            await Bun.file(authority.certificate).text(),
          );
          if (emulator !== undefined) copyFileSync(emulator, join(root, "emulator"));
          const start = [...(emulator === undefined ? [] : ["/emulator"]), ...Entrypoint];
          const env = Object.fromEntries(
            Env.map((line) => [line.split("=")[0] ?? "", line.replace(/^.*?=/, "")]),
          );
          const insideAs = async (user: string, words: readonly string[]): Promise<string> => {
            const command = ["unshare", "--mount", "--pid", "--fork", "sh", "-c", IN_ROOT, root, ...start];
            return await mustRun([...command, ...words], {
              env: { ...env, USER: user, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
            });
          };
          const inside = (...words: readonly string[]): Promise<string> => insideAs(User, words);
          expect(await inside("--version")).toStartWith("skopeo version ");
          // What follows does not depend on the processor, and takes long under emulation.
          if (emulator !== undefined) return;
          const told: { Digest: string } = JSON.parse(
            await inside("inspect", "--no-tags", `docker://${pushed}`),
          );
          await using image = await openImage(name);
          expect(told.Digest).toBe(image.raw.digest);
          expect(
            await insideAs("1000:1000", ["list-tags", `docker://${pushed.replace(/:[^:]*$/, "")}`]),
          ).toContain("1.2.3");
          await inside("copy", `docker://${pushed}`, "dir:/tmp/copied");
          expect(lstatSync(join(root, "tmp", "copied", "manifest.json")).uid).toBe(65532);
        },
        60_000,
      );
    }
  });
}

interface RunConfig {
  readonly Env: readonly string[];
  readonly User: string;
  readonly Entrypoint: readonly string[];
}

/** Unpacks one image of the index by umoci, and gives what its configuration says. */
async function unpack(name: string, architecture: string, root: string): Promise<RunConfig> {
  const layout = `${root}-layout`;
  await mustRun([
    ...[newestSkopeo?.path ?? "skopeo", "--insecure-policy", "--override-arch", architecture],
    ...["copy", "--quiet", name, `oci:${layout}:x`],
  ]);
  mkdirSync(root);
  await mustRun(["umoci", "raw", "unpack", "--image", `${layout}:x`, root]);
  const config = await mustRun([newestSkopeo?.path ?? "skopeo", "inspect", "--config", `oci:${layout}:x`]);
  return JSON.parse(config).config;
}
