import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mustRun } from "../support/run.ts";
import { type FakeCloud, type Service, startFakeCloud, temporaryFile } from "./fake-cloud.ts";

/** Never to be seen but in a request that needs it. */
const MARKER = "marker/7f3a91+x";
const HOST = "contoso.azurecr.io";
const TENANT = "11111111-2222-3333-4444-555555555555";
const CLIENT = "66666666-7777-8888-9999-000000000000";
const EXCHANGE = `POST ${HOST}/oauth2/exchange`;
const AUTHORITIES = {
  io: "login.microsoftonline.com",
  cn: "login.partner.microsoftonline.cn",
  us: "login.microsoftonline.us",
} as const;
/** Seconds since the epoch. */
const EXPIRES = 2_000_000_000;
const REFRESH = `h.${Buffer.from(JSON.stringify({ exp: EXPIRES })).toString("base64url")}.s`;
const APPLICATION = { AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: CLIENT, AZURE_CLIENT_SECRET: MARKER };

const exchanges: Service = () => ({ body: { refresh_token: REFRESH } });

/** Microsoft Entra ID: where its endpoints are, and `answer` to who asks for a token. */
function entra(authority: string, answer: Service): Readonly<Record<string, Service>> {
  const base = `https://${authority}/${TENANT}`;
  const metadata = {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    issuer: `${base}/v2.0`,
    jwks_uri: `${base}/discovery/v2.0/keys`,
  };
  const discovery: Service = () => ({
    body: {
      tenant_discovery_endpoint: `${base}/v2.0/.well-known/openid-configuration`,
      metadata: [{ preferred_network: authority, preferred_cache: authority, aliases: [authority] }],
    },
  });
  return {
    [`GET ${authority}/${TENANT}/v2.0/.well-known/openid-configuration`]: () => ({ body: metadata }),
    [`GET ${authority}/common/discovery/instance`]: discovery,
    "GET login.microsoftonline.com/common/discovery/instance": discovery,
    [`POST ${authority}/${TENANT}/oauth2/v2.0/token`]: answer,
  };
}

const gives: Service = () => ({
  body: { token_type: "Bearer", expires_in: 3599, access_token: "entra-token" },
});
const refuses: Service = ({ body }) => ({
  status: 401,
  body: {
    error: "invalid_client",
    error_description: `AADSTS7000215: Invalid client secret provided; you sent ${body}. Trace ID: ${CLIENT} Correlation ID: x`,
    error_codes: [7000215],
  },
});

let cloud: FakeCloud;

beforeAll(async () => {
  const registries = Object.keys(AUTHORITIES).map((domain) => `contoso.azurecr.${domain}`);
  cloud = await startFakeCloud([...registries, ...Object.values(AUTHORITIES), "login.example.com"]);
});

afterAll(async () => await cloud[Symbol.asyncDispose]());

for (const runtime of ["bun", "node"] as const) {
  describe(`Azure on ${runtime}`, () => {
    test("gives a login for the secret of an application", async () => {
      cloud.services = { ...entra(AUTHORITIES.io, gives), [EXCHANGE]: exchanges };
      const finding = await cloud.find(HOST, APPLICATION, runtime);
      expect(finding.message).toBeUndefined();
      expect(finding.found).toEqual({
        credentials: {
          username: "00000000-0000-0000-0000-000000000000",
          password: "",
          identityToken: REFRESH,
        },
        source: "Azure (AZURE_CLIENT_SECRET)",
        expires: EXPIRES * 1000,
      });
      const asked = cloud.calls.find(({ name }) => name.endsWith("/oauth2/v2.0/token"));
      const form = new URLSearchParams(asked?.body);
      expect(form.get("client_secret")).toBe(MARKER);
      expect(form.get("scope")).toContain("https://containerregistry.azure.net/.default");
      expect(Object.fromEntries(new URLSearchParams(cloud.calls.at(-1)?.body))).toEqual({
        grant_type: "access_token",
        service: HOST,
        tenant: TENANT,
        access_token: "entra-token",
      });
    });

    test("says in one sentence that it refused, without any secret", async () => {
      cloud.services = entra(AUTHORITIES.io, refuses);
      const finding = await cloud.find(HOST, APPLICATION, runtime);
      expect(finding.code).toBe("UNAUTHORIZED");
      expect(finding.message).toStartWith("Azure: a token with AZURE_CLIENT_SECRET failed: ");
      expect(finding.message).toContain("AADSTS7000215: Invalid client secret provided; you sent ");
      expect(finding.message).toEndWith(`; renew these credentials, or log in with "skopeo login ${HOST}"`);
      for (const secret of [MARKER, encodeURIComponent(MARKER)])
        expect(finding.details).not.toContain(secret);
    });

    test("gives a login for the managed identity of a service", async () => {
      cloud.services = {
        "GET plain/identity": () => ({
          body: { access_token: "managed", expires_on: String(EXPIRES), resource: "r", token_type: "Bearer" },
        }),
        [EXCHANGE]: exchanges,
      };
      const env = { IDENTITY_ENDPOINT: `http://${cloud.plainHost}/identity`, IDENTITY_HEADER: MARKER };
      const finding = await cloud.find(HOST, env, runtime);
      expect(finding.message).toBeUndefined();
      expect(finding.found?.source).toBe("Azure (IDENTITY_ENDPOINT)");
      const asked = cloud.calls.find(({ name }) => name === "GET plain/identity");
      expect(asked?.headers["x-identity-header"]).toBe(MARKER);
      expect(asked?.url.searchParams.get("resource")).toBe("https://containerregistry.azure.net");
      expect(new URLSearchParams(cloud.calls.at(-1)?.body).get("access_token")).toBe("managed");
    });
  });
}

describe("Azure", () => {
  for (const domain of ["cn", "us"] as const) {
    test(`a registry of .${domain} takes tokens of its own cloud`, async () => {
      const host = `contoso.azurecr.${domain}`;
      cloud.services = { ...entra(AUTHORITIES[domain], gives), [`POST ${host}/oauth2/exchange`]: exchanges };
      const { found } = await cloud.find(host, APPLICATION);
      expect(found?.credentials.identityToken).toBe(REFRESH);
      const token = cloud.calls.find(
        ({ name }) => name === `POST ${AUTHORITIES[domain]}/${TENANT}/oauth2/v2.0/token`,
      );
      expect(new URLSearchParams(token?.body).get("scope")).toMatch(
        /https:\/\/management\.(chinacloudapi\.cn|usgovcloudapi\.net)\/\.default/,
      );
    });
  }

  test("gives a login for a federated token", async () => {
    cloud.services = { ...entra(AUTHORITIES.io, gives), [EXCHANGE]: exchanges };
    const file = temporaryFile("federated.identity.token");
    const env = { AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: CLIENT, AZURE_FEDERATED_TOKEN_FILE: file };
    expect((await cloud.find(HOST, env)).found?.source).toBe("Azure (AZURE_FEDERATED_TOKEN_FILE)");
    const asked = cloud.calls.find(({ name }) => name.endsWith("/oauth2/v2.0/token"));
    expect(new URLSearchParams(asked?.body).get("client_assertion")).toBe("federated.identity.token");
  });

  test("gives a login for the certificate of an application", async () => {
    cloud.services = { ...entra(AUTHORITIES.io, gives), [EXCHANGE]: exchanges };
    const file = join(mkdtempSync(join(tmpdir(), "certificate-")), "application.pem");
    const options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=application"];
    await mustRun(["openssl", "req", ...options, "-keyout", file, "-out", `${file}.crt`]);
    appendFileSync(file, readFileSync(`${file}.crt`));
    const env = { AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: CLIENT, AZURE_CLIENT_CERTIFICATE_PATH: file };
    const finding = await cloud.find(HOST, env);
    expect(finding.message).toBeUndefined();
    expect(finding.found?.source).toBe("Azure (AZURE_CLIENT_CERTIFICATE_PATH)");
    const asked = cloud.calls.find(({ name }) => name.endsWith("/oauth2/v2.0/token"));
    expect(new URLSearchParams(asked?.body).get("client_assertion")?.split(".")).toHaveLength(3);
  });

  test("another authority is asked when AZURE_AUTHORITY_HOST names it", async () => {
    cloud.services = { ...entra("login.example.com", gives), [EXCHANGE]: exchanges };
    const env = { ...APPLICATION, AZURE_AUTHORITY_HOST: "https://login.example.com" };
    expect((await cloud.find(HOST, env)).found?.credentials.identityToken).toBe(REFRESH);
    expect(
      cloud.calls.some(({ name }) => name === `POST login.example.com/${TENANT}/oauth2/v2.0/token`),
    ).toBe(true);
  });

  /** An `az` that answers as the real one does, and its directory of a user who is logged in. */
  function commandLine(script: string): { PATH: string; AZURE_CONFIG_DIR: string } {
    const az = join(mkdtempSync(join(tmpdir(), "az-")), "az");
    writeFileSync(az, `#!/bin/sh\n${script}\n`);
    chmodSync(az, 0o755);
    const profile = temporaryFile(
      '\uFEFF{"installationId": "x", "subscriptions": [{"id": "s"}]}',
      "azureProfile.json",
    );
    return { PATH: `${dirname(az)}:${process.env.PATH ?? ""}`, AZURE_CONFIG_DIR: dirname(profile) };
  }

  test("gives a login for the login of az", async () => {
    cloud.services = { [EXCHANGE]: exchanges };
    const answer = JSON.stringify({ accessToken: "cli-token", expires_on: EXPIRES, tenant: TENANT });
    const { found } = await cloud.find(HOST, commandLine(`echo '${answer}'`));
    expect(found?.source).toBe("Azure (the login of az)");
    expect(new URLSearchParams(cloud.calls.at(-1)?.body).get("access_token")).toBe("cli-token");
  });

  test("says that a login of az has ended", async () => {
    const env = commandLine("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1");
    const finding = await cloud.find(HOST, env);
    expect(finding.code).toBe("UNAUTHORIZED");
    expect(finding.message).toStartWith("Azure: a token with the login of az failed: Please run 'az login'");
    expect(finding.message).toEndWith('; run "az login"');
  });

  test("a registry that refuses the exchange is an error without the token", async () => {
    cloud.services = {
      ...entra(AUTHORITIES.io, () => ({
        body: { token_type: "Bearer", expires_in: 3599, access_token: MARKER },
      })),
      [EXCHANGE]: () => ({
        status: 401,
        body: { errors: [{ code: "UNAUTHORIZED", message: `authentication required, not ${MARKER}` }] },
      }),
    };
    const finding = await cloud.find(HOST, { ...APPLICATION, AZURE_CLIENT_SECRET: "other" });
    expect(finding.code).toBe("UNAUTHORIZED");
    expect(finding.message).toBe(
      `Azure: the exchange of a token at ${HOST} failed: status 401: UNAUTHORIZED: authentication required, not (withheld); ` +
        `give this identity a role such as AcrPull, or log in with "skopeo login ${HOST}"`,
    );
    expect(finding.details).not.toContain(MARKER);
  });

  test("an exchange without a token is an error", async () => {
    cloud.services = { ...entra(AUTHORITIES.io, gives), [EXCHANGE]: () => ({ body: { refresh_token: "" } }) };
    expect((await cloud.find(HOST, APPLICATION)).code).toBe("UNAUTHORIZED");
  });

  test("an authority that cannot be reached is a failure of the network", async () => {
    const finding = await cloud.find(HOST, { ...APPLICATION, FIND_PROXY: "http://127.0.0.1:1" });
    expect(finding.code).toBe("NETWORK_FAILURE");
    expect(finding.message).toMatch(/AZURE_CLIENT_SECRET failed: .*; check the network and the proxy$/);
    expect(finding.details).not.toContain(MARKER);
  });

  test("an authority without TLS is not asked", async () => {
    const env = { ...APPLICATION, AZURE_AUTHORITY_HOST: `http://${cloud.plainHost}` };
    const finding = await cloud.find(HOST, env);
    expect(finding.message).toContain("https");
    expect(cloud.calls).toEqual([]);
  });
});
