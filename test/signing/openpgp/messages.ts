import {
  config,
  enums,
  generateKey,
  type KeyOptions,
  LiteralDataPacket,
  type PrivateKey,
  readPrivateKey,
  SecretKeyPacket,
  SecretSubkeyPacket,
  SignaturePacket,
} from "openpgp";
import { parseDigest } from "../../../src/core/digest.ts";
import { errorMessage, ImageError } from "../../../src/core/errors.ts";
import { readKeyring } from "../../../src/signing/openpgp/keyring.ts";
import { verifySignedMessage } from "../../../src/signing/openpgp/verify.ts";
import { formatSimplePayload } from "../../../src/signing/payload.ts";
import { DIGEST, fixture, REFERENCE } from "../fixtures.ts";

export const DAY: number = 24 * 60 * 60 * 1000;

/** What the messages made here say. */
export const PAYLOAD: Uint8Array = formatSimplePayload({
  manifestDigest: parseDigest(DIGEST),
  dockerReference: REFERENCE,
  now: Date.UTC(2026, 10, 1),
});

/** How a signature is to differ from a good one. */
export interface SignatureFault {
  readonly payload?: Uint8Array;
  readonly hash?: enums.hash;
  readonly type?: enums.signature;
  readonly date?: Date;
  /** Seconds after its date. */
  readonly expiresAfter?: number;
  readonly criticalNotation?: boolean;
}

/** The parts of a signed message, each the body of a packet. */
export interface MessageParts {
  readonly onePass: Uint8Array;
  readonly literal: Uint8Array;
  readonly signature: Uint8Array;
}

/** A packet in the present format, its length in five bytes. */
export function packet(tag: number, body: Uint8Array): Uint8Array {
  const header = Buffer.from([0xc0 | tag, 0xff, 0, 0, 0, 0]);
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

/** The body of a literal packet. */
export function literal(content: Uint8Array, format: string = "b"): Uint8Array {
  return Buffer.concat([Buffer.from(format), Buffer.alloc(5), content]);
}

/** The whole message. */
export function assemble({ onePass, literal, signature }: MessageParts): Uint8Array {
  return Buffer.concat([packet(4, onePass), packet(11, literal), packet(2, signature)]);
}

/** Signs with exactly this key, which need not be one that may. */
export async function signParts(
  key: SecretKeyPacket | SecretSubkeyPacket,
  fault: SignatureFault = {},
): Promise<MessageParts> {
  const content = literal(fault.payload ?? PAYLOAD);
  const data = new LiteralDataPacket();
  await data.read(content);
  const signature = new SignaturePacket();
  signature.signatureType = fault.type ?? enums.signature.binary;
  signature.publicKeyAlgorithm = key.algorithm;
  signature.hashAlgorithm = fault.hash ?? enums.hash.sha512;
  if (fault.expiresAfter !== undefined) {
    signature.signatureExpirationTime = fault.expiresAfter;
    signature.signatureNeverExpires = false;
  }
  if (fault.criticalNotation) {
    const value = new TextEncoder().encode("yes");
    signature.rawNotations = [{ name: "must@example.com", value, humanReadable: true, critical: true }];
  }
  // The types lack the last parameter, and the salt is for strong hashes only.
  const settings = { ...config, nonDeterministicSignaturesViaNotation: false };
  await Reflect.apply(signature.sign, signature, [key, data, fault.date ?? new Date(), false, settings]);
  const id = Buffer.from(key.getKeyID().toHex(), "hex");
  const onePass = Buffer.concat([
    Uint8Array.of(3, signature.signatureType, signature.hashAlgorithm, key.algorithm),
    id,
    Uint8Array.of(1),
  ]);
  return { onePass, literal: content, signature: signature.write() };
}

/** A message signed with exactly this key. */
export async function sign(
  key: SecretKeyPacket | SecretSubkeyPacket,
  fault: SignatureFault = {},
): Promise<Uint8Array> {
  return assemble(await signParts(key, fault));
}

/** The private key of a fixture, which has no passphrase. */
export async function fixtureKey(name: "plain" | "subkey"): Promise<PrivateKey> {
  return await readPrivateKey({ binaryKey: fixture(`gpg/${name}.sec.gpg`) });
}

/** A new key, some days old. */
export async function newKey(
  options: Partial<KeyOptions> & { readonly days?: number } = {},
): Promise<PrivateKey> {
  const { days = 30, ...others } = options;
  const date = new Date(Date.now() - days * DAY);
  const { privateKey } = await generateKey({
    type: "ecc",
    curve: "ed25519Legacy",
    userIDs: [{ name: "Test" }],
    subkeys: [],
    date,
    ...others,
    format: "object",
  });
  return privateKey;
}

export function secretPacket(key: { readonly keyPacket: unknown }): SecretKeyPacket | SecretSubkeyPacket {
  const { keyPacket } = key;
  if (keyPacket instanceof SecretKeyPacket || keyPacket instanceof SecretSubkeyPacket) return keyPacket;
  throw new Error("not a secret key");
}

/** "accepted", or the reason why not. Anything but an `ImageError` is a mistake of ours, and thrown. */
export async function verdict(
  message: Uint8Array,
  keys: readonly Uint8Array[],
  now?: number,
): Promise<string> {
  const keyring = await readKeyring(keys);
  try {
    await verifySignedMessage(message, keyring, { now });
    return "accepted";
  } catch (error) {
    if (error instanceof ImageError) return errorMessage(error);
    throw error;
  }
}
