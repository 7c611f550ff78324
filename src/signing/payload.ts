import { type Digest, parseDigest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { formatGoJson } from "../format/go-json.ts";

/** The two kinds of signature say the same in the same way. */
interface PayloadKind {
  readonly type: string;
  /** Named as the programs that users of signatures know; nobody decides by it. */
  readonly creator: string;
  /** cosign writes `null` where it has nothing to add. */
  readonly optionalMayBeNull: boolean;
}

const SIMPLE: PayloadKind = {
  type: "atomic container signature",
  creator: "atomic 5.39.1",
  optionalMayBeNull: false,
};
const SIGSTORE: PayloadKind = {
  type: "cosign container image signature",
  creator: "containers/image 5.39.1",
  optionalMayBeNull: true,
};

/** What a signature says: that this manifest is what goes by this reference. Signing reference 2.1 and 3.1. */
export interface SignaturePayload {
  readonly manifestDigest: Digest;
  /** As written, which need not be a valid reference. */
  readonly dockerReference: string;
  readonly creator: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp: number | undefined;
}

/** What is to be said of an image. */
export interface PayloadContent {
  readonly manifestDigest: Digest;
  /** Written as it is. */
  readonly dockerReference: string;
  /** Milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

/**
 * The bytes that an OpenPGP signature is for.
 * @throws {ImageError} SIGNATURE_INVALID when the reference is empty
 */
export function formatSimplePayload(content: PayloadContent): Uint8Array {
  return formatPayload(content, SIMPLE);
}

/**
 * The bytes that a sigstore signature is for.
 * @throws {ImageError} SIGNATURE_INVALID when the reference is empty
 */
export function formatSigstorePayload(content: PayloadContent): Uint8Array {
  return formatPayload(content, SIGSTORE);
}

/**
 * Reads bytes that an OpenPGP signature was verified for. Unknown and repeated keys are refused, except unknown ones in `optional`.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export function parseSimplePayload(bytes: Uint8Array): SignaturePayload {
  return parsePayload(bytes, SIMPLE);
}

/** The same of a sigstore signature. @throws {ImageError} SIGNATURE_INVALID */
export function parseSigstorePayload(bytes: Uint8Array): SignaturePayload {
  return parsePayload(bytes, SIGSTORE);
}

function formatPayload(
  { manifestDigest, dockerReference, now }: PayloadContent,
  kind: PayloadKind,
): Uint8Array {
  if (dockerReference === "") throw invalid("Unexpected empty signature content");
  const document = {
    critical: {
      identity: { "docker-reference": dockerReference },
      image: { "docker-manifest-digest": manifestDigest },
      type: kind.type,
    },
    optional: { creator: kind.creator, timestamp: Math.floor((now ?? Date.now()) / 1000) },
  };
  return new TextEncoder().encode(formatGoJson(document));
}

function parsePayload(bytes: Uint8Array, kind: PayloadKind): SignaturePayload {
  const top = members(parseStrictJson(bytes, { code: "SIGNATURE_INVALID" }), ["critical", "optional"]);
  const critical = members(top.critical, ["type", "image", "identity"]);
  const optional = top.optional === null && kind.optionalMayBeNull ? {} : object(top.optional);
  const creator = optional.creator === undefined ? undefined : text(optional.creator, "optional.creator");
  const timestamp =
    optional.timestamp === undefined ? undefined : integer(optional.timestamp, "optional.timestamp");
  const type = text(critical.type, "critical.type");
  if (type !== kind.type) throw invalid(`Unrecognized signature type ${type}`);
  const image = members(critical.image, ["docker-manifest-digest"]);
  const manifestDigest = digest(text(image["docker-manifest-digest"], "docker-manifest-digest"));
  const identity = members(critical.identity, ["docker-reference"]);
  const dockerReference = text(identity["docker-reference"], "docker-reference");
  return { manifestDigest, dockerReference, creator, timestamp };
}

type Members = Readonly<Record<string, unknown>>;

/** An object with exactly these members. */
function members(value: unknown, keys: readonly string[]): Members {
  const found = object(value);
  for (const key of Object.keys(found)) {
    if (!keys.includes(key)) throw invalid(`Unknown key ${JSON.stringify(key)}`);
  }
  for (const key of keys) {
    if (!Object.hasOwn(found, key)) throw invalid(`Key ${JSON.stringify(key)} missing in a JSON object`);
  }
  return found;
}

function object(value: unknown): Members {
  if (isObject(value)) return value;
  throw invalid(`JSON object expected, got ${value === null ? "<nil>" : typeName(value)}`);
}

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown, field: string): string {
  if (typeof value === "string") return value;
  throw invalid(`Field ${field} is not a string but ${typeName(value)}`);
}

function integer(value: unknown, field: string): number {
  if (typeof value !== "number") throw invalid(`Field ${field} is not a number but ${typeName(value)}`);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return value;
  throw invalid(`Field ${field} is not an integer`);
}

function digest(value: string): Digest {
  try {
    return parseDigest(value);
  } catch (error) {
    throw new ImageError("SIGNATURE_INVALID", "invalid checksum digest format", { cause: error });
  }
}

function typeName(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
