import { afterAll, afterEach, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type CloudCredentialOptions,
  type CloudCredentials,
  findCloudCredentials,
} from "../../src/cloud/cloud-credentials.ts";
import { streamOf } from "../../src/core/byte-stream.ts";
import { ImageError } from "../../src/core/errors.ts";
import type { HttpClient, HttpRequest } from "../../src/runtime/http.ts";

const ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const client: HttpClient = {
  send: () => Promise.reject(new Error("the registry is not to be asked")),
};
const home = mkdtempSync(join(tmpdir(), "no-clouds-"));
/** A user with nothing of any cloud. */
const NOTHING = { HOME: home, USERPROFILE: home, APPDATA: home, PATH: process.env.PATH };
/** This machine's own metadata service, should it have one, is not part of a test. */
const NO_METADATA = { AWS_EC2_METADATA_DISABLED: "true", METADATA_SERVER_DETECTION: "none" };

function optionsFor(
  env: Record<string, string | undefined>,
  more: Partial<CloudCredentialOptions> = {},
): CloudCredentialOptions {
  return { env: { ...NOTHING, ...env }, userAgent: "skopeo/test", client, ...more };
}

/** A server that takes requests and never answers. */
let silent: Server;
let silentUrl: string;
const sockets = new Set<{ destroy(): unknown }>();

beforeAll(async () => {
  silent = createServer(() => undefined);
  // A tunnel that is asked for is never there.
  silent.on("connect", (_, socket) => sockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  silentUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
});

afterAll(() => {
  silent.close();
  silent.closeAllConnections();
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  silent.closeAllConnections();
});

describe("where nothing is configured", () => {
  const UNCONFIGURED = [
    ["docker.io", {}],
    ["registry.example.com:5000", {}],
    [`${ECR}.evil.io`, { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b" }],
    ["public.ecr.aws", {}],
    ["gcr.io", {}],
    ["mirror.gcr.io", {}],
    ["ghcr.io", {}],
    ["ghcr.io", { GITHUB_TOKEN: "t", SKOPEO_CLOUD_CREDENTIALS: "Off" }],
    [ECR, { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", SKOPEO_CLOUD_CREDENTIALS: "0" }],
    ["ghcr.io", { GITHUB_TOKEN: "", GH_TOKEN: "" }],
    [ECR, NO_METADATA],
    ["europe-west1-docker.pkg.dev", NO_METADATA],
  ] as const;
  for (const [registry, env] of UNCONFIGURED) {
    test(`${registry} with ${JSON.stringify(env)} has no login, and the network is not asked`, async () => {
      const send = spyOn(globalThis, "fetch");
      try {
        expect(await findCloudCredentials(registry, optionsFor(env))).toBeUndefined();
        expect(send).not.toHaveBeenCalled();
      } finally {
        send.mockRestore();
      }
    });
  }

  for (const registry of [ECR, "europe-west1-docker.pkg.dev", "contoso.azurecr.io"]) {
    test(`${registry} asks a metadata service for a second at most`, async () => {
      const asked: string[] = [];
      const unplugged = Object.assign(
        (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
          asked.push(String(input));
          return new Promise((_, reject) => {
            init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
          });
        },
        { preconnect: fetch.preconnect },
      );
      const send = spyOn(globalThis, "fetch").mockImplementation(unplugged);
      try {
        const start = performance.now();
        expect(await findCloudCredentials(registry, optionsFor({}))).toBeUndefined();
        expect(performance.now() - start).toBeLessThan(1_500);
        expect(asked).toHaveLength(1);
        expect(asked[0]).toStartWith("http://169.254.169.254/");
      } finally {
        send.mockRestore();
      }
    });
  }
});

describe("the GitHub container registry", () => {
  const LOGINS = [
    [{ GITHUB_TOKEN: "t1", GH_TOKEN: "t2", GITHUB_ACTOR: "octocat" }, "octocat", "t1", "GITHUB_TOKEN"],
    [{ GITHUB_TOKEN: "t1" }, "x-access-token", "t1", "GITHUB_TOKEN"],
    [{ GITHUB_TOKEN: "", GH_TOKEN: "t2" }, "x-access-token", "t2", "GH_TOKEN"],
  ] as const;
  for (const [env, username, password, variable] of LOGINS) {
    test(`takes ${variable} as the password of ${username}`, async () => {
      expect(await findCloudCredentials("ghcr.io", optionsFor(env))).toEqual({
        credentials: { username, password },
        source: `GitHub container registry (${variable})`,
      });
    });
  }
});

describe("a service that does not answer", () => {
  const SERVICES = [
    [
      ECR,
      () => ({ AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "marker-7f3a91", AWS_ENDPOINT_URL: silentUrl }),
    ],
    [
      "public.ecr.aws",
      () => ({ AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "marker-7f3a91", AWS_ENDPOINT_URL: silentUrl }),
    ],
    ["gcr.io", () => ({ GOOGLE_APPLICATION_CREDENTIALS: userFile() })],
    [
      "contoso.azurecr.io",
      () => ({ AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c", AZURE_CLIENT_SECRET: "marker-7f3a91" }),
    ],
  ] as const;
  /** Tunnels are asked for of the silent server as well. */
  const proxyFor = (): string => silentUrl;

  for (const [registry, env] of SERVICES) {
    test(`${registry}: is given up when the time is over`, async () => {
      const start = performance.now();
      const failure = await findCloudCredentials(
        registry,
        optionsFor(env(), { timeout: 400, proxyFor }),
      ).catch((error: unknown) => error);
      expect(performance.now() - start).toBeLessThan(1_500);
      expect(failure).toBeInstanceOf(ImageError);
      if (!(failure instanceof ImageError)) return;
      expect(failure.code).toBe("NETWORK_FAILURE");
      expect(failure.transient).toBe(true);
      expect(failure.message).toContain(`no login for ${registry} within 0.4 s`);
      expect(Bun.inspect(failure)).not.toContain("marker-7f3a91");
    });

    test(`${registry}: ends with the caller's own reason when it is cancelled`, async () => {
      const cancelling = new AbortController();
      const reason = new Error("enough");
      setTimeout(() => cancelling.abort(reason), 200);
      const start = performance.now();
      const { signal } = cancelling;
      const found = findCloudCredentials(
        registry,
        optionsFor(env(), { signal, proxyFor, warn: () => undefined }),
      );
      expect(await found.catch((error: unknown) => error)).toBe(reason);
      expect(performance.now() - start).toBeLessThan(1_000);
    });
  }

  test("is not asked at all when the caller has given up before", async () => {
    const reason = new Error("enough");
    const options = optionsFor({ GITHUB_TOKEN: "t" }, { signal: AbortSignal.abort(reason) });
    expect(await findCloudCredentials("ghcr.io", options).catch((error: unknown) => error)).toBe(reason);
  });

  test("is not asked when the address of its proxy is wrong, and that is said", async () => {
    const wrong = new ImageError("CONFIG_INVALID", "invalid proxy address in HTTPS_PROXY");
    for (const [registry, env] of SERVICES) {
      const { AWS_ENDPOINT_URL: _, ...variables }: Record<string, string> = env();
      const options = optionsFor(variables, {
        proxyFor: () => {
          throw wrong;
        },
      });
      expect(await findCloudCredentials(registry, options).catch((error: unknown) => error)).toBe(wrong);
    }
  });

  test("is not waited for by a public registry whose caller hears warnings", async () => {
    const warnings: string[] = [];
    const env = { AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "b", AWS_ENDPOINT_URL: silentUrl };
    const options = optionsFor(env, { timeout: 300, warn: (message) => warnings.push(message) });
    expect(await findCloudCredentials("public.ecr.aws", options)).toBeUndefined();
    expect(warnings).toEqual([
      "Amazon ECR Public: no login for public.ecr.aws within 0.3 s; check the network and the proxy; going on without a login",
    ]);
  });
});

test("the managed identity of a machine of Azure is used, and the registry asked with the registry's client", async () => {
  const asked: string[] = [];
  const metadata = Object.assign(
    async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      asked.push(String(input));
      if (!new Headers(init?.headers).has("metadata")) return new Response("", { status: 400 });
      const body = { access_token: "vm", expires_on: "2000000000", resource: "r", token_type: "Bearer" };
      return Response.json(body);
    },
    { preconnect: fetch.preconnect },
  );
  const sent: HttpRequest[] = [];
  const registry: HttpClient = {
    async send(request) {
      sent.push(request);
      const body = streamOf(Buffer.from('{"refresh_token":"opaque"}'));
      return { url: request.url, status: 200, headers: new Headers(), body, discard: async () => undefined };
    },
  };
  const send = spyOn(globalThis, "fetch").mockImplementation(metadata);
  try {
    const found = await findCloudCredentials("contoso.azurecr.io", optionsFor({}, { client: registry }));
    expect(found).toEqual({
      credentials: {
        username: "00000000-0000-0000-0000-000000000000",
        password: "",
        identityToken: "opaque",
      },
      source: "Azure (the managed identity of this machine)",
      expires: undefined,
    });
  } finally {
    send.mockRestore();
  }
  expect(asked).toHaveLength(2);
  expect(asked.every((url) => url.startsWith("http://169.254.169.254/metadata/identity/"))).toBe(true);
  expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "POST https://contoso.azurecr.io/oauth2/exchange",
  ]);
});

test("variables are those of the options, not of the process", async () => {
  const authorizations: (string | null)[] = [];
  const token = Buffer.from("AWS:p").toString("base64");
  await using server = Bun.serve({
    port: 0,
    fetch: (request) => {
      authorizations.push(request.headers.get("authorization"));
      return Response.json({ authorizationData: [{ authorizationToken: token }] });
    },
  });
  const file = join(mkdtempSync(join(tmpdir(), "aws-")), "credentials");
  writeFileSync(file, "[default]\naws_access_key_id=AKIDDEFAULT\naws_secret_access_key=s\n");
  const url = server.url.href;
  const before = { ...process.env };
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "AKIDPROCESS", AWS_SECRET_ACCESS_KEY: "s" });
  const env = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_ENDPOINT_URL_ECR: url };
  let found: CloudCredentials | undefined;
  try {
    found = await findCloudCredentials(ECR, optionsFor(env));
  } finally {
    for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
  expect(found).toEqual({
    credentials: { username: "AWS", password: "p" },
    source: 'Amazon ECR (profile "default")',
    expires: undefined,
  });
  expect(authorizations.join()).toContain("Credential=AKIDDEFAULT/");
});

function userFile(): string {
  const path = join(mkdtempSync(join(tmpdir(), "google-")), "user.json");
  const user = {
    type: "authorized_user",
    client_id: "c",
    client_secret: "s",
    refresh_token: "marker-7f3a91",
  };
  writeFileSync(path, JSON.stringify(user));
  return path;
}
