import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FakeCloud, type Service, startFakeCloud, temporaryFile } from "./fake-cloud.ts";

/** Never to be seen but in a request that needs it. */
const MARKER = "marker/7f3a91+x";
const HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const API = "POST api.ecr.eu-west-1.amazonaws.com/";
const PUBLIC_API = "POST api.ecr-public.us-east-1.amazonaws.com/";
const STS = "POST sts.eu-west-1.amazonaws.com/";
const TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";
/** Seconds since the epoch, as this API counts. */
const EXPIRES = 2_000_000_000;
const KEYS = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: MARKER };

const token = Buffer.from("AWS:the-password").toString("base64");
const gives: Service = () => ({
  body: {
    authorizationData: [{ authorizationToken: token, expiresAt: EXPIRES, proxyEndpoint: "https://x" }],
  },
});
const givesPublic: Service = () => ({
  body: { authorizationData: { authorizationToken: token, expiresAt: EXPIRES } },
});
const refuses: Service = ({ headers }) => ({
  status: 400,
  headers: { "Content-Type": "application/x-amz-json-1.1" },
  body: {
    __type: "UnrecognizedClientException",
    message: `The security token is invalid; you sent ${MARKER} and ${headers["x-amz-security-token"]} and ${encodeURIComponent(MARKER)}.`,
  },
});

function stsAnswer(key: string): string {
  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-session</SessionToken><Expiration>2033-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
}

let cloud: FakeCloud;

beforeAll(async () => {
  cloud = await startFakeCloud([
    "api.ecr.eu-west-1.amazonaws.com",
    "api.ecr-public.us-east-1.amazonaws.com",
    "api.ecr-fips.us-gov-west-1.amazonaws.com",
    "ecr.eu-west-1.api.aws",
    "api.ecr.cn-north-1.amazonaws.com.cn",
    "sts.eu-west-1.amazonaws.com",
    "portal.sso.eu-west-1.amazonaws.com",
  ]);
});

afterAll(async () => await cloud[Symbol.asyncDispose]());

const names = (): readonly string[] =>
  cloud.calls.map(({ name }) => name).filter((name) => !name.startsWith("CONNECT"));

for (const runtime of ["bun", "node"] as const) {
  describe(`Amazon ECR on ${runtime}`, () => {
    test("gives a login for keys in variables, signed for the region of the host", async () => {
      cloud.services = { [API]: gives };
      const { found } = await cloud.find(HOST, { ...KEYS, AWS_REGION: "us-west-2" }, runtime);
      expect(found).toEqual({
        credentials: { username: "AWS", password: "the-password" },
        source: "Amazon ECR (AWS_ACCESS_KEY_ID)",
        expires: EXPIRES * 1000,
      });
      const [tunnel, call] = cloud.calls;
      expect(tunnel?.name).toBe("CONNECT api.ecr.eu-west-1.amazonaws.com:443");
      expect(call?.headers["x-amz-target"]).toBe(TARGET);
      expect(call?.headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/ecr\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/,
      );
      expect(call?.headers["user-agent"]).toContain("skopeo/test");
      expect(call?.body).toBe("{}");
    });

    test("gives a login for a role that a web identity may take", async () => {
      const file = temporaryFile("header.identity.signature");
      cloud.services = {
        [API]: gives,
        [STS]: () => ({ headers: { "Content-Type": "text/xml" }, body: stsAnswer("ASIAROLE") }),
      };
      const env = { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/r" };
      const { found } = await cloud.find(HOST, env, runtime);
      expect(found?.source).toBe("Amazon ECR (AWS_WEB_IDENTITY_TOKEN_FILE)");
      expect(names()).toEqual([STS, API]);
      const [sts, api] = cloud.calls.filter(({ name }) => name.startsWith("POST"));
      const form = new URLSearchParams(sts?.body);
      expect(form.get("Action")).toBe("AssumeRoleWithWebIdentity");
      expect(form.get("WebIdentityToken")).toBe("header.identity.signature");
      expect(form.get("RoleArn")).toBe(env.AWS_ROLE_ARN);
      expect(api?.headers.authorization).toContain("Credential=ASIAROLE/");
      expect(api?.headers["x-amz-security-token"]).toBe("role-session");
    });

    test("says in one sentence that it refused, without any secret", async () => {
      cloud.services = { [API]: refuses };
      const finding = await cloud.find(HOST, { ...KEYS, AWS_SESSION_TOKEN: `session-${MARKER}` }, runtime);
      expect(finding.code).toBe("UNAUTHORIZED");
      expect(finding.message).toBe(
        "Amazon ECR: a login with AWS_ACCESS_KEY_ID failed: UnrecognizedClientException: The security token is invalid; " +
          `you sent (withheld) and (withheld) and (withheld); renew these credentials, or log in with "skopeo login ${HOST}"`,
      );
      expect(finding.details).not.toContain(MARKER);
      expect(finding.debug.join()).not.toContain(MARKER);
    });
  });
}

describe("Amazon ECR", () => {
  const SERVERS = [
    [
      "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
      "POST api.ecr-fips.us-gov-west-1.amazonaws.com/",
      "us-gov-west-1",
    ],
    ["123456789012.dkr-ecr.eu-west-1.on.aws", "POST ecr.eu-west-1.api.aws/", "eu-west-1"],
    [
      "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
      "POST api.ecr.cn-north-1.amazonaws.com.cn/",
      "cn-north-1",
    ],
  ] as const;
  for (const [host, api, region] of SERVERS) {
    test(`${host} has its logins from ${api}`, async () => {
      cloud.services = { [api]: gives };
      const { found } = await cloud.find(host, KEYS);
      expect(found?.credentials.password).toBe("the-password");
      expect(cloud.calls.at(-1)?.headers.authorization).toContain(`/${region}/ecr/aws4_request`);
    });
  }

  test("a server that AWS_ENDPOINT_URL_ECR names is asked instead, without a proxy where it is plain HTTP", async () => {
    cloud.services = { "POST plain/": gives };
    const env = {
      ...KEYS,
      AWS_ENDPOINT_URL_ECR: `http://${cloud.plainHost}`,
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
    };
    expect((await cloud.find(HOST, env)).found?.credentials.username).toBe("AWS");
    expect(cloud.calls.map(({ name }) => name)).toEqual(["POST plain/"]);
    expect(cloud.calls[0]?.headers.authorization).toContain("/eu-west-1/ecr/aws4_request");
  });

  test("a server of one's own is asked for logins of a FIPS host, too", async () => {
    cloud.services = { "POST plain/": gives };
    const env = { ...KEYS, AWS_ENDPOINT_URL: `http://${cloud.plainHost}` };
    const { found } = await cloud.find("123456789012.dkr-ecr-fips.us-east-1.on.aws", env);
    expect(found?.credentials.username).toBe("AWS");
  });

  test("the public registry has its logins from us-east-1", async () => {
    cloud.services = { [PUBLIC_API]: givesPublic };
    const { found } = await cloud.find("public.ecr.aws", KEYS);
    expect(found?.credentials).toEqual({ username: "AWS", password: "the-password" });
    expect(found?.source).toBe("Amazon ECR Public (AWS_ACCESS_KEY_ID)");
    expect(cloud.calls.at(-1)?.headers.authorization).toContain("/us-east-1/ecr-public/aws4_request");
  });

  const CREDENTIALS = `[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = ${MARKER}\n[dev]\naws_access_key_id = AKIDDEV\naws_secret_access_key = ${MARKER}\n`;

  test("the profile of AWS_PROFILE counts before keys in variables", async () => {
    cloud.services = { [API]: gives };
    const file = temporaryFile(CREDENTIALS);
    const env = { ...KEYS, AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: "dev" };
    const { found } = await cloud.find(HOST, env);
    expect(found?.source).toBe('Amazon ECR (profile "dev")');
    expect(cloud.calls.at(-1)?.headers.authorization).toContain("Credential=AKIDDEV/");
  });

  test("the default profile is used, and its secret is in no message", async () => {
    cloud.services = { [API]: refuses };
    const finding = await cloud.find(HOST, { AWS_SHARED_CREDENTIALS_FILE: temporaryFile(CREDENTIALS) });
    expect(cloud.calls.at(-1)?.headers.authorization).toContain("Credential=AKIDDEFAULT/");
    expect(finding.message).toStartWith('Amazon ECR: a login with profile "default" failed');
    expect(finding.details).not.toContain(MARKER);
  });

  test("a program that gives credentials is run, and what it was called with is in no message", async () => {
    cloud.services = { [API]: gives };
    const answer = { Version: 1, AccessKeyId: "AKIDPROCESS", SecretAccessKey: MARKER, SessionToken: "s" };
    const good = temporaryFile(`[profile p]\ncredential_process = cat ${temporaryFile(answer)}\n`);
    const { found } = await cloud.find(HOST, { AWS_CONFIG_FILE: good, AWS_PROFILE: "p" });
    expect(found?.source).toBe('Amazon ECR (profile "p")');
    expect(cloud.calls.at(-1)?.headers.authorization).toContain("Credential=AKIDPROCESS/");
    const bad = temporaryFile(`[profile p]\ncredential_process = /nonexistent --key ${MARKER}\n`);
    const finding = await cloud.find(HOST, { AWS_CONFIG_FILE: bad, AWS_PROFILE: "p" });
    expect(finding.code).toBe("UNAUTHORIZED");
    expect(finding.details).not.toContain(MARKER);
  });

  /** A home whose user has logged in with `aws sso login`; the token lasts for `life` milliseconds. */
  function ssoHome(life: number): string {
    const home = mkdtempSync(join(tmpdir(), "sso-home-"));
    const cache = join(home, ".aws", "sso", "cache");
    mkdirSync(cache, { recursive: true });
    const session =
      "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n";
    const profile = "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = reader\n";
    writeFileSync(join(home, ".aws", "config"), session + profile);
    const expiresAt = new Date(Date.now() + life).toISOString();
    const name = createHash("sha1").update("corp").digest("hex");
    writeFileSync(join(cache, `${name}.json`), JSON.stringify({ accessToken: MARKER, expiresAt }));
    return home;
  }

  test("a login of aws sso is used", async () => {
    const roleCredentials = {
      accessKeyId: "AKIDSSO",
      secretAccessKey: "s",
      sessionToken: "t",
      expiration: EXPIRES * 1000,
    };
    const portal = "GET portal.sso.eu-west-1.amazonaws.com/federation/credentials";
    cloud.services = { [API]: gives, [portal]: () => ({ body: { roleCredentials } }) };
    const { found } = await cloud.find(HOST, { HOME: ssoHome(3_600_000) });
    expect(found?.source).toBe('Amazon ECR (profile "default")');
    expect(cloud.calls.find(({ name }) => name === portal)?.headers["x-amz-sso_bearer_token"]).toBe(MARKER);
    expect(cloud.calls.at(-1)?.headers.authorization).toContain("Credential=AKIDSSO/");
  });

  test("says that a login of aws sso has ended", async () => {
    cloud.services = {};
    const finding = await cloud.find(HOST, { HOME: ssoHome(-1000) });
    expect(finding.code).toBe("UNAUTHORIZED");
    expect(finding.message).toMatch(/profile "default" failed: .*sso.*(expired|login)/i);
    expect(finding.details).not.toContain(MARKER);
  });

  test("a container's credentials are asked for where its variables say", async () => {
    const body = {
      AccessKeyId: "AKIDTASK",
      SecretAccessKey: "s",
      Token: "t",
      Expiration: "2033-01-01T00:00:00Z",
    };
    cloud.services = { [API]: gives, "GET plain/task": () => ({ body }) };
    const uri = `http://${cloud.plainHost}/task`;
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, HTTP_PROXY: "http://127.0.0.1:1" };
    expect((await cloud.find(HOST, env)).found?.source).toBe(
      "Amazon ECR (AWS_CONTAINER_CREDENTIALS_FULL_URI)",
    );
    expect(cloud.calls.at(-1)?.headers.authorization).toContain("Credential=AKIDTASK/");
  });

  test("the role of an instance is used for an account's registry", async () => {
    const proxy = { HTTP_PROXY: "http://127.0.0.1:1", http_proxy: "http://127.0.0.1:1" };
    const role = {
      Code: "Success",
      AccessKeyId: "AKIDROLE",
      SecretAccessKey: "s",
      Token: "t",
      Expiration: "2033-01-01T00:00:00Z",
    };
    cloud.services = {
      [API]: gives,
      "PUT plain/latest/api/token": () => ({ body: "session" }),
      "GET plain/latest/meta-data/iam/security-credentials/": () => ({ body: "the-role" }),
      "GET plain/latest/meta-data/iam/security-credentials/the-role": () => ({ body: JSON.stringify(role) }),
    };
    const env = {
      AWS_EC2_METADATA_DISABLED: "false",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${cloud.plainHost}/`,
    };
    const { found } = await cloud.find(HOST, { ...env, ...proxy });
    expect(found?.source).toBe("Amazon ECR (the role of this instance)");
    expect(cloud.calls.at(-1)?.headers.authorization).toContain("Credential=AKIDROLE/");
  });

  test("an instance without a role has no login", async () => {
    cloud.services = { "PUT plain/latest/api/token": () => ({ body: "session" }) };
    const env = {
      AWS_EC2_METADATA_DISABLED: "false",
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${cloud.plainHost}/`,
    };
    const finding = await cloud.find(HOST, env);
    expect(finding.message).toBeUndefined();
    expect(finding.found).toBeUndefined();
    expect(names().length).toBeGreaterThan(0);
  });

  test("says what is to be allowed to an identity that may not log in", async () => {
    const message =
      "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ecr:GetAuthorizationToken on resource: *";
    cloud.services = { [API]: () => ({ status: 400, body: { __type: "AccessDeniedException", message } }) };
    expect((await cloud.find(HOST, KEYS)).message).toBe(
      `Amazon ECR: a login with AWS_ACCESS_KEY_ID failed: AccessDeniedException: ${message}; ` +
        `allow this identity ecr:GetAuthorizationToken, or log in with "skopeo login ${HOST}"`,
    );
  });

  test("a web identity that STS refuses is an error without its token", async () => {
    const file = temporaryFile(MARKER);
    const xml = `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>No provider for ${MARKER}</Message></Error></ErrorResponse>`;
    cloud.services = { [STS]: () => ({ status: 400, headers: { "Content-Type": "text/xml" }, body: xml }) };
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/r" };
    const finding = await cloud.find(HOST, env);
    expect(finding.code).toBe("UNAUTHORIZED");
    expect(finding.message).toContain("AWS_WEB_IDENTITY_TOKEN_FILE failed");
    expect(finding.message).toContain("No provider for (withheld)");
    expect(finding.details).not.toContain(MARKER);
  });

  test("configuration that cannot be used is CONFIG_INVALID", async () => {
    cloud.services = {};
    const missing = await cloud.find("public.ecr.aws", { AWS_PROFILE: "nobody" });
    expect(missing.code).toBe("CONFIG_INVALID");
    expect(missing.message).toContain('no profile "nobody"');
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: "/nonexistent/token", AWS_ROLE_ARN: "arn:aws:iam::1:role/r" };
    const unreadable = await cloud.find(HOST, env);
    expect(unreadable.code).toBe("CONFIG_INVALID");
    expect(unreadable.message).toContain("/nonexistent/token");
    expect(cloud.calls).toEqual([]);
  });

  test("a file of AWS without any credentials is no reason to ask the network", async () => {
    const file = temporaryFile("[default]\nregion = eu-west-1\n[profile dev]\nrole_arn = x\n");
    const finding = await cloud.find("public.ecr.aws", {
      AWS_CONFIG_FILE: file,
      AWS_EC2_METADATA_DISABLED: "",
    });
    expect(finding.found).toBeUndefined();
    expect(finding.message).toBeUndefined();
    expect(cloud.calls).toEqual([]);
  });

  test("a server that cannot be reached is a failure of the network", async () => {
    const finding = await cloud.find(HOST, { ...KEYS, AWS_ENDPOINT_URL: "http://127.0.0.1:1" });
    expect(finding.code).toBe("NETWORK_FAILURE");
    expect(finding.message).toContain("connection refused; check the network and the proxy");
    expect(finding.details).not.toContain(MARKER);
  });

  test("a refusal of the public registry is a warning where warnings are heard", async () => {
    cloud.services = { [PUBLIC_API]: refuses };
    const finding = await cloud.find("public.ecr.aws", { ...KEYS, FIND_WARN: "1" });
    expect(finding.message).toBeUndefined();
    expect(finding.warnings).toHaveLength(1);
    expect(finding.warnings[0]).toContain("going on without a login");
    expect(finding.warnings[0]).not.toContain(MARKER);
    expect((await cloud.find("public.ecr.aws", KEYS)).code).toBe("UNAUTHORIZED");
  });
});
