import type { RawManifest } from "../core/descriptor.ts";
import { computeDigest } from "../core/digest.ts";
import { SCHEMA1_SIGNED } from "../core/media-type.ts";

const ENCODER: TextEncoder = new TextEncoder();

/**
 * Signs a schema 1 document with a key made for it alone, as registries want one: it proves nothing. The digest is that
 * of the document without the signature. images.md 3.1; RFC 7515 with Docker's `formatLength` and `formatTail`.
 */
export async function signSchema1(document: string): Promise<RawManifest> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
    "verify",
  ]);
  const payload = ENCODER.encode(document);
  const header = {
    formatLength: payload.length - 1,
    formatTail: base64url(ENCODER.encode("}")),
    time: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
  };
  const protectedHeader = base64url(ENCODER.encode(JSON.stringify(header)));
  const signed = ENCODER.encode(`${protectedHeader}.${base64url(payload)}`);
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, signed);
  const entry = {
    header: { jwk: await describeKey(pair.publicKey), alg: "ES256" },
    signature: base64url(new Uint8Array(signature)),
    protected: protectedHeader,
  };
  const bytes = ENCODER.encode(`${document.slice(0, -1)},"signatures":[${JSON.stringify(entry)}]}`);
  return { bytes, mediaType: SCHEMA1_SIGNED, digest: computeDigest(payload) };
}

async function describeKey(key: CryptoKey): Promise<object> {
  const { x, y } = await crypto.subtle.exportKey("jwk", key);
  const der = new Uint8Array(await crypto.subtle.exportKey("spki", key));
  return { crv: "P-256", kid: fingerprint(der), kty: "EC", x, y };
}

/** How libtrust names a key: 240 bits of its hash in base32, in groups of four. */
function fingerprint(der: Uint8Array): string {
  const hash = Buffer.from(computeDigest(der).slice("sha256:".length), "hex").subarray(0, 30);
  return (base32(hash).match(/.{4}/g) ?? []).join(":");
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** RFC 4648, 6; of 30 bytes, so that there is no padding. */
function base32(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((group) => ALPHABET[Number.parseInt(group, 2)]).join("");
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
