import type { PublicKey, Subkey } from "openpgp";
import { ImageError } from "../../core/errors.ts";
import type { SignedMessage } from "./message.ts";

/** A signature packet of version 3, which long-lived signing services still write. RFC 4880, section 5.2.2. */
export interface Version3Signature {
  /** The key ID, upper-case hexadecimal. */
  readonly issuer: string;
  readonly created: Date;
  /** Such signatures do not expire. @throws an error telling what is wrong */
  verify(key: PublicKey | Subkey, message: SignedMessage): Promise<void>;
}

const HEADER_LENGTH = 19;
const BINARY = 0x00;
/** The public-key algorithm IDs of RSA. RFC 9580, section 9.1. */
const RSA: readonly number[] = [1, 3];
/** Hash algorithm IDs and Node's names. The broken ones are left out on purpose. RFC 9580, section 9.5. */
const HASHES: ReadonlyMap<number, string> = new Map([
  [2, "sha1"],
  [8, "sha256"],
  [9, "sha384"],
  [10, "sha512"],
  [11, "sha224"],
]);

/** @throws {ImageError} SIGNATURE_INVALID */
export function readVersion3Signature(packet: Uint8Array): Version3Signature {
  if (packet.length < HEADER_LENGTH || packet[1] !== 5) {
    throw new ImageError(
      "SIGNATURE_INVALID",
      "Invalid GPG signature: the signature packet of version 3 is damaged",
    );
  }
  const view = Buffer.from(packet);
  return {
    created: new Date(view.readUInt32BE(3) * 1000),
    issuer: view.toString("hex", 7, 15).toUpperCase(),
    verify: async (key, { payload }) => verifyVersion3Signature(view, key, payload),
  };
}

/** What is hashed is the content, then the type and the time as the packet has them. RFC 4880, section 5.2.4. */
function verifyVersion3Signature(packet: Buffer, key: PublicKey | Subkey, payload: Uint8Array): void {
  if (packet[2] !== BINARY) throw new Error("the signature is not one over binary data");
  const { algorithm } = key.keyPacket;
  const keyAlgorithm = packet[15];
  if (keyAlgorithm === undefined || !RSA.includes(keyAlgorithm) || keyAlgorithm !== algorithm) {
    throw new Error(`signatures of version 3 with key algorithm ${keyAlgorithm} are not supported`);
  }
  const hash = HASHES.get(packet[16] ?? 0);
  if (hash === undefined) throw new Error(`hash algorithm ${packet[16]} is too weak or unknown`);
  const { createHash, createPublicKey, verify, constants } = process.getBuiltinModule("node:crypto");
  const data = Buffer.concat([payload, packet.subarray(2, 7)]);
  if (createHash(hash).update(data).digest().compare(packet, 17, 19, 0, 2) !== 0) {
    throw new Error("Signed digest did not match");
  }
  const { n, e } = rsaParameters(key.keyPacket.publicParams);
  const publicKey = createPublicKey({
    key: { kty: "RSA", n: Buffer.from(n).toString("base64url"), e: Buffer.from(e).toString("base64url") },
    format: "jwk",
  });
  const signature = readInteger(packet.subarray(HEADER_LENGTH), n.length);
  const options = { key: publicKey, padding: constants.RSA_PKCS1_PADDING };
  if (!verify(hash, data, options, signature)) throw new Error("Signature verification failed");
}

function rsaParameters(parameters: object): { readonly n: Uint8Array; readonly e: Uint8Array } {
  if ("n" in parameters && "e" in parameters) {
    const { n, e } = parameters;
    if (n instanceof Uint8Array && e instanceof Uint8Array) return { n, e };
  }
  throw new Error("the key is no RSA key");
}

/** A number as OpenPGP writes it, two bytes with its length in bits first, to as many bytes as the modulus has. */
function readInteger(bytes: Buffer, size: number): Buffer {
  const length = bytes.length < 2 ? -1 : Math.ceil(bytes.readUInt16BE(0) / 8);
  if (length !== bytes.length - 2 || length > size) throw new Error("the signature has the wrong length");
  return Buffer.concat([Buffer.alloc(size - length), bytes.subarray(2)]);
}
