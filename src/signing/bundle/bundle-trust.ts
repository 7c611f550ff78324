import { ImageError } from "../../core/errors.ts";
import { readPemBlocks } from "../sigstore/pem.ts";
import { readPublicKeys, readRekorKeys } from "../sigstore/public-key.ts";
import { type KeySource, readKeySource, type SigstoreTrust } from "../trust.ts";
import type { BundleTrust } from "./verify-bundle.ts";

/** Reads the keys and certificates that a policy names. @throws {ImageError} SIGNATURE_INVALID */
export async function bundleTrust({ authority, rekorKeys }: SigstoreTrust): Promise<BundleTrust> {
  const logKeys = rekorKeys === undefined ? undefined : await readRekorKeys(rekorKeys);
  switch (authority.kind) {
    case "keys":
      return { kind: "keys", publicKeys: await readPublicKeys(authority.keys), rekorKeys: logKeys };
    case "fulcio": {
      const { oidcIssuer, subjectEmail } = authority;
      const authorities = await readCertificates(authority.authorities);
      return { kind: "fulcio", authorities, oidcIssuer, subjectEmail, rekorKeys: logKeys ?? [] };
    }
    case "pki": {
      const { subjectEmail, subjectHostname } = authority;
      const roots = await readCertificates(authority.roots);
      const intermediates =
        authority.intermediates === undefined ? [] : await readCertificates(authority.intermediates);
      return { kind: "pki", roots, intermediates, subjectEmail, subjectHostname };
    }
  }
}

async function readCertificates(source: KeySource): Promise<readonly Uint8Array[]> {
  const blocks = (await readKeySource(source)).flatMap(readPemBlocks);
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE").map(({ bytes }) => bytes);
  if (certificates.length > 0) return certificates;
  throw new ImageError("SIGNATURE_INVALID", "the policy names an authority without certificates");
}
