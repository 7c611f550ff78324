import { describe, expect, test } from "bun:test";
import { createHttpClient } from "../../../src/runtime/http.ts";
import { type LoginOptions, obtainIdToken } from "../../../src/signing/sigstore/oidc.ts";
import type { IdentityParameters } from "../../../src/signing/sigstore/signing-parameters.ts";
import { type MockSigstore, startMockSigstore } from "./mock-sigstore.ts";

interface Login {
  readonly identity: Exclude<IdentityParameters, { mode: "staticToken" }>;
  readonly options: LoginOptions;
  readonly prompts: string[];
  /** Milliseconds. */
  readonly waits: number[];
}

async function prepare(sigstore: MockSigstore, mode: "deviceGrant" | "interactive"): Promise<Login> {
  const [prompts, waits]: [string[], number[]] = [[], []];
  return {
    prompts,
    waits,
    identity: { mode, issuerUrl: sigstore.issuerUrl, clientId: "sigstore", clientSecret: "" },
    options: {
      client: await createHttpClient(),
      prompt: (message) => void prompts.push(message),
      wait: async (milliseconds) => void waits.push(milliseconds),
      openBrowser: async (url) => void (await browse(url)),
      patience: 5_000,
    },
  };
}

/** A browser that follows redirects; `localhost` may have another address first here. */
async function browse(url: string, change: (back: URL) => void = () => {}): Promise<Response> {
  const answer = await fetch(url, { redirect: "manual" });
  const back = new URL(answer.headers.get("location") ?? "about:blank");
  back.hostname = "127.0.0.1";
  change(back);
  return await fetch(back);
}

const payloadOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

test("a token that is given is used as it is", async () => {
  const client = { send: () => Promise.reject(new Error("sent")) };
  const identity = { mode: "staticToken", idToken: "a.b.c" } as const;
  expect(await obtainIdToken(identity, { client, prompt: () => {} })).toBe("a.b.c");
});

for (const mode of ["deviceGrant", "interactive"] as const) {
  describe(mode, () => {
    for (const clientSecret of ["", "s3cret / +"]) {
      test(`gets a token ${clientSecret ? "as a client with a secret" : "without a secret"}`, async () => {
        await using sigstore = await startMockSigstore();
        const { identity, options, prompts } = await prepare(sigstore, mode);
        sigstore.issuer.client = {
          id: "sigstore",
          secret: encodeURIComponent(clientSecret).replaceAll("%20", "+"),
        };
        const token = await obtainIdToken({ ...identity, clientSecret }, options);
        expect(payloadOf(token)).toMatchObject({ email: "signer@example.com", aud: "sigstore" });
        expect(prompts).toHaveLength(1);
        expect(prompts[0]).toContain(`${sigstore.issuerUrl}/${mode === "interactive" ? "auth?" : "enter"}`);
        expect(prompts.join()).not.toContain("s3cret");
      });
    }

    const claims: readonly (readonly [object, string])[] = [
      [{ iss: "http://elsewhere" }, "the ID token is by another issuer"],
      [{ aud: "somebody" }, "the ID token is not for this client"],
      [{ exp: 1 }, "the ID token has expired"],
      ...(mode === "interactive"
        ? ([
            [{ nonce: "another" }, "nonce does not match value sent"],
            [{ nonce: null }, "nonce does not match value sent"],
          ] as const)
        : []),
    ];
    for (const [claim, message] of claims) {
      test(`refuses a token with ${JSON.stringify(claim)}`, async () => {
        await using sigstore = await startMockSigstore();
        const { identity, options } = await prepare(sigstore, mode);
        sigstore.issuer.claims = { ...claim };
        await expect(obtainIdToken(identity, options)).rejects.toMatchObject({
          code: "UNAUTHORIZED",
          message: `Error authenticating with OIDC: ${message}`,
        });
      });
    }

    test("tells of a client that the issuer does not know, without its secret", async () => {
      await using sigstore = await startMockSigstore();
      const { identity, options } = await prepare(sigstore, mode);
      sigstore.issuer.client = { id: "sigstore", secret: "right" };
      const attempt = obtainIdToken({ ...identity, clientSecret: "s3cret" }, options);
      await expect(attempt).rejects.toThrow(
        "Error authenticating with OIDC: error obtaining token: invalid_client",
      );
    });

    test("tells of an issuer that is not there, or is another, as real skopeo does", async () => {
      await using sigstore = await startMockSigstore();
      const { identity, options } = await prepare(sigstore, mode);
      await expect(obtainIdToken({ ...identity, issuerUrl: "http://127.0.0.1:1" }, options)).rejects.toThrow(
        `Error authenticating with OIDC: Get "http://127.0.0.1:1/.well-known/openid-configuration": dial tcp 127.0.0.1:1: connect: connection refused`,
      );
      const other = obtainIdToken({ ...identity, issuerUrl: `${sigstore.issuerUrl}/` }, options);
      await expect(other).rejects.toThrow("did not match the issuer URL returned by provider");
    });

    test("ends when it is aborted", async () => {
      await using sigstore = await startMockSigstore();
      const { identity, options } = await prepare(sigstore, mode);
      const controller = new AbortController();
      const stopping: LoginOptions = {
        ...options,
        wait: undefined,
        openBrowser: async () => {},
        signal: controller.signal,
        prompt: () => void setTimeout(() => controller.abort(new Error("stopped")), 20),
      };
      await expect(obtainIdToken(identity, stopping)).rejects.toThrow(/^stopped$/);
    });
  });
}

describe("deviceGrant", () => {
  test("asks more slowly when it is told to", async () => {
    await using sigstore = await startMockSigstore();
    const { identity, options, prompts, waits } = await prepare(sigstore, "deviceGrant");
    sigstore.issuer.deviceErrors = ["authorization_pending", "slow_down", "authorization_pending"];
    await obtainIdToken(identity, options);
    expect(waits).toEqual([1000, 1000, 6000, 6000]);
    expect(prompts).toEqual([
      `Enter the verification code ABCD-EFGH in your browser at: ${sigstore.issuerUrl}/enter?user_code=ABCD-EFGH\nCode will be valid for 300 seconds`,
    ]);
  });

  for (const error of ["access_denied", "expired_token"]) {
    test(`ends with ${error}`, async () => {
      await using sigstore = await startMockSigstore();
      const { identity, options } = await prepare(sigstore, "deviceGrant");
      sigstore.issuer.deviceErrors = ["authorization_pending", error];
      await expect(obtainIdToken(identity, options)).rejects.toMatchObject({
        code: "UNAUTHORIZED",
        message: `Error authenticating with OIDC: error obtaining token: ${error}`,
      });
    });
  }

  test("does not ask for longer than the code is valid", async () => {
    await using sigstore = await startMockSigstore();
    const { identity, options, waits } = await prepare(sigstore, "deviceGrant");
    sigstore.issuer.deviceErrors = Array.from({ length: 1000 }, () => "slow_down");
    await expect(obtainIdToken(identity, options)).rejects.toThrow("expired_token");
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(300_000);
  });
});

describe("interactive", () => {
  test("is not ended by an answer that does not know the state", async () => {
    await using sigstore = await startMockSigstore();
    const { identity, options } = await prepare(sigstore, "interactive");
    const statuses: number[] = [];
    const openBrowser = async (url: string): Promise<void> => {
      const forged = await browse(url, (back) => back.searchParams.set("state", "guessed"));
      statuses.push(forged.status);
      const elsewhere = await browse(url, (back) => (back.pathname = "/"));
      statuses.push(elsewhere.status);
      statuses.push((await browse(url)).status);
    };
    const token = await obtainIdToken(identity, { ...options, openBrowser });
    expect(payloadOf(token).email).toBe("signer@example.com");
    await Bun.sleep(50);
    expect(statuses).toEqual([400, 404, 200]);
  });

  test("ends when the login is refused", async () => {
    await using sigstore = await startMockSigstore();
    const { identity, options } = await prepare(sigstore, "interactive");
    sigstore.issuer.refuses = true;
    await expect(obtainIdToken(identity, options)).rejects.toThrow(
      "Error authenticating with OIDC: error obtaining code: access_denied",
    );
  });

  test("goes on without a browser, but not forever", async () => {
    await using sigstore = await startMockSigstore();
    const { identity, options, prompts } = await prepare(sigstore, "interactive");
    const openBrowser = (): Promise<void> => Promise.reject(new Error("no browser"));
    const attempt = obtainIdToken(identity, { ...options, openBrowser, patience: 50 });
    await expect(attempt).rejects.toThrow("nobody has logged in within 0.05 s");
    const url = new URL(prompts[0]?.split("\n")[1] ?? "");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: "code",
      client_id: "sigstore",
      scope: "openid email",
      code_challenge_method: "S256",
      state: expect.stringMatching(/^.{43}$/),
      nonce: expect.stringMatching(/^.{43}$/),
    });
  });
});
