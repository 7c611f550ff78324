import { describe, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { createHttpClient } from "../../../src/runtime/http.ts";
import { uploadToRekor } from "../../../src/signing/sigstore/rekor.ts";
import { verifyRekorSet } from "../../../src/signing/sigstore/rekor-set.ts";
import { startMockSigstore } from "./mock-sigstore.ts";

const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const payload = Buffer.from("a payload");
const signature = sign("sha256", payload, privateKey);
const publicKeyPem = Buffer.from(String(publicKey.export({ format: "pem", type: "spki" })));
const signer = publicKey.export({ format: "der", type: "spki" });
const entry = { payload, signature, publicKeyPem, firstDelay: 1 };

const entryPosts = (requests: readonly { method: string }[]): number =>
  requests.filter(({ method }) => method === "POST").length;
const failure = (): Response => new Response("down", { status: 503 });

describe("the log", () => {
  test("records a signature, and gives the same promise for it the next time", async () => {
    await using sigstore = await startMockSigstore();
    const upload = { ...entry, rekorUrl: sigstore.rekorUrl, client: await createHttpClient() };
    const keys = [createPublicKey(sigstore.rekorPublicKeyPem)];
    const promise = await uploadToRekor(upload);
    const time = await verifyRekorSet(promise, keys, { payload, signature, signer });
    expect(Math.abs(time.getTime() - Date.now())).toBeLessThan(10_000);
    expect(await uploadToRekor(upload)).toBe(promise);
    expect(sigstore.requests.map(({ method }) => method)).toEqual(["POST", "POST", "GET"]);
    const other = { payload: Buffer.from("another"), signature, signer };
    await expect(verifyRekorSet(promise, keys, other)).rejects.toThrow();
  });

  test("is asked again after failures, three times", async () => {
    await using sigstore = await startMockSigstore();
    const upload = { ...entry, rekorUrl: sigstore.rekorUrl, client: await createHttpClient() };
    sigstore.faults.rekor.push(failure(), failure(), failure());
    expect(await uploadToRekor(upload)).toContain("SignedEntryTimestamp");
    expect(entryPosts(sigstore.requests)).toBe(4);
    sigstore.faults.rekor.push(failure(), failure(), failure(), failure());
    const url = `${sigstore.rekorUrl}/api/v1/log/entries`;
    await expect(uploadToRekor(upload)).rejects.toThrow(
      `Error uploading a log entry: Post "${url}": POST ${url} giving up after 4 attempt(s)`,
    );
  });

  test("that nobody answers for is given up as by real skopeo", async () => {
    const url = "http://127.0.0.1:1/api/v1/log/entries";
    const upload = { ...entry, rekorUrl: "http://127.0.0.1:1", client: await createHttpClient() };
    await expect(uploadToRekor(upload)).rejects.toMatchObject({
      code: "NETWORK_FAILURE",
      message: `Error uploading a log entry: Post "${url}": POST ${url} giving up after 4 attempt(s): Post "${url}": dial tcp 127.0.0.1:1: connect: connection refused`,
    });
    await expect(uploadToRekor({ ...upload, rekorUrl: "nohost" })).rejects.toThrow(
      `Error uploading a log entry: Post "nohost/api/v1/log/entries": POST nohost/api/v1/log/entries giving up after 1 attempt(s): Post "nohost/api/v1/log/entries": unsupported protocol scheme ""`,
    );
  });

  test("that refuses a signature is not asked again", async () => {
    await using sigstore = await startMockSigstore();
    const upload = { ...entry, rekorUrl: sigstore.rekorUrl, client: await createHttpClient() };
    const wrong = uploadToRekor({ ...upload, payload: Buffer.from("another") });
    await expect(wrong).rejects.toThrow(/bad request \(400\).*verifying signature/);
    expect(entryPosts(sigstore.requests)).toBe(1);
  });

  const BAD = { code: 400, message: "bad" };
  const UPLOADING = "Error uploading a log entry: ";
  /** Answers, and the words of real skopeo about them. */
  const answers: readonly (readonly [() => Response, string])[] = [
    [
      () => new Response("x", { status: 201 }),
      `${UPLOADING}invalid character 'x' looking for beginning of value`,
    ],
    [() => Response.json({}, { status: 201 }), "expected 1 Rekor entry, got 0"],
    [() => Response.json({ a: { body: 1 } }, { status: 201 }), `${UPLOADING}the log's answer is no entry`],
    [
      () => Response.json(BAD, { status: 400 }),
      `${UPLOADING}Rekor /api/v1/log/entries failed: bad request (400), {Code:400 Message:bad}`,
    ],
    [
      () => Response.json({ ...BAD, code: 404 }, { status: 404 }),
      `${UPLOADING}Rekor /api/v1/log/entries failed with unexpected status 404: {Code:404 Message:bad}`,
    ],
    [
      () => new Response("", { status: 409 }),
      `${UPLOADING}Rekor /api/v1/log/entries failed with a conflict (409), {Code:0 Message:}`,
    ],
    [
      () => new Response("", { status: 409, headers: { location: "/api/v1/log/entries/.." } }),
      `${UPLOADING}Rekor /api/v1/log/entries failed with a conflict (409), {Code:0 Message:}`,
    ],
    [
      () =>
        new Response("", { status: 409, headers: { location: "http://elsewhere/api/v1/log/entries/00" } }),
      "Error re-loading previously-created log entry with UUID 00: Rekor /api/v1/log/entries/{entryUUID}: entry not found (404)",
    ],
    [() => new Response("x".repeat(2 * 1024 * 1024), { status: 201 }), "exceeded maximum allowed size"],
  ];
  for (const [index, [answer, message]] of answers.entries()) {
    test(`has an unusable answer refused (${index + 1}): ${message}`, async () => {
      await using sigstore = await startMockSigstore();
      sigstore.faults.rekor.push(answer());
      const upload = { ...entry, rekorUrl: sigstore.rekorUrl, client: await createHttpClient() };
      await expect(uploadToRekor(upload)).rejects.toThrow(message);
    });
  }

  test("is not waited for after an abort", async () => {
    const signal = AbortSignal.timeout(20);
    const upload = {
      ...entry,
      firstDelay: 60_000,
      rekorUrl: "http://127.0.0.1:1",
      client: await createHttpClient(),
    };
    await expect(uploadToRekor({ ...upload, signal })).rejects.toMatchObject({ name: "TimeoutError" });
  });
});
