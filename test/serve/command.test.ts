import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../support/certificates.ts";
import { buildImage, sha256, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { fatalMessage, runOurs, startOurs } from "../support/run.ts";
import { deploy, newDirectory } from "./deployments.ts";
import { expectStatus, pushBlob, pushImage } from "./push.ts";

/** `skopeo serve` as a process. */
interface Served {
  readonly url: string;
  readonly child: ReturnType<typeof startOurs>;
  /** Sends a signal and gives the exit code, all of standard output, and standard error. */
  end(signal: "SIGINT" | "SIGTERM"): Promise<readonly [number, string, string]>;
}

async function serve(...words: string[]): Promise<Served> {
  const child = startOurs(["serve", ...words]);
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const line = new TextDecoder().decode(value);
  const url = /^Listening on (https?:\/\/\S+:\d+)\n$/.exec(line)?.[1];
  if (url === undefined) throw new Error(`${line}\n${await new Response(child.stderr).text()}`);
  return {
    url,
    child,
    async end(signal) {
      child.kill(signal);
      const rest = await reader.read();
      const stderr = await new Response(child.stderr).text();
      return [await child.exited, `${line}${new TextDecoder().decode(rest.value)}`, stderr];
    },
  };
}

describe("skopeo serve", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`says where it listens, serves, and ends cleanly on ${signal}`, async () => {
      const directory = newDirectory();
      const served = await serve(`oci:${directory}`);
      expect(served.url).toStartWith("http://127.0.0.1:");
      await pushImage(served.url, "app", "v1", buildImage());
      await fetch(`${served.url}/v2/app/blobs/uploads/`, { method: "POST" });
      expect(await served.end(signal)).toEqual([0, `Listening on ${served.url}\n`, ""]);
      expect(readdirSync(directory).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
    });
  }

  test("lets a download that has begun come to its end", async () => {
    const served = await serve("--memory");
    const large = Buffer.alloc(40_000_000, "in flight");
    await expectStatus(201, await pushBlob(served.url, "x", sha256(large), large));
    const response = await fetch(`${served.url}/v2/x/blobs/${sha256(large)}`);
    const ending = served.end("SIGTERM");
    await Bun.sleep(100);
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(large));
    expect((await ending)[0]).toBe(0);
  });

  test("serves a layout that it only reads", async () => {
    const directory = writeLayout({ v1: buildImage() }, join(newDirectory(), "mirror"));
    const served = await serve("--read-only", `oci:${directory}`);
    await expectStatus(200, await fetch(`${served.url}/v2/mirror/manifests/v1`));
    await expectStatus(405, await fetch(`${served.url}/v2/mirror/manifests/v1`, { method: "DELETE" }));
    expect((await served.end("SIGTERM"))[0]).toBe(0);
  });

  test("logs requests with --debug, without their queries", async () => {
    const served = await serve("--memory", "--debug");
    await fetch(`${served.url}/v2/_catalog?n=1`);
    const [, , stderr] = await served.end("SIGTERM");
    expect(stderr).toMatch(/level=debug msg="GET \/v2\/_catalog 200 \d+ms"/);
  });

  test("ends with an error when its time is over", async () => {
    const outcome = await runOurs(["serve", "--memory", "--command-timeout", "300ms"]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("context deadline exceeded");
  });

  test("warns when everybody may push", async () => {
    const served = await serve("--memory", "--addr", "0.0.0.0:0");
    const [code, , stderr] = await served.end("SIGTERM");
    expect(code).toBe(0);
    expect(stderr).toMatch(/level=warning msg="everybody who can reach 0\.0\.0\.0:\d+ can push/);
  });

  peerTest("asks for a password and speaks HTTPS", ["openssl"], async () => {
    const directory = newDirectory();
    const { certificate, key } = await (await createAuthority()).issue("serve");
    const hash = await Bun.password.hash("sesame", { algorithm: "bcrypt", cost: 4 });
    const htpasswd = join(directory, "htpasswd");
    writeFileSync(htpasswd, `alice:${hash.replace("$2b$", "$2y$")}\n`);
    const served = await serve(
      "--memory",
      "--tls-cert",
      certificate,
      "--tls-key",
      key,
      "--htpasswd",
      htpasswd,
    );
    expect(served.url).toStartWith("https://127.0.0.1:");
    const tls = { rejectUnauthorized: false };
    await expectStatus(401, await fetch(`${served.url}/v2/`, { tls }));
    const headers = { Authorization: `Basic ${btoa("alice:sesame")}` };
    await expectStatus(200, await fetch(`${served.url}/v2/`, { tls, headers }));
    expect((await served.end("SIGTERM"))[0]).toBe(0);
  });
});

describe("skopeo serve refuses", () => {
  const directory = newDirectory();
  const path = (name: string): string => join(directory, name);
  beforeAll(() => {
    writeFileSync(path("users"), "alice:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n");
    writeFileSync(path("nonsense.pem"), "nonsense");
    writeFileSync(path("thesis.txt"), "");
  });

  const cases: readonly [string, readonly string[], string][] = [
    ["to guess where images are kept", [], "Either oci:DIRECTORY or --memory is needed"],
    ["two places", ["--memory", `oci:${directory}`], "Either oci:DIRECTORY or --memory is needed"],
    ["two layouts", ["oci:a", "oci:b"], "At most one argument expected"],
    ["another transport", ["dir:a"], "cannot serve dir:a: only an OCI layout, oci:DIRECTORY, can be served"],
    ["one image of a layout", ["oci:a:v1"], "cannot serve oci:a:v1: a layout is served as a whole"],
    ["no path", ["oci:"], "cannot serve oci:: a layout is served as a whole"],
    [
      "a missing layout to be read only",
      ["--read-only", "oci:does-not-exist"],
      "does-not-exist is not an OCI layout",
    ],
    ["a directory of other things", [`oci:${directory}`], "is not an OCI layout: it has no index.json"],
    ["half of TLS", ["--memory", "--tls-cert", "x"], "--tls-cert and --tls-key must be given together"],
    [
      "a missing certificate",
      ["--memory", "--tls-cert", "none", "--tls-key", "none"],
      "reading the file of --tls-cert: open none: no such file or directory",
    ],
    [
      "a certificate that is none",
      ["--memory", "--tls-cert", path("nonsense.pem"), "--tls-key", path("nonsense.pem")],
      "with this certificate and key",
    ],
    [
      "passwords that are not bcrypt",
      ["--memory", "--htpasswd", path("users")],
      'user "alice": SHA-1 ({SHA})',
    ],
    [
      "an address without a port",
      ["--memory", "--addr", "localhost"],
      'invalid --addr "localhost": expected HOST:PORT',
    ],
    ["an impossible port", ["--memory", "--addr", ":70000"], "invalid --addr"],
    [
      "an address that is not here",
      ["--memory", "--addr", "192.0.2.1:5000"],
      "listen on 192.0.2.1:5000: the address is in use, or not one of this machine",
    ],
  ];
  for (const [what, words, message] of cases) {
    test(what, async () => {
      const outcome = await runOurs(["serve", ...words], { timeout: 10_000 });
      expect(outcome.exitCode).toBe(1);
      expect(outcome.stdout).toBe("");
      expect(fatalMessage(outcome)).toContain(message);
    });
  }

  test("an address that is in use", async () => {
    await using other = await deploy("memory");
    const outcome = await runOurs(["serve", "--memory", "--addr", other.address]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toBe(
      `listen on ${other.address}: the address is in use, or not one of this machine`,
    );
  });
});
