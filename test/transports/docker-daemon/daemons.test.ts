import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ByteStream } from "../../../src/core/byte-stream.ts";
import type { DaemonHostRequest } from "../../../src/transports/docker-daemon/daemon-host.ts";
import { resolveDaemonHost } from "../../../src/transports/docker-daemon/daemon-host.ts";
import { EngineClient } from "../../../src/transports/docker-daemon/engine-client.ts";
import { parseDaemonReference } from "../../../src/transports/docker-daemon/reference.ts";
import { type DockerDaemon, startDockerd, startPodman } from "../../support/docker-daemon.ts";
import { buildImage, tarHeader, temporary, writeDirectory } from "../../support/images.ts";
import { newestSkopeo } from "../../support/peers.ts";
import { runReal } from "../../support/run.ts";

const started = await Promise.all([startDockerd(), startPodman()]);
const daemons = started.filter((daemon) => daemon !== undefined);

afterAll(async () => {
  await Promise.all(daemons.map((daemon) => daemon[Symbol.asyncDispose]()));
});

const NAME = "registry.example:5000/some/app:1.0";

async function clientFor(request: Partial<DaemonHostRequest>): Promise<EngineClient> {
  const endpoint = await resolveDaemonHost({
    ...{ environment: {}, home: "/nonexistent", platform: "linux" },
    ...request,
  });
  return new EngineClient({ endpoint, userAgent: "test", stallTimeout: 30_000 });
}

async function exportTo(client: EngineClient, name: string, path: string): Promise<void> {
  await using image = await client.exportImage(parseDaemonReference(name));
  const chunks: Uint8Array[] = [];
  for await (const chunk of image.bytes) chunks.push(chunk);
  writeFileSync(path, Buffer.concat(chunks));
}

async function* streamFile(path: string): ByteStream {
  yield readFileSync(path);
}

/** The image's ID and the digests of its uncompressed layers, as real skopeo finds them in an archive. */
async function describeArchive(path: string): Promise<{ id: string; layers: readonly string[] }> {
  const inspected = await runReal(["inspect", "--raw", `docker-archive:${path}`]);
  const manifest = JSON.parse(inspected.stdout);
  return {
    id: manifest.config.digest,
    layers: manifest.layers.map((layer: { digest: string }) => layer.digest),
  };
}

/** An archive that real skopeo made, under a name with slashes and a port. */
async function makeArchive(): Promise<{ directory: string; archive: string }> {
  const directory = temporary("daemon");
  const image = writeDirectory(buildImage({ layers: [300_000, 10] }));
  const archive = join(directory, "image.tar");
  const copied = await runReal(["copy", `dir:${image}`, `docker-archive:${archive}:${NAME}`]);
  expect(copied.exitCode).toBe(0);
  return { directory, archive };
}

for (const daemon of daemons) {
  describe(daemon.program, () => {
    test.skipIf(newestSkopeo === undefined)(
      "takes an archive of real skopeo and gives the same image back, by name and by ID",
      async () => {
        const { directory, archive } = await makeArchive();
        const client = await clientFor({ flag: daemon.host });
        await client.loadImage(streamFile(archive));
        const expected = await describeArchive(archive);
        for (const name of [NAME, expected.id]) {
          const exported = join(directory, "exported.tar");
          await exportTo(client, name, exported);
          expect(await describeArchive(exported)).toEqual(expected);
        }
      },
      60_000,
    );

    test("says which image is not there", async () => {
      const client = await clientFor({ flag: daemon.host });
      for (const name of ["nosuch/app:1", `nosuch@sha256:${"a".repeat(64)}`, `sha256:${"b".repeat(64)}`]) {
        const problem = await client.exportImage(parseDaemonReference(name)).catch((error) => error);
        expect(problem).toMatchObject({
          code: "NOT_FOUND",
          message: expect.stringMatching(
            /^loading image from docker engine: Error response from daemon: .* images" lists what is there\)$/s,
          ),
        });
      }
    });

    test("refuses what is no archive in its own words, however much is still to come", async () => {
      const client = await clientFor({ flag: daemon.host });
      for (const count of [1, 400]) {
        const problem = await client.loadImage(garbage(count)).catch((error) => error);
        expect(problem).toMatchObject({
          code: "STORAGE_FAILURE",
          message: expect.stringMatching(/^docker engine reported: ".*invalid tar header/s),
        });
      }
    });

    test("stores nothing of an archive that breaks off, and the reason comes through", async () => {
      const client = await clientFor({ flag: daemon.host });
      const broken = new Error("the producer broke");
      const before = await imageCount(daemon);
      expect(await client.loadImage(breakingOff(broken)).catch((error) => error)).toBe(broken);
      expect(await imageCount(daemon)).toBe(before);
    });

    test("is asked in a version that it speaks", async () => {
      const version = await (await clientFor({ flag: daemon.host })).apiVersion();
      const response = await fetch("http://localhost/version", { unix: daemon.socket });
      const told: unknown = await response.json();
      expect(told).toMatchObject({ ApiVersion: expect.stringMatching(/^1\.\d+$/) });
      expect(told).toMatchObject({ ApiVersion: version });
    });
  });
}

const dockerd = started[0];

describe.skipIf(dockerd?.tlsHost === undefined)("a daemon behind TLS", () => {
  const { tlsHost = "", certificates = "" } = dockerd ?? {};

  test("is reached by the certificates of a directory, and by those of the environment", async () => {
    const ways: readonly Partial<DaemonHostRequest>[] = [
      { flag: `tcp://${tlsHost}`, certDir: certificates },
      { flag: `https://${tlsHost}`, certDir: certificates, tlsVerify: false },
      {
        environment: {
          DOCKER_HOST: `tcp://${tlsHost}`,
          DOCKER_TLS_VERIFY: "1",
          DOCKER_CERT_PATH: certificates,
        },
      },
    ];
    for (const way of ways) expect(await (await clientFor(way)).apiVersion()).toMatch(/^1\.\d+$/);
  });

  test("tells what is missing otherwise", async () => {
    const withoutKey = temporary("certificates");
    writeFileSync(join(withoutKey, "ca.pem"), readFileSync(join(certificates, "ca.pem")));
    const ways: readonly (readonly [Partial<DaemonHostRequest>, RegExp])[] = [
      [{ flag: `tcp://${tlsHost}` }, /certificate signed by unknown authority$/],
      [{ flag: `tcp://${tlsHost}`, tlsVerify: false }, /asks for a client certificate$/],
      [{ flag: `tcp://${tlsHost}`, certDir: withoutKey }, /asks for a client certificate$/],
      [
        { flag: `http://${tlsHost}` },
        new RegExp(`HTTP request to an HTTPS server. \\(name it as https://${tlsHost}\\)$`),
      ],
      [{ environment: { DOCKER_HOST: `tcp://${tlsHost}` } }, /\(set DOCKER_TLS_VERIFY=1\)$/],
    ];
    for (const [way, message] of ways) {
      const client = await clientFor(way);
      const problem = await client.exportImage(parseDaemonReference("app:1")).catch((error) => error);
      expect(problem).toMatchObject({ message: expect.stringMatching(message) });
    }
  });
});

test.skipIf(dockerd === undefined)("versions that the daemon does not speak can be corrected", async () => {
  const client = await clientFor({
    flag: dockerd?.host ?? "",
    environment: { DOCKER_API_VERSION: "1.999" },
  });
  const problem = await client.exportImage(parseDaemonReference("app:1")).catch((error) => error);
  expect(problem).toMatchObject({
    message: expect.stringMatching(
      /client version 1.999 is too new.*\(set DOCKER_API_VERSION to 1\.\d+, or unset it\)$/,
    ),
  });
});

async function imageCount(daemon: DockerDaemon): Promise<number> {
  const images: unknown = await (
    await fetch("http://localhost/images/json?all=1", { unix: daemon.socket })
  ).json();
  return Array.isArray(images) ? images.length : Number.NaN;
}

/** Blocks of 256 KiB that are no tar archive. */
async function* garbage(count: number): ByteStream {
  for (let i = 0; i < count; i++) yield Buffer.alloc(256 * 1024, "no archive ");
}

/** An archive that begins well. */
async function* breakingOff(error: Error): ByteStream {
  yield tarHeader("layer.tar", 100_000);
  yield new Uint8Array(50_000);
  throw error;
}
