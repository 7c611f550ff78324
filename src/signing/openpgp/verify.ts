import type { Config, PublicKey, SignaturePacket, Subkey } from "openpgp";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { Keyring } from "./keyring.ts";
import { readSignedMessage, type SignedMessage } from "./message.ts";
import { readVersion3Signature } from "./version-3.ts";

/** What a signature by a known key covers, and whose it is. */
export interface VerifiedMessage {
  /** The signed bytes. */
  readonly payload: Uint8Array;
  /** Of the key that signed, which may be a subkey; upper-case hexadecimal. */
  readonly signingFingerprint: string;
  /** Of the primary key it belongs to; the same when that one signed. */
  readonly primaryFingerprint: string;
}

export interface VerifyOptions {
  /** When keys and signature must be valid, in milliseconds since 1970; without it, now. */
  readonly now?: number | undefined;
}

/** When keys and signatures must be valid, and what the library is told to make of them. */
interface Judgement {
  readonly now: Date;
  readonly config: Config;
}

/** A signature that may be checked with a key. */
interface CheckableSignature {
  /** The key ID: upper-case hexadecimal, 16 digits. */
  readonly issuer: string;
  readonly created: Date;
  /** @throws an error telling what is wrong */
  verify(key: PublicKey | Subkey, message: SignedMessage, judgement: Judgement): Promise<void>;
}

const BINARY = 0x00;
/** What precedes the content of a literal packet: the format "b", no file name, no date. */
const LITERAL_START: Uint8Array = Uint8Array.of(0x62, 0, 0, 0, 0, 0);

/**
 * Verifies an OpenPGP message with exactly one signature, made by a key of the ring that is neither expired nor
 * revoked now. Signing reference 2.2 and 5.5.
 * @throws {ImageError} SIGNATURE_INVALID, the message telling which check failed; SIZE_LIMIT
 */
export async function verifySignedMessage(
  bytes: Uint8Array,
  keyring: Keyring,
  options: VerifyOptions = {},
): Promise<VerifiedMessage> {
  const message = await readSignedMessage(bytes);
  const signature = await readSignature(message.signature);
  const judgement = { now: new Date(options.now ?? Date.now()), config: await verificationConfig() };
  const reasons: string[] = [];
  for (const key of keyring.keys) {
    const issuer = key.getKeys().find((each) => keyId(each) === signature.issuer);
    if (issuer === undefined) continue;
    try {
      const signer = await findSigner(key, issuer, signature, judgement);
      await signature.verify(signer, message, judgement);
      return {
        payload: message.payload,
        signingFingerprint: signer.getFingerprint().toUpperCase(),
        primaryFingerprint: key.getFingerprint().toUpperCase(),
      };
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw invalid(reasons.length > 0 ? reasons.join("; ") : `no public key with ID ${signature.issuer}`);
}

/**
 * The ID of the key that a message says it is signed with, 16 upper-case hexadecimal digits; nothing is verified.
 * @throws {ImageError} SIGNATURE_INVALID, SIZE_LIMIT
 */
export async function readIssuer(message: SignedMessage): Promise<string> {
  return (await readSignature(message.signature)).issuer;
}

/** Upstream's decisions where the library's are other ones. The library's own settings stay as they are. */
async function verificationConfig(): Promise<Config> {
  const { config, enums } = await import("openpgp");
  return {
    ...config,
    // Keys without flags are old ones; what they may do follows from their algorithm.
    allowMissingKeyFlags: true,
    // Upstream takes SHA-1, which the library would refuse for messages.
    rejectMessageHashAlgorithms: new Set([enums.hash.md5, enums.hash.ripemd]),
  };
}

/**
 * The key or subkey that may have signed. It must be valid now, while the library asks for a self-signature from the
 * time of signing, which keys that were renewed since no longer have.
 */
async function findSigner(
  key: PublicKey,
  issuer: PublicKey | Subkey,
  signature: CheckableSignature,
  { now, config }: Judgement,
): Promise<PublicKey | Subkey> {
  const signer = await key.getSigningKey(issuer.getKeyID(), now, undefined, config);
  if (signer.getCreationTime() > signature.created) throw new Error("the signature is older than its key");
  return signer;
}

async function readSignature(packet: Uint8Array): Promise<CheckableSignature> {
  const [version] = packet;
  if (version === 3) return readVersion3Signature(packet);
  // Newer ones are not GPG's, and upstream takes none.
  if (version !== 4) throw invalid(`signature packets of version ${version ?? "none"} are not supported`);
  const { SignaturePacket } = await import("openpgp");
  const signature = new SignaturePacket();
  try {
    signature.read(packet);
  } catch (error) {
    throw invalid(`the signature packet cannot be read: ${reasonOf(error)}`, error);
  }
  const { created } = signature;
  if (created === null) throw invalid("the signature has no time");
  return {
    issuer: keyIdText(signature.issuerKeyID),
    created,
    verify: async (key, message, { now, config }) => {
      // Clocks differ: GPG takes a signature from the future for good, and so does upstream.
      const date = created > now ? created : now;
      await verifyPacket(signature, key, message, { now: date, config });
    },
  };
}

async function verifyPacket(
  signature: SignaturePacket,
  key: PublicKey | Subkey,
  message: SignedMessage,
  { now, config }: Judgement,
): Promise<void> {
  if (signature.signatureType !== BINARY) throw new Error("the signature is not one over binary data");
  const { issuerFingerprint } = signature;
  if (issuerFingerprint !== null && Buffer.from(issuerFingerprint).toString("hex") !== key.getFingerprint()) {
    throw new Error("the signature names the fingerprint of another key");
  }
  const { LiteralDataPacket } = await import("openpgp");
  const literal = new LiteralDataPacket();
  // What is verified must be the very bytes that are handed on, not another reading of the packet they came in.
  await literal.read(Buffer.concat([LITERAL_START, message.payload]));
  await signature.verify(key.keyPacket, BINARY, literal, now, false, config);
}

/** What the library says, or, where damage made it stumble, what that means. */
function reasonOf(error: unknown): string {
  const stumbled = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
  return stumbled ? "it is damaged" : errorMessage(error);
}

function keyId(key: PublicKey | Subkey): string {
  return keyIdText(key.getKeyID());
}

function keyIdText(id: { toHex(): string }): string {
  return id.toHex().toUpperCase();
}

function invalid(reason: string, cause?: unknown): ImageError {
  return new ImageError("SIGNATURE_INVALID", `Invalid GPG signature: ${reason}`, { cause });
}
