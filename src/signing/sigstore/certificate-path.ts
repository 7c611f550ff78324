import { ImageError } from "../../core/errors.ts";
import { type Certificate, EXTENSION, parseDer } from "./certificate.ts";
import { checkNameConstraints } from "./name-constraints.ts";

/** What a path must lead to, and what it must be good for. */
export interface PathRules {
  /** Trust anchors: each of them ends a path, also one that somebody else has signed. */
  readonly roots: readonly Certificate[];
  /** Certificates that a path may lead through; nobody vouches for them. */
  readonly intermediates: readonly Certificate[];
  /** When all of the path must be valid. */
  readonly at: Date;
  /** Names of the leaf of kinds that nobody knows are passed over, though they are critical. */
  readonly toleratesUnknownNames?: boolean | undefined;
}

/** So many signatures are checked for one leaf: crafted certificates could lead anywhere. */
const MOST_CHECKS = 100;
const MOST_LENGTH = 10;

const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
const ANY_USAGE = "2.5.29.37.0";
const KNOWN: ReadonlySet<string> = new Set([
  EXTENSION.keyUsage,
  EXTENSION.subjectAlternativeName,
  EXTENSION.basicConstraints,
  EXTENSION.nameConstraints,
  EXTENSION.extendedKeyUsage,
]);

/** Signatures over digests that can be forged: MD2, MD5 and SHA-1 with RSA, SHA-1 with DSA and ECDSA. */
const BROKEN_ALGORITHMS: ReadonlySet<string> = new Set([
  "1.2.840.113549.1.1.2",
  "1.2.840.113549.1.1.4",
  "1.2.840.113549.1.1.5",
  "1.2.840.10040.4.3",
  "1.2.840.10045.4.1",
]);

/**
 * Checks that one of the anchors vouches for a certificate that may sign code. RFC 5280, section 6; signing reference 3.6.
 * @throws {ImageError} SIGNATURE_INVALID `x509: …`
 */
export async function verifyCertificatePath(leaf: Certificate, rules: PathRules): Promise<void> {
  const search = new PathSearch(rules);
  await search.checkLeaf(leaf);
  if (await search.leadsToRoot([leaf])) return;
  throw search.firstProblem ?? invalid("certificate signed by unknown authority");
}

class PathSearch {
  readonly #rules: PathRules;
  #checks = 0;
  /** What was wrong with the first path that failed for another reason than that it led nowhere. */
  firstProblem: unknown;

  constructor(rules: PathRules) {
    this.#rules = rules;
  }

  async checkLeaf(leaf: Certificate): Promise<void> {
    const { at, toleratesUnknownNames } = this.#rules;
    checkValidity(leaf, at);
    const unknown = [...leaf.extensions].find(([oid, { isCritical }]) => isCritical && !KNOWN.has(oid));
    if (unknown !== undefined) throw invalid("unhandled critical extension");
    if (!toleratesUnknownNames && (await hasOnlyUnknownNames(leaf))) {
      throw invalid("unhandled critical extension");
    }
    await checkUsage(leaf);
  }

  /** Whether a path that begins so can be completed; the last one in it is the one whose issuer is looked for. */
  async leadsToRoot(path: readonly [Certificate, ...Certificate[]]): Promise<boolean> {
    const last = path.at(-1) ?? path[0];
    const { roots, intermediates } = this.#rules;
    if (roots.some((root) => isSame(root, last))) return true;
    if (path.length >= MOST_LENGTH) return false;
    for (const root of roots) if (await this.#isIssuer(root, path)) return true;
    for (const candidate of intermediates) {
      if (path.some((certificate) => isSame(certificate, candidate))) continue;
      if ((await this.#isIssuer(candidate, path)) && (await this.leadsToRoot([...path, candidate])))
        return true;
    }
    return false;
  }

  async #isIssuer(issuer: Certificate, path: readonly [Certificate, ...Certificate[]]): Promise<boolean> {
    const last = path.at(-1) ?? path[0];
    if (last.x509.issuer !== issuer.x509.subject) return false;
    if (++this.#checks > MOST_CHECKS) throw invalid("too many certificates to find a path through");
    try {
      await checkIssuer(issuer, path, this.#rules);
      return true;
    } catch (error) {
      this.firstProblem ??= error;
      return false;
    }
  }
}

async function checkIssuer(
  issuer: Certificate,
  path: readonly [Certificate, ...Certificate[]],
  { at }: PathRules,
): Promise<void> {
  const subject = path.at(-1) ?? path[0];
  if (BROKEN_ALGORITHMS.has(subject.signatureAlgorithm)) {
    throw invalid("cannot verify signature: insecure algorithm");
  }
  // The text of the names has been compared already; this compares them as they are encoded, and the key's identifiers.
  if (!subject.x509.checkIssued(issuer.x509) || !subject.x509.verify(issuer.x509.publicKey)) {
    throw invalid("certificate signed by unknown authority");
  }
  checkValidity(issuer, at);
  await checkAuthority(issuer, path.length - 1);
  await checkUsage(issuer);
  await checkNameConstraints(issuer, path[0]);
  const unknown = [...issuer.extensions].some(([oid, { isCritical }]) => isCritical && !KNOWN.has(oid));
  if (unknown) throw invalid("unhandled critical extension");
}

function checkValidity({ x509 }: Certificate, at: Date): void {
  const [from, to] = [new Date(x509.validFrom), new Date(x509.validTo)];
  // Written so that a date that is none is never within.
  if (from <= at && at <= to) return;
  const time = Number.isNaN(at.getTime()) ? "an impossible time" : at.toISOString();
  throw invalid(
    `certificate has expired or is not yet valid: it is valid from ${from.toISOString()} to ${to.toISOString()}, and not at ${time}`,
  );
}

/** Whether a certificate may issue others, with `below` authorities between it and the leaf. */
async function checkAuthority({ extensions }: Certificate, below: number): Promise<void> {
  const constraints = extensions.get(EXTENSION.basicConstraints);
  const [isAuthority, limit] = constraints === undefined ? [] : (await parseDer(constraints.value)).subs;
  if (isAuthority === undefined || !isAuthority.tag.isBoolean() || isAuthority.value[0] === 0) {
    throw invalid("certificate is not authorized to sign other certificates");
  }
  if (limit !== undefined && BigInt(below) > limit.toInteger()) {
    throw invalid("too many intermediates for path length constraint");
  }
  const usage = extensions.get(EXTENSION.keyUsage);
  if (usage === undefined) return;
  const bits = (await parseDer(usage.value)).toBitString();
  const mayIssue = bits[5] === 1;
  if (!mayIssue) throw invalid("certificate is not authorized to sign other certificates");
}

/** One that says what it is for must be for signing code; that holds for authorities too. */
async function checkUsage({ extensions }: Certificate): Promise<void> {
  const extension = extensions.get(EXTENSION.extendedKeyUsage);
  if (extension === undefined) return;
  const usages = (await parseDer(extension.value)).subs.map((usage) => usage.toOID());
  if (usages.includes(CODE_SIGNING) || usages.includes(ANY_USAGE)) return;
  throw invalid("certificate specifies an incompatible key usage");
}

async function hasOnlyUnknownNames({ extensions }: Certificate): Promise<boolean> {
  const extension = extensions.get(EXTENSION.subjectAlternativeName);
  if (extension === undefined || !extension.isCritical) return false;
  const { subs } = await parseDer(extension.value);
  return !subs.some(({ tag }) => tag.isContextSpecific() && [1, 2, 6, 7].includes(tag.number));
}

function isSame(one: Certificate, other: Certificate): boolean {
  return Buffer.compare(one.x509.raw, other.x509.raw) === 0;
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `x509: ${message}`);
}
