import * as v from "valibot";
import { computeDigest, type Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";

/** The parts of a signed schema 1 manifest that tell what was signed. */
const SignedSchema = v.object({
  schemaVersion: v.literal(1),
  signatures: v.pipe(v.array(v.object({ protected: v.string() })), v.minLength(1)),
});
const ProtectedSchema = v.object({
  formatLength: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  formatTail: v.string(),
});

/**
 * The digest that a manifest is known by: of its bytes as they are, except that a signed schema 1 manifest is
 * known by the document before it was signed.
 * @throws {ImageError} MANIFEST_INVALID when the signatures of a schema 1 manifest are damaged
 */
export function manifestDigest(bytes: Uint8Array): Digest {
  return computeDigest(isSignedSchema1(bytes) ? signedPayload(bytes) : bytes);
}

function isSignedSchema1(bytes: Uint8Array): boolean {
  // Looking for two words first spares nearly every manifest a second parsing.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!text.includes('"signatures"') || !text.includes('"schemaVersion"')) return false;
  const document = parse(bytes);
  return v.is(
    v.object({ schemaVersion: v.literal(1), signatures: v.pipe(v.array(v.unknown()), v.minLength(1)) }),
    document,
  );
}

/** The first `formatLength` bytes of the document, and the tail that the signatures replaced. */
function signedPayload(bytes: Uint8Array): Uint8Array {
  const document = v.safeParse(SignedSchema, parse(bytes));
  const headers = document.success
    ? document.output.signatures.map((signature) => parseHeader(signature.protected))
    : [];
  const [first] = headers;
  const isUsable =
    first !== undefined &&
    first.formatLength <= bytes.length &&
    headers.every(
      (header) => header?.formatLength === first.formatLength && header.formatTail === first.formatTail,
    );
  if (!isUsable) {
    throw new ImageError("MANIFEST_INVALID", "the signatures of the schema 1 manifest are damaged");
  }
  return Buffer.concat([bytes.subarray(0, first.formatLength), Buffer.from(first.formatTail, "base64url")]);
}

function parseHeader(encoded: string): v.InferOutput<typeof ProtectedSchema> | undefined {
  const header = v.safeParse(ProtectedSchema, parse(Buffer.from(encoded, "base64url")));
  return header.success ? header.output : undefined;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
