import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MemoryStore, startRegistry } from "../../src/entries/serve.ts";
import {
  bundleImageSigner,
  parsePolicy,
  rekorLog,
  requestSigningKey,
  sigstoreImageSigner,
} from "../../src/entries/signing.ts";
import { buildImage, type CopyOptions, copy, ImageEnvironment } from "../../src/index.ts";
import { startMockSigstore } from "../signing/keyless/mock-sigstore.ts";
import { temporary } from "../support/images.ts";

const access = { tlsVerify: false };

test("a program signs without a key of its own, and a policy that it makes asks for that signature", async () => {
  await using sigstore = await startMockSigstore();
  await using registry = await startRegistry({ store: new MemoryStore() });
  const directory = temporary("signing");
  writeFileSync(join(directory, "storage.yaml"), "default-docker:\n  use-sigstore-attachments: true\n");
  const environment = new ImageEnvironment({ signatureStorageDirectory: directory });
  const openClient = async () => await environment.openServiceClient();
  const key = await requestSigningKey({ url: sigstore.fulcioUrl, openClient }, sigstore.idToken());
  const log = rekorLog({ url: sigstore.rekorUrl, openClient });
  const options: CopyOptions = { environment, sourceAccess: access, destinationAccess: access };
  const image = await buildImage({
    platform: "linux/amd64",
    layers: [{ files: [{ path: "a", content: "a" }] }],
  });
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const policyFor = (subjectEmail: string): CopyOptions["policy"] => ({
    requireSigned: true,
    policy: parsePolicy(
      Buffer.from(
        JSON.stringify({
          default: [
            {
              type: "sigstoreSigned",
              fulcio: { caData: base64(sigstore.caPem), oidcIssuer: sigstore.issuerUrl, subjectEmail },
              rekorPublicKeyData: base64(sigstore.rekorPublicKeyPem),
              signedIdentity: { type: "matchRepository" },
            },
          ],
        }),
      ),
    ),
  });
  const signed = `docker://${registry.address}/signed:1`;
  await copy(image, signed, {
    ...options,
    policy: "accept-anything",
    signers: [sigstoreImageSigner({ key, log })],
  });
  const copyWith = (email: string): Promise<unknown> =>
    copy(signed, `dir:${join(directory, "image")}`, { ...options, policy: policyFor(email) });
  await expect(copyWith("other@example.com")).rejects.toMatchObject({ code: "POLICY_REJECTED" });
  await copyWith("signer@example.com");
  const before = sigstore.requests.length;
  await copy(image, `docker://${registry.address}/bundle:1`, {
    ...options,
    policy: "accept-anything",
    signers: [bundleImageSigner({ key, log })],
  });
  expect(sigstore.requests.slice(before).map(({ path }) => path)).toEqual(["/api/v1/log/entries"]);
});
