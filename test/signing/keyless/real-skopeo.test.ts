import { expect } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { peerTest } from "../../support/peers.ts";
import { mustRun, run } from "../../support/run.ts";
import { startMockSigstore } from "./mock-sigstore.ts";

const CONFIG = JSON.stringify({
  architecture: "amd64",
  os: "linux",
  rootfs: { type: "layers", diff_ids: [] },
});

/** An image without layers. */
function writeImage(directory: string): void {
  const hex = new Bun.CryptoHasher("sha256").update(CONFIG).digest("hex");
  writeFileSync(join(directory, hex), CONFIG);
  writeFileSync(join(directory, "version"), "Directory Transport Version: 1.1\n");
  writeFileSync(
    join(directory, "manifest.json"),
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: `sha256:${hex}`,
        size: CONFIG.length,
      },
      layers: [],
    }),
  );
}

peerTest(
  "real skopeo signs with the mock services, and accepts what it has made",
  ["skopeo 1.22"],
  async ([skopeo = ""]) => {
    await using sigstore = await startMockSigstore();
    const directory = mkdtempSync(join(tmpdir(), "keyless-"));
    const at = (name: string): string => join(directory, name);
    try {
      await mustRun(["mkdir", at("image")]);
      writeImage(at("image"));
      writeFileSync(
        at("params.yaml"),
        JSON.stringify({
          fulcio: {
            fulcioURL: sigstore.fulcioUrl,
            oidcMode: "staticToken",
            oidcIDToken: sigstore.idToken(),
          },
          rekorURL: sigstore.rekorUrl,
        }),
      );
      await mustRun([
        ...[skopeo, "--insecure-policy", "copy", "--sign-by-sigstore", at("params.yaml")],
        ...["--sign-identity", "example.com/app:1", `dir:${at("image")}`, `dir:${at("signed")}`],
      ]);
      expect(existsSync(at("signed/signature-1"))).toBe(true);
      expect(readFileSync(at("signed/signature-1"), "latin1")).toContain("dev.sigstore.cosign/bundle");
      const copyUnder = async (email: string): Promise<number> => {
        const requirement = {
          type: "sigstoreSigned",
          fulcio: { caData: btoa(sigstore.caPem), oidcIssuer: sigstore.issuerUrl, subjectEmail: email },
          rekorPublicKeyData: btoa(sigstore.rekorPublicKeyPem),
          signedIdentity: { type: "exactReference", dockerReference: "example.com/app:1" },
        };
        writeFileSync(at("policy.json"), JSON.stringify({ default: [requirement] }));
        const words = ["--policy", at("policy.json"), "copy", `dir:${at("signed")}`, `dir:${at("checked")}`];
        return (await run([skopeo, ...words])).exitCode;
      };
      expect(await copyUnder("signer@example.com")).toBe(0);
      expect(await copyUnder("other@example.com")).not.toBe(0);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
);
