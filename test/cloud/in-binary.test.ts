import { afterAll, beforeAll, expect, test } from "bun:test";
import { createSandbox, type Sandbox } from "../docs/sandbox.ts";

/**
 * The libraries of the clouds lie in the binary as files of their own (scripts/build/libraries-apart.ts). Each is loaded when a
 * registry of its cloud asks for a login, and gets as far as its first request, which leads to nowhere here.
 */
const NOWHERE = "127.0.0.1:1";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox();
  sandbox.env.NO_PROXY = "127.0.0.1";
});
afterAll(async () => await sandbox[Symbol.asyncDispose]());

const AWS = {
  AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
  AWS_SECRET_ACCESS_KEY: "secret",
  AWS_ENDPOINT_URL: `http://${NOWHERE}`,
};
const AZURE = { AZURE_TENANT_ID: "1-2-3-4", AZURE_CLIENT_ID: "client", AZURE_CLIENT_SECRET: "secret" };
const GOOGLE = { GOOGLE_APPLICATION_CREDENTIALS: "google.json" };
const GOOGLE_FILE = {
  type: "authorized_user",
  ...{ client_id: "client", client_secret: "secret", refresh_token: "token" },
};

const CASES: readonly (readonly [host: string, env: Readonly<Record<string, string>>, failure: string])[] = [
  ["123456789012.dkr.ecr.eu-west-1.amazonaws.com", AWS, "Amazon ECR: a login with AWS_ACCESS_KEY_ID failed"],
  ["public.ecr.aws", AWS, "Amazon ECR Public: a login with AWS_ACCESS_KEY_ID failed"],
  ["contoso.azurecr.io", AZURE, "Azure: a token with AZURE_CLIENT_SECRET failed"],
  [
    "europe-west1-docker.pkg.dev",
    GOOGLE,
    "Google: an access token with GOOGLE_APPLICATION_CREDENTIALS failed",
  ],
];
for (const [host, env, failure] of CASES) {
  test(host, async () => {
    sandbox.write("google.json", JSON.stringify(GOOGLE_FILE));
    Object.assign(sandbox.env, env);
    sandbox.protect(host, "user", "password");
    const { exitCode, stderr } = await sandbox.run(`skopeo inspect --tls-verify=false docker://${host}/app`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(failure);
    expect(stderr).toContain('Post \\"http');
  });
}
