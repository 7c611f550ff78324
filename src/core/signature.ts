import type { OperationOptions } from "./byte-stream.ts";
import type { RawManifest } from "./descriptor.ts";
import type { Digest } from "./digest.ts";
import { ImageError } from "./errors.ts";

/**
 * A signature as plain data: an OpenPGP "simple signing" message, or a sigstore payload with its annotations.
 * Nothing here has been verified.
 */
export type Signature =
  | { readonly kind: "simple-signing"; readonly bytes: Uint8Array }
  | {
      readonly kind: "sigstore";
      readonly mimeType: string;
      readonly payload: Uint8Array;
      readonly annotations: Readonly<Record<string, string>>;
      /** The manifest that refers to the image and has this as a layer, with its config: what keeps it a referrer. */
      readonly referrer?: SignatureReferrer | undefined;
    };

/** A manifest whose subject is the signed image, exactly as stored. */
export interface SignatureReferrer {
  /** The document. */
  readonly manifest: Uint8Array;
  /** The content of the manifest's config. */
  readonly config: Uint8Array;
}

/** The manifest that signatures are for. */
export interface SignedManifest {
  /** What is signed. */
  readonly manifest: RawManifest;
  /** The digest of an instance of an index; undefined for what the reference itself names. */
  readonly instance: Digest | undefined;
}

/** Makes signatures with one key. That the key can be used was found out before. */
export interface ImageSigner {
  /** What it makes, as progress tells it. */
  readonly method: "simple signing" | "a sigstore signature" | "a sigstore bundle";
  /**
   * Signs a manifest.
   * @param dockerReference - the name that is vouched for, with a tag or digest
   * @throws {ImageError}
   */
  sign(manifest: RawManifest, dockerReference: string, options?: OperationOptions): Promise<Signature>;
}

/** First bytes of an OpenPGP packet that may begin a signed message; such a blob carries no format prefix. */
const OPENPGP_STARTS: ReadonlySet<number> = new Set([
  0xa0, 0xa1, 0xa2, 0xa3, 0xc8, 0x90, 0x91, 0x92, 0x3d, 0xc4, 0x88, 0x89, 0x8a, 0x8b, 0xc2,
]);

/**
 * Reads a signature blob as `dir:`, lookaside stores and local storage keep it.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export function parseSignatureBlob(blob: Uint8Array): Signature {
  const first = blob[0];
  if (first === undefined) throw invalid("empty signature blob");
  if (OPENPGP_STARTS.has(first)) return { kind: "simple-signing", bytes: blob };
  if (first !== 0) {
    throw invalid(`unrecognized signature format, starting with binary 0x${first.toString(16)}`);
  }
  const newline = blob.indexOf(0x0a);
  if (newline < 0) throw invalid("invalid signature format, missing newline");
  const format = new TextDecoder().decode(blob.subarray(1, newline));
  const data = blob.subarray(newline + 1);
  switch (format) {
    case "simple-signing":
      return { kind: "simple-signing", bytes: data };
    case "sigstore-json":
      return parseSigstoreJson(data);
    default:
      throw invalid(`unrecognized signature format ${JSON.stringify(format)}`);
  }
}

/** The inverse of `parseSignatureBlob`. */
export function formatSignatureBlob(signature: Signature): Uint8Array {
  if (signature.kind === "simple-signing") return signature.bytes;
  const { mimeType, payload, annotations, referrer } = signature;
  const document = {
    mimeType,
    payload: base64(payload),
    annotations: Object.fromEntries(Object.entries(annotations).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    // Others pass over what they do not know.
    ...(referrer === undefined
      ? {}
      : { referrer: { manifest: base64(referrer.manifest), config: base64(referrer.config) } }),
  };
  return Buffer.from(`\0sigstore-json\n${escapeHtml(JSON.stringify(document))}`);
}

/** As upstream's encoder does, so that the same signature is the same file. */
function escapeHtml(json: string): string {
  return json.replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function parseSigstoreJson(data: Uint8Array): Signature {
  const value: unknown = parseJson(data);
  if (!isRecord(value) || typeof value.mimeType !== "string" || typeof value.payload !== "string") {
    throw invalid("invalid sigstore signature: mimeType and payload are required");
  }
  const annotations = value.annotations ?? {};
  if (!isRecord(annotations) || !Object.values(annotations).every((entry) => typeof entry === "string")) {
    throw invalid("invalid sigstore signature: annotations must be strings");
  }
  return {
    kind: "sigstore",
    mimeType: value.mimeType,
    payload: Buffer.from(value.payload, "base64"),
    annotations: annotations as Record<string, string>,
    ...(value.referrer === undefined ? {} : { referrer: parseReferrer(value.referrer) }),
  };
}

function parseReferrer(value: unknown): SignatureReferrer {
  if (isRecord(value) && typeof value.manifest === "string" && typeof value.config === "string") {
    return { manifest: Buffer.from(value.manifest, "base64"), config: Buffer.from(value.config, "base64") };
  }
  throw invalid("invalid sigstore signature: the manifest of its referrer is damaged");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(data));
  } catch (error) {
    throw new ImageError("SIGNATURE_INVALID", "invalid sigstore signature: not JSON", { cause: error });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", message);
}
