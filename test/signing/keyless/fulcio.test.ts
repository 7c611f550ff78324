import { describe, expect, test } from "bun:test";
import { createPublicKey, X509Certificate } from "node:crypto";
import { createHttpClient } from "../../../src/runtime/http.ts";
import { emailNames, fulcioIssuer, parseCertificate } from "../../../src/signing/sigstore/certificate.ts";
import { requestCertificate } from "../../../src/signing/sigstore/fulcio.ts";
import { startMockSigstore } from "./mock-sigstore.ts";

const encode = (claims: unknown): string => Buffer.from(JSON.stringify(claims)).toString("base64url");
const tokenOf = (claims: unknown): string => `${encode({ alg: "RS256" })}.${encode(claims)}.c2ln`;

describe("Fulcio", () => {
  test("certifies a fresh key for the token's e-mail", async () => {
    await using sigstore = await startMockSigstore();
    const client = await createHttpClient();
    const request = { fulcioUrl: `${sigstore.fulcioUrl}/`, idToken: sigstore.idToken(), client };
    const issued = await requestCertificate(request);
    const leaf = new X509Certificate(issued.certificate);
    expect(leaf.publicKey.equals(createPublicKey(issued.privateKey))).toBe(true);
    const certificate = await parseCertificate(leaf.raw);
    expect(await emailNames(certificate)).toEqual(["signer@example.com"]);
    expect(await fulcioIssuer(certificate)).toBe(sigstore.issuerUrl);
    const chain = Buffer.from(issued.chain).toString();
    expect(chain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(chain.endsWith(sigstore.caPem)).toBe(true);
    expect(leaf.checkIssued(new X509Certificate(chain))).toBe(true);
    const again = await requestCertificate(request);
    expect(again.privateKey.equals(issued.privateKey)).toBe(false);
  });

  for (const claims of [{ email_verified: "true" }, { email: undefined, sub: "me" }]) {
    test(`certifies ${JSON.stringify(claims)}`, async () => {
      await using sigstore = await startMockSigstore();
      const idToken = sigstore.idToken(claims);
      const client = await createHttpClient();
      const issued = await requestCertificate({ fulcioUrl: sigstore.fulcioUrl, idToken, client });
      expect(issued.certificate.length).toBeGreaterThan(0);
    });
  }

  const unreachable = {
    fulcioUrl: "http://127.0.0.1:1",
    client: { send: () => Promise.reject(new Error("sent")) },
  };
  const tokens: readonly (readonly [string, string])[] = [
    ["abc", "go-jose/go-jose: compact JWS format must have three parts"],
    ["a.b.c", "illegal base64 data at input byte 0"],
    [tokenOf({}), "no subject found in claims"],
    [tokenOf({ sub: "1", email: "a@b" }), "not verified by identity provider"],
    [tokenOf({ sub: "1", email: "a@b", email_verified: "false" }), "not verified by identity provider"],
    [tokenOf({ email: "a@b", email_verified: 1 }), "invalid value for boolean"],
    [tokenOf({ sub: 3 }), "claim sub is of the wrong type"],
    [tokenOf([]), "no subject found in claims"],
  ];
  for (const [idToken, message] of tokens) {
    test(`is not asked about a token with ${message}: ${idToken.length} characters`, async () => {
      await expect(requestCertificate({ ...unreachable, idToken })).rejects.toMatchObject({
        code: "UNAUTHORIZED",
        message: `parsing OIDC token: ${message}`,
      });
    });
  }

  test("that nobody answers for is told as by real skopeo", async () => {
    const client = await createHttpClient();
    const attempt = requestCertificate({
      fulcioUrl: "http://127.0.0.1:1/base/",
      idToken: tokenOf({ sub: "x" }),
      client,
    });
    await expect(attempt).rejects.toMatchObject({
      code: "NETWORK_FAILURE",
      message: `obtaining certificate from Fulcio: client: Post "http://127.0.0.1:1/base/api/v1/signingCert": dial tcp 127.0.0.1:1: connect: connection refused`,
    });
    const noHost = requestCertificate({ fulcioUrl: "nohost", idToken: tokenOf({ sub: "x" }), client });
    await expect(noHost).rejects.toThrow(
      `obtaining certificate from Fulcio: client: Post "nohost/api/v1/signingCert": unsupported protocol scheme ""`,
    );
  });

  test("that refuses the token says so without it", async () => {
    await using sigstore = await startMockSigstore();
    const idToken = sigstore.idToken({ exp: 1 });
    const client = await createHttpClient();
    const attempt = requestCertificate({ fulcioUrl: sigstore.fulcioUrl, idToken, client });
    await expect(attempt).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    sigstore.faults.fulcio.push(new Response(`bad token ${idToken}`, { status: 400 }));
    const echoing = requestCertificate({ fulcioUrl: sigstore.fulcioUrl, idToken, client });
    await expect(echoing).rejects.toThrow(/returned 400 Bad Request: "bad token \*\*\*/);
  });

  const answers: readonly (readonly [string, string])[] = [
    ["", "obtaining certificate from Fulcio: did not find a cert from Fulcio"],
    ["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "its certificate cannot be read"],
  ];
  for (const [answer, message] of answers) {
    test(`has its answer refused: ${message}`, async () => {
      await using sigstore = await startMockSigstore();
      sigstore.faults.fulcio.push(new Response(answer, { status: 201 }));
      const request = {
        fulcioUrl: sigstore.fulcioUrl,
        idToken: sigstore.idToken(),
        client: await createHttpClient(),
      };
      await expect(requestCertificate(request)).rejects.toThrow(message);
    });
  }

  test("has a certificate for another key, and an endless answer, refused", async () => {
    await using sigstore = await startMockSigstore();
    const request = {
      fulcioUrl: sigstore.fulcioUrl,
      idToken: sigstore.idToken(),
      client: await createHttpClient(),
    };
    sigstore.faults.fulcio.push(new Response(sigstore.caPem, { status: 201 }));
    await expect(requestCertificate(request)).rejects.toThrow("its certificate is for another key");
    sigstore.faults.fulcio.push(new Response("x".repeat(3 * 1024 * 1024), { status: 201 }));
    await expect(requestCertificate(request)).rejects.toMatchObject({ code: "SIZE_LIMIT" });
  });
});
