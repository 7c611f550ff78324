import { type KeyObject, sign, X509Certificate } from "node:crypto";
import { errorMessage, ImageError } from "../../../src/core/errors.ts";
import {
  type BundleOptions,
  type BundleTrust,
  verifyBundle,
} from "../../../src/signing/bundle/verify-bundle.ts";
import { DIGEST, manifest } from "../fixtures.ts";

export type Json = Record<string, unknown>;

const V3 = "application/vnd.dev.sigstore.bundle.v0.3+json";
const HEX: string = DIGEST.slice("sha256:".length);

/** Words that only mistakes in a program are told with. */
const DEFECT = /undefined|is not a function|null is not|Cannot read|TypeError|RangeError|\[object|ERR_/;

export interface SignedEnvelope {
  /** What was signed. */
  readonly encoded: Buffer;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** A statement that the fixtures' manifest is signed, with some of it replaced. */
export function statement(changes: Json = {}): Json {
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: HEX } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: {},
    ...changes,
  };
}

export function signEnvelope(
  privateKey: KeyObject,
  content: Json | string = statement(),
  type: string = "application/vnd.in-toto+json",
): SignedEnvelope {
  const payload = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
  const encoded = Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} ${payload}`);
  return { payload, encoded, signature: sign("sha256", encoded, privateKey) };
}

export function envelopeBundle(
  { payload, signature }: SignedEnvelope,
  verificationMaterial: Json,
  mediaType: string = V3,
): Json {
  return {
    mediaType,
    verificationMaterial,
    dsseEnvelope: {
      payload: payload.toString("base64"),
      payloadType: "application/vnd.in-toto+json",
      signatures: [{ sig: signature.toString("base64") }],
    },
  };
}

export function certificateMaterial(pem: string): Json {
  return { certificate: { rawBytes: derOf(pem).toString("base64") } };
}

export function derOf(pem: string): Buffer {
  return new X509Certificate(pem).raw;
}

export function encode(value: Json): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Why a bundle is refused for the fixtures' image; empty when it is accepted. @throws when that is no refusal to be read */
export async function refusalOf(
  bundle: Json | Uint8Array,
  trust: BundleTrust,
  options: BundleOptions & { manifest?: Uint8Array; manifestDigest?: string } = {},
): Promise<string> {
  const bytes = bundle instanceof Uint8Array ? bundle : encode(bundle);
  try {
    await verifyBundle(bytes, trust, { manifest, manifestDigest: DIGEST, ...options }, options);
    return "";
  } catch (error) {
    const message = errorMessage(error);
    const isRefusal = error instanceof ImageError && error.code === "SIGNATURE_INVALID";
    if (isRefusal && message !== "" && !DEFECT.test(message)) return message;
    throw new Error(`not a refusal: ${message}`, { cause: error });
  }
}

/** A copy with the member at `path` replaced; undefined removes it. */
export function replaced(value: Json, path: string, member: unknown): Json {
  const copy = structuredClone(value);
  const keys = path.split(".");
  const last = keys.pop() ?? "";
  let place: Json = copy;
  for (const key of keys) place = place[key] as Json;
  if (!(last in place) && member === undefined) throw new Error(`there is no ${path}`);
  if (member === undefined) delete place[last];
  else place[last] = member;
  return copy;
}

/** With one byte changed of what is base64 there. */
export function flipped(value: Json, path: string, index: number = 7): Json {
  const text = path.split(".").reduce<unknown>((place, key) => (place as Json)[key], value);
  const bytes = Buffer.from(String(text), "base64");
  if (bytes.length <= index) throw new Error(`there is not enough at ${path}`);
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return replaced(value, path, bytes.toString("base64"));
}
