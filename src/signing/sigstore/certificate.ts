import type { X509Certificate } from "node:crypto";
import type { ASN1Obj } from "@sigstore/core";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { readPemBlocks } from "./pem.ts";

/** A certificate with the extensions that Node does not show. RFC 5280, section 4. */
export interface Certificate {
  readonly x509: X509Certificate;
  /** By object identifier. */
  readonly extensions: ReadonlyMap<string, Extension>;
  /** The object identifier of the algorithm that it was signed with. */
  readonly signatureAlgorithm: string;
}

export interface Extension {
  readonly isCritical: boolean;
  /** DER, except for a few of Fulcio's. */
  readonly value: Buffer;
}

/** The kinds of names that can be told from each other. RFC 5280, section 4.2.1.6. */
export type GeneralNameKind = "email" | "dns" | "uri" | "ip" | "other";

export interface GeneralName {
  readonly kind: GeneralNameKind;
  /** Text, but the bytes of an address. */
  readonly value: Buffer;
}

export const EXTENSION = {
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  extendedKeyUsage: "2.5.29.37",
  /** Fulcio's, the issuer of the identity as bare text, and as a DER string. */
  fulcioIssuer: "1.3.6.1.4.1.57264.1.1",
  fulcioIssuerV2: "1.3.6.1.4.1.57264.1.8",
} as const;

const NAME_KINDS: ReadonlyMap<number, GeneralNameKind> = new Map([
  [1, "email"],
  [2, "dns"],
  [6, "uri"],
  [7, "ip"],
]);
const UTF8_STRING = 0x0c;

/** The certificates of a PEM file; other blocks are skipped. @throws {ImageError} SIGNATURE_INVALID */
export async function readCertificates(file: Uint8Array): Promise<readonly Certificate[]> {
  const blocks = readPemBlocks(file).filter(({ label }) => label === "CERTIFICATE");
  return await Promise.all(blocks.map(({ bytes }) => parseCertificate(bytes)));
}

/** @param der one certificate. @throws {ImageError} SIGNATURE_INVALID */
export async function parseCertificate(der: Uint8Array): Promise<Certificate> {
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  try {
    const x509 = new X509Certificate(der);
    const root = await parseDer(x509.raw);
    const extensions = readExtensions(root);
    return { x509, extensions, signatureAlgorithm: root.subs[1]?.subs[0]?.toOID() ?? "" };
  } catch (error) {
    if (error instanceof ImageError) throw error;
    throw invalid(`a certificate cannot be read: ${errorMessage(error)}`, error);
  }
}

/** @throws {ImageError} SIGNATURE_INVALID */
export async function parseDer(bytes: Uint8Array): Promise<ASN1Obj> {
  const { ASN1Obj } = await import("@sigstore/core");
  try {
    return ASN1Obj.parseBuffer(Buffer.from(bytes));
  } catch (error) {
    throw invalid("a part of a certificate is no DER", error);
  }
}

/** The subject alternative names, in order; none where there is no such extension. @throws {ImageError} SIGNATURE_INVALID */
export async function subjectNames({ extensions }: Certificate): Promise<readonly GeneralName[]> {
  const extension = extensions.get(EXTENSION.subjectAlternativeName);
  if (extension === undefined) return [];
  return (await parseDer(extension.value)).subs.map(readGeneralName);
}

export function readGeneralName({ tag, value }: ASN1Obj): GeneralName {
  const kind = tag.isContextSpecific() ? NAME_KINDS.get(tag.number) : undefined;
  return { kind: kind ?? "other", value };
}

/** The e-mail addresses that a certificate is for. */
export async function emailNames(certificate: Certificate): Promise<readonly string[]> {
  const names = await subjectNames(certificate);
  return names.filter(({ kind }) => kind === "email").map(({ value }) => value.toString("utf8"));
}

/**
 * Who vouched for the identity in a certificate of Fulcio's. Signing reference 3.6.
 * @throws {ImageError} SIGNATURE_INVALID when nobody did, or two say different things
 */
export async function fulcioIssuer({ extensions }: Certificate): Promise<string> {
  const old = extensions.get(EXTENSION.fulcioIssuer)?.value.toString("utf8");
  const encoded = extensions.get(EXTENSION.fulcioIssuerV2)?.value;
  const present = encoded === undefined ? undefined : await utf8String(encoded);
  if (old !== undefined && present !== undefined && old !== present) {
    throw invalid(
      `inconsistent OIDC issuer extension values: ${JSON.stringify(old)} and ${JSON.stringify(present)}`,
    );
  }
  const issuer = present ?? old;
  if (issuer === undefined) throw invalid("Fulcio certificate is missing the issuer extension");
  return issuer;
}

async function utf8String(encoded: Buffer): Promise<string> {
  const { tag, value } = await parseDer(encoded);
  const isWhole = tag.toDER() === UTF8_STRING && encoded.length === headerLength(value.length) + value.length;
  if (!isWhole) throw invalid("invalid ASN.1 in OIDC issuer v2 extension");
  return value.toString("utf8");
}

function headerLength(length: number): number {
  return length < 0x80 ? 2 : 2 + Math.ceil(Math.log2(length + 1) / 8);
}

/** An extension that is there twice could mean one thing here and another elsewhere. RFC 5280, section 4.2. */
function readExtensions(root: ASN1Obj): ReadonlyMap<string, Extension> {
  const list = root.subs[0]?.subs.find(({ tag }) => tag.isContextSpecific(3))?.subs[0]?.subs ?? [];
  const extensions = new Map<string, Extension>();
  for (const { subs } of list) {
    const [identifier, ...rest] = subs;
    const value = rest.at(-1);
    if (identifier === undefined || value === undefined || !value.tag.isOctetString()) {
      throw invalid("a certificate has a damaged extension");
    }
    const oid = identifier.toOID();
    if (extensions.has(oid)) throw invalid("certificate contains duplicate extensions");
    const isCritical = rest.some(({ tag, value: flag }) => tag.isBoolean() && flag[0] !== 0);
    extensions.set(oid, { isCritical, value: value.value });
  }
  return extensions;
}

function invalid(message: string, cause?: unknown): ImageError {
  return new ImageError("SIGNATURE_INVALID", message, { cause });
}
