import * as v from "valibot";
import { computeDigest, type Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import { SCHEMA1_SIGNED } from "../core/media-type.ts";
import { parseJson } from "./json.ts";
import { guessManifestType } from "./manifest.ts";

/**
 * The digest of a manifest: of its bytes as they are, except for a signed schema 1 manifest, where it is that of the
 * document before its signatures were added. Bytes that are no manifest at all count as they are. images.md 2.
 * @throws {ImageError} MANIFEST_INVALID when the signatures do not tell what the document was
 */
export function manifestDigest(bytes: Uint8Array): Digest {
  return computeDigest(isSignedSchema1(bytes) ? signedPayload(bytes) : bytes);
}

function isSignedSchema1(bytes: Uint8Array): boolean {
  try {
    return guessManifestType(bytes) === SCHEMA1_SIGNED;
  } catch {
    // Not JSON, so no manifest either.
    return false;
  }
}

const SignedDocument = v.looseObject({ signatures: v.array(v.looseObject({ protected: v.string() })) });

/** How the protected header of a signature describes what was signed. */
const ProtectedHeader = v.looseObject({
  formatLength: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  formatTail: v.string(),
});

/** The signed document: so many of the first bytes, and a tail that the signatures have displaced. */
function signedPayload(bytes: Uint8Array): Uint8Array {
  const { signatures } = parseJson(SignedDocument, bytes, "signed manifest");
  const headers = signatures.map((signature) => {
    const header = Buffer.from(signature.protected, "base64url");
    return parseJson(ProtectedHeader, header, "signature header");
  });
  const [first, ...others] = headers;
  if (first === undefined) throw invalid("no signatures");
  for (const other of others) {
    if (other.formatLength !== first.formatLength) throw invalid("conflicting format length");
    if (other.formatTail !== first.formatTail) throw invalid("conflicting format tail");
  }
  if (first.formatLength > bytes.length) throw invalid("invalid format length");
  return Buffer.concat([bytes.subarray(0, first.formatLength), Buffer.from(first.formatTail, "base64url")]);
}

function invalid(reason: string): ImageError {
  return new ImageError("MANIFEST_INVALID", `signed manifest: ${reason}`);
}
