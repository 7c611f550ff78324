import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createSelfSigned } from "../../support/certificates.ts";
import { temporary } from "../../support/images.ts";
import { findProgram } from "../../support/peers.ts";
import { fatalMessage, type Outcome, runOurs } from "../../support/run.ts";

const SECRET = "marker-8150";
let home: string;
let env: Record<string, string>;

/** Writes a file below the home directory. */
function write(path: string, content: string, mode = 0o600): string {
  const file = join(home, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content, { mode });
  chmodSync(file, mode);
  return file;
}

beforeAll(() => {
  home = temporary("config-check");
  const bin = join(home, "bin");
  env = { HOME: home, XDG_RUNTIME_DIR: home, PATH: `${bin}:${process.env.PATH}` };
  write(
    ".config/containers/registries.conf",
    `unqualified-search-registries = ["quay.io"]
[[registry]]
prefix = "docker.io/library"
location = "mirror.example/hub"
[[registry.mirror]]
location = "near.example:5000/hub"
insecure = true
[[registry.mirror]]
location = "blocked.example/hub"
[[registry]]
location = "blocked.example"
blocked = true
`,
  );
  write(
    ".config/containers/registries.conf.d/a.conf",
    '[aliases]\n"fedora" = "registry.fedoraproject.org/fedora"\n',
  );
  const auth = Buffer.from(`jo:${SECRET}`).toString("base64");
  write(
    "containers/auth.json",
    JSON.stringify({
      auths: { "mirror.example/hub": { auth } },
      credHelpers: { "near.example:5000": "ours" },
    }),
  );
  write(
    "bin/docker-credential-ours",
    `#!/bin/sh\necho '{"Username":"<token>","Secret":"${SECRET}"}'\n`,
    0o755,
  );
  write(
    ".config/containers/policy.json",
    JSON.stringify({
      default: [{ type: "reject" }],
      transports: {
        docker: {
          "docker.io/library": [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/keys/hub.gpg" }],
          "quay.io": [{ type: "insecureAcceptAnything" }],
        },
      },
    }),
  );
});

afterAll(() => chmodSync(home, 0o700));

async function check(words: readonly string[], more: Record<string, string> = {}): Promise<Outcome> {
  const outcome = await runOurs(["config", "check", ...words], { env: { ...env, ...more } });
  expect(outcome.stdout + outcome.stderr).not.toContain(SECRET);
  return outcome;
}

async function checkJson(
  words: readonly string[],
  more: Record<string, string> = {},
): Promise<{
  exitCode: number;
  // biome-ignore lint/suspicious/noExplicitAny: a document of which tests look at parts
  report: any;
}> {
  const { exitCode, stdout } = await check(["--json", ...words], more);
  return { exitCode, report: JSON.parse(stdout) };
}

describe("config check", () => {
  test("tells mirrors, rewriting, blocking, credentials and policy with their files", async () => {
    const { exitCode, report } = await checkJson(["docker://busybox:1"]);
    expect(exitCode).toBe(0);
    expect(report.image).toBe("docker://docker.io/library/busybox:1");
    const { registry } = report;
    const folder = join(home, ".config", "containers");
    expect(registry.registriesFiles).toEqual([
      join(folder, "registries.conf"),
      join(folder, "registries.conf.d/a.conf"),
    ]);
    expect(registry.table).toEqual({
      prefix: "docker.io/library",
      location: "mirror.example/hub",
      insecure: false,
      blocked: false,
      file: join(folder, "registries.conf"),
    });
    expect(
      registry.readFrom.map(({ name, isMirror }: { name: string; isMirror: boolean }) => [name, isMirror]),
    ).toEqual([
      ["near.example:5000/hub/busybox:1", true],
      ["mirror.example/hub/busybox:1", false],
    ]);
    expect(registry.readFrom[0].tlsVerify).toEqual({ value: false, source: "registries.conf" });
    expect(registry.readFrom[0].credentials).toEqual({
      kind: "identity token",
      username: "",
      source: "docker-credential-ours",
    });
    expect(registry.readFrom[1].credentials).toEqual({
      kind: "password",
      username: "jo",
      source: `"mirror.example/hub" in ${join(home, "containers", "auth.json")}`,
    });
    expect(registry.refused[0].name).toBe("blocked.example/hub/busybox:1");
    expect(registry.refused[0].reason).toContain("registry blocked.example is blocked in");
    expect(registry.writeTo.name).toBe("docker.io/library/busybox:1");
    expect(registry.writeTo.credentials).toEqual({ kind: "none" });
    expect(report.policy).toMatchObject({
      file: join(folder, "policy.json"),
      section: 'section "docker.io/library" for docker',
      requirements: [{ type: "signedBy" }],
    });
  });

  test("says the same in words, with a name as people type it", async () => {
    const { exitCode, stdout, stderr } = await check(["busybox:1"]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain("1. near.example:5000/hub/busybox:1 (mirror)\n");
    expect(stdout).toContain("signedBy: keys of /keys/hub.gpg, matchRepoDigestOrExact");
    expect(stdout).toContain('jo, password from "mirror.example/hub" in ');
  });

  test("tells what a short name means to podman", async () => {
    const { report } = await checkJson(["fedora"]);
    expect(report.registry.shortName.alias.target).toBe("registry.fedoraproject.org/fedora");
    expect((await checkJson(["quay.io/a/b"])).report.registry.shortName).toBeUndefined();
  });

  test("tells a proxy without its password, and why it is not used", async () => {
    const proxies = { HTTPS_PROXY: `http://me:${SECRET}@proxy.example:3128`, NO_PROXY: ".inside.example" };
    const proxied = await checkJson(["quay.io/a/b"], proxies);
    expect(proxied.report.registry.writeTo.proxy).toEqual({
      url: "http://me:***@proxy.example:3128",
      variable: "HTTPS_PROXY",
    });
    const direct = await checkJson(["r.inside.example/a"], proxies);
    expect(direct.report.registry.writeTo.proxy.notUsedFor).toBe(".inside.example in NO_PROXY");
  });

  test("takes the flags of commands into account", async () => {
    const flags = ["--creds", `me:${SECRET}`, "--tls-verify=false"];
    const { report } = await checkJson([...flags, "quay.io/a/b"]);
    expect(report.registry.writeTo).toMatchObject({
      tlsVerify: { value: false, source: "the command line" },
      credentials: { kind: "password", username: "me", source: "the command line" },
    });
  });

  test.skipIf(findProgram("openssl") === undefined)("tells the certificates that count", async () => {
    const own = await createSelfSigned();
    const pem = await Bun.file(own.certificate).text();
    write(".config/containers/certs.d/tls.example/ca.crt", pem);
    write(".config/containers/certs.d/tls.example/me.cert", pem);
    write(".config/containers/certs.d/tls.example/me.key", await Bun.file(own.key).text());
    const { report } = await checkJson(["tls.example/a"]);
    const directory = join(home, ".config/containers/certs.d/tls.example");
    expect(report.registry.writeTo.certificates).toEqual({
      directory,
      authorities: 1,
      clients: [join(directory, "me.cert")],
      fromEnvironment: 0,
    });
  });

  test("is about the policy alone for images in files", async () => {
    const { report } = await checkJson(["oci:/images:1"]);
    expect(report.registry).toBeUndefined();
    expect(report.policy).toMatchObject({ section: "default section", requirements: [{ type: "reject" }] });
  });

  test("says what cannot be used, shows the rest, and fails", async () => {
    write(".config/containers/certs.d/broken.example/me.cert", "x");
    const outcome = await check(["broken.example/a"]);
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toContain("missing key me.key for client certificate me.cert");
    expect(outcome.stdout).toContain("Policy");
    expect(fatalMessage(outcome)).toContain("one part of the configuration cannot be used");
  });

  for (const words of [[], ["check"], ["show", "x"], ["check", "a", "b"]]) {
    test(`refuses "config ${words.join(" ")}"`, async () => {
      const outcome = await runOurs(["config", ...words]);
      expect(outcome.exitCode).toBe(1);
      expect(fatalMessage(outcome)).toContain('Expected "config check IMAGE"');
    });
  }
});

describe("a file of credentials that everybody may read", () => {
  for (const [mode, isTold] of [
    [0o644, true],
    [0o600, false],
    [0o640, false],
  ] as const) {
    test(`is ${isTold ? "" : "not "}warned of with mode ${mode.toString(8)}`, async () => {
      const auth = Buffer.from(`jo:${SECRET}`).toString("base64");
      const file = write("loose/auth.json", JSON.stringify({ auths: { "quay.io": { auth } } }), mode);
      const { stderr } = await check(["--authfile", file, "quay.io/a/b"]);
      expect(stderr.includes(`${file} can be read by every user`)).toBe(isTold);
    });
  }
});
