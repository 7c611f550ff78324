import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync, verify } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeCloud, type Service, startFakeCloud, temporaryFile } from "./fake-cloud.ts";

/** Never to be seen but in a request that needs it. */
const MARKER = "marker/7f3a91+x";
const HOST = "europe-west1-docker.pkg.dev";
const TOKENS = "POST oauth2.googleapis.com/token";
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const ROOT = "GET plain/computeMetadata/v1/instance";
const ACCOUNT_TOKEN = `${ROOT}/service-accounts/default/token`;

const { publicKey, privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});
const serviceAccount = {
  type: "service_account",
  project_id: "p",
  private_key_id: "key-1",
  private_key: privateKey,
  client_email: "ci@p.iam.gserviceaccount.com",
  token_uri: "https://oauth2.googleapis.com/token",
};
const user = {
  type: "authorized_user",
  client_id: "client.apps.googleusercontent.com",
  client_secret: `secret-${MARKER}`,
  refresh_token: `refresh-${MARKER}`,
};

const gives: Service = () => ({
  body: { access_token: "ya29.token", expires_in: 3600, token_type: "Bearer" },
});
const refuses: Service = ({ body }) => ({
  status: 400,
  body: { error: "invalid_grant", error_description: `Token has been expired or revoked; you sent ${body}.` },
});
const isGoogle = { headers: { "Metadata-Flavor": "Google" } };

let cloud: FakeCloud;

beforeAll(async () => {
  cloud = await startFakeCloud([
    "oauth2.googleapis.com",
    "sts.googleapis.com",
    "iamcredentials.googleapis.com",
  ]);
});

afterAll(async () => await cloud[Symbol.asyncDispose]());

function inAnHour(expires: number | undefined): boolean {
  return Math.abs((expires ?? 0) - Date.now() - 3_600_000) < 60_000;
}

for (const runtime of ["bun", "node"] as const) {
  describe(`Google on ${runtime}`, () => {
    test("gives a token for the key of a service account", async () => {
      cloud.services = { [TOKENS]: gives };
      const env = { GOOGLE_APPLICATION_CREDENTIALS: temporaryFile(serviceAccount) };
      const { found } = await cloud.find(HOST, env, runtime);
      expect(found?.credentials).toEqual({ username: "oauth2accesstoken", password: "ya29.token" });
      expect(found?.source).toBe("Google (GOOGLE_APPLICATION_CREDENTIALS)");
      expect(inAnHour(found?.expires)).toBe(true);
      const [tunnel, call] = cloud.calls;
      expect(tunnel?.name).toBe("CONNECT oauth2.googleapis.com:443");
      const [header = "", claims = "", signature = ""] =
        new URLSearchParams(call?.body).get("assertion")?.split(".") ?? [];
      const signed = Buffer.from(`${header}.${claims}`);
      expect(verify("sha256", signed, publicKey, Buffer.from(signature, "base64url"))).toBe(true);
      expect(JSON.parse(Buffer.from(claims, "base64url").toString())).toMatchObject({
        iss: "ci@p.iam.gserviceaccount.com",
        aud: "https://oauth2.googleapis.com/token",
        scope: SCOPE,
      });
    });

    test("gives a token for the login of gcloud", async () => {
      cloud.services = { [TOKENS]: gives };
      const home = mkdtempSync(join(tmpdir(), "gcloud-home-"));
      mkdirSync(join(home, ".config", "gcloud"), { recursive: true });
      writeFileSync(
        join(home, ".config", "gcloud", "application_default_credentials.json"),
        JSON.stringify(user),
      );
      const { found } = await cloud.find("gcr.io", { HOME: home }, runtime);
      expect(found?.source).toBe("Google (the login of gcloud)");
      expect(inAnHour(found?.expires)).toBe(true);
      const form = new URLSearchParams(cloud.calls.at(-1)?.body);
      expect(form.get("grant_type")).toBe("refresh_token");
      expect(form.get("refresh_token")).toBe(user.refresh_token);
    });

    test("says in one sentence that it refused, without any secret", async () => {
      cloud.services = { [TOKENS]: refuses };
      const file = temporaryFile(user, "application_default_credentials.json");
      const finding = await cloud.find("gcr.io", { CLOUDSDK_CONFIG: join(file, "..") }, runtime);
      expect(finding.code).toBe("UNAUTHORIZED");
      expect(finding.message).toStartWith(
        "Google: an access token with the login of gcloud failed: invalid_grant: Token has been expired or revoked; you sent ",
      );
      expect(finding.message).toEndWith('; run "gcloud auth application-default login"');
      for (const secret of [MARKER, encodeURIComponent(MARKER)])
        expect(finding.details).not.toContain(secret);
    });

    test("gives a token for the service account of the machine", async () => {
      cloud.services = {
        [ROOT]: () => isGoogle,
        [ACCOUNT_TOKEN]: (call) => ({ ...isGoogle, ...gives(call) }),
      };
      const env = { METADATA_SERVER_DETECTION: "", GCE_METADATA_HOST: cloud.plainHost };
      const { found } = await cloud.find("gcr.io", env, runtime);
      expect(found?.credentials.password).toBe("ya29.token");
      expect(found?.source).toBe("Google (the service account of this machine)");
      expect(inAnHour(found?.expires)).toBe(true);
      const call = cloud.calls.at(-1);
      expect(call?.headers["metadata-flavor"]).toBe("Google");
      expect(call?.url.searchParams.get("scopes")).toBe(SCOPE);
    });
  });
}

describe("Google", () => {
  test("a token of another cloud is exchanged for one of Google", async () => {
    cloud.services = {
      "POST sts.googleapis.com/v1/token": () => ({
        body: {
          access_token: "federated",
          issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
          token_type: "Bearer",
          expires_in: 3600,
        },
      }),
    };
    const file = temporaryFile({
      type: "external_account",
      audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: { file: temporaryFile("the.identity.token") },
    });
    const { found } = await cloud.find(HOST, { GOOGLE_APPLICATION_CREDENTIALS: file });
    expect(found?.credentials.password).toBe("federated");
    expect(new URLSearchParams(cloud.calls.at(-1)?.body).get("subject_token")).toBe("the.identity.token");
  });

  test("a user takes the part of a service account", async () => {
    const account = "ci@p.iam.gserviceaccount.com";
    const name = `POST iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`;
    cloud.services = {
      [TOKENS]: gives,
      [name]: () => ({ body: { accessToken: "impersonated", expireTime: "2033-01-01T00:00:00Z" } }),
    };
    const file = temporaryFile({
      type: "impersonated_service_account",
      service_account_impersonation_url: `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${account}:generateAccessToken`,
      source_credentials: user,
      delegates: [],
    });
    const finding = await cloud.find(HOST, { GOOGLE_APPLICATION_CREDENTIALS: file });
    expect(finding.message).toBeUndefined();
    expect(finding.found?.credentials.password).toBe("impersonated");
    expect(finding.found?.expires).toBe(Date.parse("2033-01-01T00:00:00Z"));
    expect(cloud.calls.at(-1)?.headers.authorization).toBe("Bearer ya29.token");
  });

  test("a token server that cannot be reached is a failure of the network", async () => {
    const env = { GOOGLE_APPLICATION_CREDENTIALS: temporaryFile(user), FIND_PROXY: "http://127.0.0.1:1" };
    const finding = await cloud.find(HOST, env);
    expect(finding.code).toBe("NETWORK_FAILURE");
    expect(finding.message).toMatch(/failed: .*; check the network and the proxy$/);
    expect(finding.details).not.toContain(MARKER);
  });

  const NO_ACCOUNT = [
    ["is not Google's", { [ROOT]: () => ({ status: 200 }) }],
    ["has no service account", { [ROOT]: () => isGoogle }],
  ] as const;
  for (const [what, services] of NO_ACCOUNT) {
    test(`a metadata server that ${what} gives none`, async () => {
      cloud.services = services;
      const env = { METADATA_SERVER_DETECTION: "", GCE_METADATA_HOST: cloud.plainHost };
      const finding = await cloud.find(HOST, env);
      expect(finding.found).toBeUndefined();
      expect(finding.message).toBeUndefined();
      expect(cloud.calls.length).toBeGreaterThan(0);
    });
  }

  test("a metadata server that fails is an error", async () => {
    cloud.services = {
      [ROOT]: () => isGoogle,
      [ACCOUNT_TOKEN]: () => ({
        status: 403,
        body: { error: "access_denied", error_description: "not allowed" },
      }),
    };
    const env = { METADATA_SERVER_DETECTION: "", GCE_METADATA_HOST: cloud.plainHost };
    const finding = await cloud.find(HOST, env);
    expect(finding.code).toBe("UNAUTHORIZED");
    expect(finding.message).toContain(
      "the service account of this machine failed: status 403: access_denied: not allowed;",
    );
  });

  test("a metadata server that does not answer is given up after a second", async () => {
    cloud.services = { [ROOT]: () => undefined };
    const env = { METADATA_SERVER_DETECTION: "", GCE_METADATA_HOST: cloud.plainHost };
    const finding = await cloud.find(HOST, env);
    expect(finding.found).toBeUndefined();
    expect(finding.message).toBeUndefined();
    expect(finding.duration).toBeGreaterThan(900);
    expect(finding.duration).toBeLessThan(2_000);
  });

  const BAD_FILES = [
    ["is missing", "/nonexistent/key.json", "/nonexistent/key.json: no such file or directory"],
    ["is not JSON", temporaryFile(`{"private_key": "${MARKER}`), "is not a file of Google credentials"],
    ["has no type", temporaryFile({ private_key: MARKER }), "is not a file of Google credentials"],
  ] as const;
  for (const [what, file, words] of BAD_FILES) {
    test(`a file that ${what} is CONFIG_INVALID`, async () => {
      const finding = await cloud.find("gcr.io", { GOOGLE_APPLICATION_CREDENTIALS: file });
      expect(finding.code).toBe("CONFIG_INVALID");
      expect(finding.message).toContain(words);
      expect(finding.details).not.toContain(MARKER);
    });
  }

  test("a key that is none is an error without it", async () => {
    const file = temporaryFile({ ...serviceAccount, private_key: `-----BEGIN PRIVATE KEY-----\n${MARKER}` });
    const finding = await cloud.find(HOST, { GOOGLE_APPLICATION_CREDENTIALS: file });
    expect(finding.code).toBe("UNAUTHORIZED");
    expect(finding.details).not.toContain(MARKER);
  });

  test("a refusal is a warning for gcr.io where warnings are heard, and an error for pkg.dev", async () => {
    cloud.services = { [TOKENS]: refuses };
    const env = { GOOGLE_APPLICATION_CREDENTIALS: temporaryFile(user), FIND_WARN: "1" };
    const finding = await cloud.find("eu.gcr.io", env);
    expect(finding.message).toBeUndefined();
    expect(finding.warnings).toHaveLength(1);
    expect(finding.warnings.join()).not.toContain(MARKER);
    expect((await cloud.find(HOST, env)).code).toBe("UNAUTHORIZED");
  });
});
