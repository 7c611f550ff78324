import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DaemonHostRequest } from "../../../src/transports/docker-daemon/daemon-host.ts";
import { resolveDaemonHost } from "../../../src/transports/docker-daemon/daemon-host.ts";
import { createSelfSigned } from "../../support/certificates.ts";
import { temporary } from "../../support/images.ts";
import { findProgram, peerTest } from "../../support/peers.ts";

type Request = Partial<DaemonHostRequest>;

async function resolve(request: Request): ReturnType<typeof resolveDaemonHost> {
  return await resolveDaemonHost({ environment: {}, home: "/nonexistent", platform: "linux", ...request });
}

const OPENSSL = ["openssl"];
const PEM = findProgram("openssl") === undefined ? undefined : await createPair();
const {
  certificate: CERTIFICATE,
  key: KEY,
  otherKey: OTHER_KEY,
} = PEM ?? { certificate: "", key: "", otherKey: "" };

/** PEM text without a line break at its end. */
async function createPair(): Promise<{ certificate: string; key: string; otherKey: string }> {
  const [own, other] = [await createSelfSigned(), await createSelfSigned()];
  const read = (path: string): string => readFileSync(path, "utf8").trim();
  return { certificate: read(own.certificate), key: read(own.key), otherKey: read(other.key) };
}

/** Certificates are looked into, so that real ones are needed. */
function programsFor({ certDir, environment }: Request): readonly string[] {
  return certDir === undefined && !environment?.DOCKER_TLS_VERIFY ? [] : OPENSSL;
}

function certificates(
  files: Readonly<Record<string, string>> = {
    "ca.pem": `# ours\n${CERTIFICATE}\n${CERTIFICATE}\n`,
    "cert.pem": CERTIFICATE,
    "key.pem": KEY,
  },
  directory: string = temporary("certificates"),
): string {
  mkdirSync(directory, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

const SOCKETS: readonly (readonly [name: string, Request, { unixSocket?: string; windowsPipe?: string }])[] =
  [
    ["the usual socket", {}, { unixSocket: "/var/run/docker.sock" }],
    ["the usual pipe", { platform: "win32" }, { windowsPipe: "\\\\.\\pipe\\docker_engine" }],
    ["an empty flag", { flag: "" }, { unixSocket: "/var/run/docker.sock" }],
    [
      "a named socket",
      { flag: "unix:///run/user/1000/podman.sock" },
      { unixSocket: "/run/user/1000/podman.sock" },
    ],
    ["a relative path", { flag: "unix://here/d.sock" }, { unixSocket: "here/d.sock" }],
    [
      "a named pipe",
      { flag: "npipe:////./pipe/other", platform: "win32" },
      { windowsPipe: "\\\\.\\pipe\\other" },
    ],
    ["DOCKER_HOST", { environment: { DOCKER_HOST: " unix:///x.sock\n" } }, { unixSocket: "/x.sock" }],
    [
      "DOCKER_HOST without a path",
      { environment: { DOCKER_HOST: "unix://" } },
      { unixSocket: "/var/run/docker.sock" },
    ],
    ["an empty DOCKER_HOST", { environment: { DOCKER_HOST: "" } }, { unixSocket: "/var/run/docker.sock" }],
    [
      "the flag over DOCKER_HOST",
      { flag: "unix:///a", environment: { DOCKER_HOST: "unix:///b" } },
      { unixSocket: "/a" },
    ],
  ];

describe("a socket", () => {
  for (const [name, request, expected] of SOCKETS) {
    test(`is found by ${name}`, async () => {
      const { unixSocket, windowsPipe, baseUrl, tls } = await resolve(request);
      expect({ unixSocket, windowsPipe }).toEqual({
        unixSocket: undefined,
        windowsPipe: undefined,
        ...expected,
      });
      expect(baseUrl).toBe("http://api.moby.localhost");
      expect(tls).toBeUndefined();
    });
  }
});

const VERIFY = { DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: certificates() };
const URLS: readonly (readonly [name: string, Request, baseUrl: string])[] = [
  ["tcp is TLS", { flag: "tcp://h:2376" }, "https://h:2376"],
  ["the port of tcp is that of https", { flag: "tcp://h" }, "https://h"],
  ["https is TLS", { flag: "https://h:1" }, "https://h:1"],
  ["http is plain", { flag: "http://h:2375" }, "http://h:2375"],
  ["schemes may be in capitals", { flag: "HTTP://h:2375" }, "http://h:2375"],
  ["a path comes before the API's", { flag: "http://h:1/docker/" }, "http://h:1/docker"],
  ["addresses of IPv6 have brackets", { flag: "http://[::1]:2375" }, "http://[::1]:2375"],
  ["no host is this one", { flag: "http://:2375" }, "http://localhost:2375"],
  [
    "DOCKER_TLS_VERIFY does not count beside a flag",
    { flag: "http://h:1", environment: VERIFY },
    "http://h:1",
  ],
  ["tcp in DOCKER_HOST is plain", { environment: { DOCKER_HOST: "tcp://h:1" } }, "http://h:1"],
  ["and has a port of its own", { environment: { DOCKER_HOST: "tcp://h" } }, "http://h:2375"],
  ["which may be 80", { environment: { DOCKER_HOST: "tcp://h:80" } }, "http://h:80"],
  ["tcp may go without saying", { environment: { DOCKER_HOST: "h:1" } }, "http://h:1"],
  [
    "an empty DOCKER_TLS_VERIFY is none",
    { environment: { DOCKER_HOST: "tcp://h:1", DOCKER_TLS_VERIFY: "" } },
    "http://h:1",
  ],
  [
    "with DOCKER_TLS_VERIFY it is TLS",
    { environment: { DOCKER_HOST: "tcp://h:1", ...VERIFY } },
    "https://h:1",
  ],
  ["and has another port", { environment: { DOCKER_HOST: "tcp://h", ...VERIFY } }, "https://h:2376"],
];

describe("a host in the network", () => {
  for (const [name, request, baseUrl] of URLS) {
    peerTest(`${name}: ${baseUrl}`, programsFor(request), async () => {
      const endpoint = await resolve(request);
      expect(endpoint.baseUrl).toBe(baseUrl);
      expect(endpoint.tls !== undefined).toBe(baseUrl.startsWith("https:"));
      expect(endpoint.unixSocket ?? endpoint.windowsPipe).toBeUndefined();
    });
  }
});

describe("certificates", () => {
  const all = { ca: [CERTIFICATE, CERTIFICATE], cert: CERTIFICATE, key: KEY, verify: true };

  peerTest("come from the directory that was named", OPENSSL, async () => {
    const certDir = certificates();
    expect((await resolve({ flag: "tcp://h:1", certDir })).tls).toEqual(all);
    const unverified = await resolve({ flag: "tcp://h:1", certDir, tlsVerify: false });
    expect(unverified.tls).toEqual({ ...all, ca: [], verify: false });
  });

  peerTest("are not looked for where no directory was named", OPENSSL, async () => {
    const environment = VERIFY;
    expect((await resolve({ flag: "tcp://h:1", environment })).tls).toEqual({ verify: true });
    expect((await resolve({ flag: "https://h:1", tlsVerify: false })).tls).toEqual({ verify: false });
  });

  peerTest("of an authority are enough where the daemon asks for none", OPENSSL, async () => {
    const certDir = certificates({ "ca.pem": CERTIFICATE });
    expect((await resolve({ flag: "tcp://h:1", certDir })).tls).toEqual({ ca: [CERTIFICATE], verify: true });
  });

  peerTest("come from DOCKER_CERT_PATH, DOCKER_CONFIG or the home directory", OPENSSL, async () => {
    const host = { DOCKER_HOST: "tcp://h:1", DOCKER_TLS_VERIFY: "yes" };
    const home = temporary("home");
    certificates({ "ca.pem": CERTIFICATE }, join(home, ".docker"));
    const [config, path] = [certificates(), certificates()];
    const [fewer, more] = [{ ca: [CERTIFICATE], verify: true }, all];
    expect((await resolve({ home, environment: host })).tls).toEqual(fewer);
    expect((await resolve({ home, environment: { ...host, DOCKER_CONFIG: config } })).tls).toEqual(more);
    const both = { ...host, DOCKER_CONFIG: join(home, ".docker"), DOCKER_CERT_PATH: path };
    expect((await resolve({ home, environment: both })).tls).toEqual(more);
    const certDir = join(home, ".docker");
    expect((await resolve({ home, certDir, environment: both })).tls).toEqual(fewer);
  });
});

const empty = temporary("certificates");
const withoutKey = certificates({ "ca.pem": CERTIFICATE, "cert.pem": CERTIFICATE });
const withoutAuthority = certificates({ "ca.pem": "nothing", "cert.pem": CERTIFICATE, "key.pem": KEY });
const encrypted = certificates({
  ...{ "ca.pem": CERTIFICATE, "cert.pem": CERTIFICATE },
  "key.pem": "-----BEGIN ENCRYPTED PRIVATE KEY-----",
});
const withGarbage = certificates({ "ca.pem": CERTIFICATE, "cert.pem": CERTIFICATE, "key.pem": "garbage" });
const mismatched = certificates({ "ca.pem": CERTIFICATE, "cert.pem": CERTIFICATE, "key.pem": OTHER_KEY });
const EXAMPLES = "write it as unix:///path/to/socket, tcp://host:port or http://host:port";
const FAILURES: readonly (readonly [Request, code: string, message: string])[] = [
  ...["foo", "unix:", "unix://", "tcp:", "://x", "127.0.0.1:2375", "ftp://h", "fd://", "http://h?x"].map(
    (flag): [Request, string, string] => [
      { flag },
      "CONFIG_INVALID",
      `unable to parse docker host \`${flag}\`: ${EXAMPLES}`,
    ],
  ),
  [
    { flag: "tcp://me:secret@h:1" },
    "CONFIG_INVALID",
    "the docker host must not hold a user name or password: daemons know users by certificates",
  ],
  [
    { flag: "ftp://me:secret@h:1" },
    "CONFIG_INVALID",
    `unable to parse docker host \`ftp://***@h:1\`: ${EXAMPLES}`,
  ],
  [
    { flag: "npipe:////./pipe/docker_engine" },
    "CONFIG_INVALID",
    "named pipes (npipe://) exist on Windows only: use unix:// here",
  ],
  [
    { environment: { DOCKER_HOST: "ssh://me:secret@far.example:2222" } },
    "UNSUPPORTED_OPERATION",
    `docker hosts over SSH are not supported: forward the daemon's socket with "ssh -nNT -p 2222 -L ` +
      `/tmp/docker.sock:/var/run/docker.sock me@far.example", and use unix:///tmp/docker.sock as the docker host`,
  ],
  [
    { flag: "tcp://h:1", certDir: empty },
    "CONFIG_INVALID",
    `could not read CA certificate "${empty}/ca.pem": open ${empty}/ca.pem: no such file or directory`,
  ],
  [
    { flag: "tcp://h:1", certDir: empty, tlsVerify: false },
    "CONFIG_INVALID",
    `Could not load X509 key pair: open ${empty}/cert.pem: no such file or directory`,
  ],
  [
    { flag: "tcp://h:1", certDir: withoutKey },
    "CONFIG_INVALID",
    `Could not load X509 key pair: open ${withoutKey}/key.pem: no such file or directory`,
  ],
  [
    { flag: "tcp://h:1", certDir: withoutAuthority },
    "CONFIG_INVALID",
    `could not read CA certificate "${withoutAuthority}/ca.pem": no PEM certificate in it`,
  ],
  [
    { flag: "tcp://h:1", certDir: encrypted },
    "CONFIG_INVALID",
    `Could not load X509 key pair: ${encrypted}/key.pem is encrypted; decrypt it with "openssl pkey -in key.pem"`,
  ],
  [
    { flag: "tcp://h:1", certDir: withGarbage },
    "CONFIG_INVALID",
    `Could not load X509 key pair: no PEM private key that can be read in ${withGarbage}/key.pem`,
  ],
  [
    { flag: "tcp://h:1", certDir: mismatched },
    "CONFIG_INVALID",
    `Could not load X509 key pair: ${mismatched}/key.pem is not the key of ${mismatched}/cert.pem`,
  ],
  [
    { environment: { DOCKER_HOST: "tcp://h:1", DOCKER_TLS_VERIFY: "1" } },
    "CONFIG_INVALID",
    `could not read CA certificate "/nonexistent/.docker/ca.pem": open /nonexistent/.docker/ca.pem: no such file or directory`,
  ],
  [
    { environment: { DOCKER_API_VERSION: "new" } },
    "CONFIG_INVALID",
    'invalid DOCKER_API_VERSION "new": it must be a version such as 1.51, or unset',
  ],
];

describe("a clear sentence says why", () => {
  for (const [request, code, message] of FAILURES) {
    peerTest(message.replaceAll(/[^ "]*skopeo-test-[^/]*/g, "DIR"), programsFor(request), async () => {
      expect(await resolve(request).catch((error) => error)).toMatchObject({
        code,
        message: `initializing docker engine client: ${message}`,
      });
    });
  }
});

test("certificates are not read for sockets and plain hosts", async () => {
  for (const flag of ["unix:///x", "http://h:1"]) {
    expect((await resolve({ flag, certDir: "/nonexistent" })).tls).toBeUndefined();
  }
});

test("DOCKER_API_VERSION counts beside a flag", async () => {
  const environment = { DOCKER_API_VERSION: "1.40" };
  expect((await resolve({ flag: "unix:///x", environment })).apiVersion).toBe("1.40");
});
