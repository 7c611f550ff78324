import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../support/certificates.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { type ForwardProxy, startForwardProxy, startSocksProxy } from "../support/forward-proxy.ts";
import { buildImage, temporary, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { fatalMessage, runOurs, runReal } from "../support/run.ts";

/** The name of a registry that only the proxy can find. */
const NAME = "registry.test";
const login = { user: "prox y", password: "p@ss:w/rd" };
const user = { name: "jo", password: "secret" };
let proxy: ForwardProxy;
let plain: DockerRegistry;
let secure: DockerRegistry;
let certificates: string;
let layout: string;

beforeAll(async () => {
  const authority = await createAuthority();
  certificates = temporary("certs");
  copyFileSync(authority.certificate, join(certificates, "ca.crt"));
  layout = writeLayout({ v1: buildImage({ seed: "proxy", layers: [300_000] }) });
  [proxy, plain, secure] = await Promise.all([
    startForwardProxy(login),
    startDockerRegistry(),
    startDockerRegistry({ user, tls: await authority.issue("server", { names: `DNS:${NAME}` }) }),
  ]);
});

afterAll(async () => {
  await Promise.all([proxy, plain, secure].map((server) => server?.[Symbol.asyncDispose]()));
});

function proxyUrl(password: string): string {
  return `http://${encodeURIComponent(login.user)}:${encodeURIComponent(password)}@${proxy.host}`;
}

function portOf(host: string): string {
  return host.split(":").at(-1) ?? "";
}

describe("behind a proxy that wants a password", () => {
  peerTest(
    "images go up and come back, through a tunnel with HTTPS",
    ["docker-registry", "skopeo"],
    async () => {
      for (const [run, tag] of [
        [runOurs, "ours"],
        [runReal, "theirs"],
      ] as const) {
        const image = `docker://${NAME}:${portOf(secure.host)}/app:${tag}`;
        const env = { HTTPS_PROXY: proxyUrl(login.password) };
        const policy = run === runOurs ? ["--insecure-policy"] : [];
        const up = ["copy", "--dest-cert-dir", certificates, "--dest-creds", `${user.name}:${user.password}`];
        expect(await run([...policy, ...up, `oci:${layout}:v1`, image], { env })).toMatchObject({
          exitCode: 0,
        });
        const down = ["copy", "--src-cert-dir", certificates, "--src-creds", `${user.name}:${user.password}`];
        const back = join(temporary("back"), "image");
        expect(await run([...policy, ...down, image, `dir:${back}`], { env })).toMatchObject({ exitCode: 0 });
      }
      expect(new Set(proxy.seen)).toContain(`CONNECT ${NAME}:${portOf(secure.host)}`);
      expect(proxy.seen.join("\n")).not.toContain("/v2/");
    },
  );

  peerTest("images go up and come back over HTTP", ["docker-registry"], async () => {
    const image = `docker://${NAME}:${portOf(plain.host)}/app:1`;
    const env = { http_proxy: proxyUrl(login.password), https_proxy: proxyUrl(login.password) };
    const insecure = ["--insecure-policy", "copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
    expect(await runOurs([...insecure, `oci:${layout}:v1`, image], { env })).toMatchObject({ exitCode: 0 });
    const back = join(temporary("back"), "image");
    expect(await runOurs([...insecure, image, `dir:${back}`], { env })).toMatchObject({ exitCode: 0 });
    expect(proxy.seen).toContain(`PUT http://${NAME}:${portOf(plain.host)}/v2/app/manifests/1`);
  });

  for (const kind of ["HTTPS", "HTTP"] as const) {
    test(`a wrong one is told as the proxy's refusal, and is in no message, over ${kind}`, async () => {
      const registry = kind === "HTTPS" ? secure : plain;
      const env = { HTTPS_PROXY: proxyUrl("marker-4711"), HTTP_PROXY: proxyUrl("marker-4711") };
      const words = [
        "--debug",
        "list-tags",
        ...(kind === "HTTPS" ? ["--cert-dir", certificates] : ["--tls-verify=false"]),
      ];
      const outcome = await runOurs([...words, `docker://${NAME}:${portOf(registry.host)}/app`], { env });
      expect(outcome.exitCode).toBe(1);
      expect(fatalMessage(outcome)).toMatch(/proxy/i);
      expect(fatalMessage(outcome)).toContain("407");
      expect(outcome.stderr).not.toContain("marker-4711");
    });
  }

  test("that cannot be reached is named without its password", async () => {
    const env = { HTTPS_PROXY: "http://jo:marker-4712@127.0.0.1:1" };
    const outcome = await runOurs(["list-tags", "docker://registry.test/app"], { env });
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toContain("proxy 127.0.0.1:1");
    expect(outcome.stderr).not.toContain("marker-4712");
  });
});

peerTest("images go up and come back through a SOCKS proxy", ["docker-registry", "skopeo"], async () => {
  await using socks = await startSocksProxy();
  const env = { HTTPS_PROXY: `socks5://${socks.host}` };
  for (const run of [runOurs, runReal]) {
    const image = `docker://${NAME}:${portOf(secure.host)}/socks:${run === runOurs ? "ours" : "theirs"}`;
    const policy = run === runOurs ? ["--insecure-policy"] : [];
    const up = ["copy", "--dest-cert-dir", certificates, "--dest-creds", `${user.name}:${user.password}`];
    expect(await run([...policy, ...up, `oci:${layout}:v1`, image], { env })).toMatchObject({ exitCode: 0 });
    const down = ["copy", "--src-cert-dir", certificates, "--src-creds", `${user.name}:${user.password}`];
    const back = join(temporary("back"), "image");
    expect(await run([...policy, ...down, image, `dir:${back}`], { env })).toMatchObject({ exitCode: 0 });
  }
  expect(new Set(socks.seen)).toEqual(new Set([`CONNECT ${NAME}:${portOf(secure.host)}`]));
});
