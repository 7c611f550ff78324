import type { KeyObject } from "node:crypto";
import { ImageError, inContext } from "../../core/errors.ts";
import { readKeySource, type SigstoreAuthority } from "../trust.ts";
import { ANNOTATION } from "./attachment.ts";
import { type Certificate, emailNames, fulcioIssuer, readCertificates } from "./certificate.ts";
import { checkHostname } from "./certificate-hostname.ts";
import { verifyCertificatePath } from "./certificate-path.ts";
import { verifyRekorSet } from "./rekor-set.ts";
import type { SignedPayload } from "./signed-by.ts";

type CertifyingAuthority = Exclude<SigstoreAuthority, { kind: "keys" }>;
type FulcioAuthority = Extract<SigstoreAuthority, { kind: "fulcio" }>;
type PkiAuthority = Extract<SigstoreAuthority, { kind: "pki" }>;

/**
 * The key in the certificate that comes with a signature, once the authority is known to have vouched for it and for the
 * identity that a policy asks for. Signing reference 3.6.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export async function certifiedKey(
  authority: CertifyingAuthority,
  signed: SignedPayload,
  logKeys: readonly KeyObject[],
  now: Date,
): Promise<KeyObject> {
  const leaf = await readLeaf(signed);
  const chain = await readChain(signed);
  if (authority.kind === "fulcio") {
    // A short-lived certificate counts for when its signature was recorded, which a trusted log must have promised.
    const at = await recordingTime(signed, leaf, logKeys);
    await checkFulcioLeaf(leaf, chain, authority, at);
  } else {
    await checkPkiLeaf(leaf, chain, authority, now);
  }
  return leaf.x509.publicKey;
}

/** @throws {ImageError} SIGNATURE_INVALID */
export async function checkFulcioLeaf(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  authority: FulcioAuthority,
  at: Date,
): Promise<void> {
  const roots = await readAuthorities(authority.authorities, "CA certificates");
  await inContext("veryfing leaf certificate failed", () =>
    verifyCertificatePath(leaf, { roots, intermediates, at, toleratesUnknownNames: true }),
  );
  const issuer = await fulcioIssuer(leaf);
  if (issuer !== authority.oidcIssuer) {
    throw invalid(`Unexpected Fulcio OIDC issuer ${JSON.stringify(issuer)}`);
  }
  await checkEmail(leaf, authority.subjectEmail);
}

/** @throws {ImageError} SIGNATURE_INVALID */
export async function checkPkiLeaf(
  leaf: Certificate,
  chain: readonly Certificate[],
  authority: PkiAuthority,
  at: Date,
): Promise<void> {
  const roots = await readAuthorities(authority.roots, "CA roots");
  const own =
    authority.intermediates === undefined
      ? []
      : await readAuthorities(authority.intermediates, "CA intermediates");
  const intermediates = [...own, ...chain];
  await inContext("veryfing leaf certificate failed", () =>
    verifyCertificatePath(leaf, { roots, intermediates, at }),
  );
  if (authority.subjectEmail !== undefined) await checkEmail(leaf, authority.subjectEmail);
  if (authority.subjectHostname !== undefined) await checkHostname(leaf, authority.subjectHostname);
}

async function readLeaf({ annotations }: SignedPayload): Promise<Certificate> {
  const pem = annotations[ANNOTATION.certificate];
  if (pem === undefined) throw invalid(`missing ${ANNOTATION.certificate} annotation`);
  const [certificate, ...others] = await readCertificates(new TextEncoder().encode(pem));
  if (certificate !== undefined && others.length === 0) return certificate;
  throw invalid(
    certificate === undefined
      ? "parsing leaf certificate: no certificate found"
      : "parsing leaf certificate: expected a single certificate",
  );
}

/** All but the last one, which is the root and trusted only where the policy has it too. */
async function readChain({ annotations }: SignedPayload): Promise<readonly Certificate[]> {
  const pem = annotations[ANNOTATION.chain] ?? "";
  if (pem.trim() === "") return [];
  const certificates = await readCertificates(new TextEncoder().encode(pem));
  if (certificates.length === 0) throw invalid("parsing certificate chain: no certificate found");
  return certificates.slice(0, -1);
}

async function recordingTime(
  { payload, signature, annotations }: SignedPayload,
  leaf: Certificate,
  logKeys: readonly KeyObject[],
): Promise<Date> {
  const set = annotations[ANNOTATION.bundle];
  if (set === undefined) throw invalid(`missing ${ANNOTATION.bundle} annotation`);
  return await verifyRekorSet(set, logKeys, { payload, signature, signer: leaf.x509.raw });
}

async function readAuthorities(
  source: FulcioAuthority["authorities"],
  what: string,
): Promise<readonly Certificate[]> {
  const files = await readKeySource(source);
  const certificates = (await Promise.all(files.map(readCertificates))).flat();
  if (certificates.length === 0) throw invalid(`error loading ${what}: no certificates found`);
  return certificates;
}

async function checkEmail(leaf: Certificate, required: string): Promise<void> {
  const emails = await emailNames(leaf);
  if (emails.includes(required)) return;
  const found = emails.map((email) => JSON.stringify(email)).join(" ");
  throw invalid(`Required email ${JSON.stringify(required)} not found (got [${found}])`);
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
