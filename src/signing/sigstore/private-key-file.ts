import type { KeyObject } from "node:crypto";
import * as v from "valibot";
import { decodeBase64 } from "../../core/base64.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { formatPem, readPemBlocks } from "./pem.ts";
import { exportPublicKey } from "./public-key.ts";

/** The labels of encrypted keys: as skopeo writes them and, of the two, as cosign does. */
const OWN_LABEL = "ENCRYPTED COSIGN PRIVATE KEY";
const LABELS: readonly string[] = [OWN_LABEL, "ENCRYPTED SIGSTORE PRIVATE KEY"];

/** The costs of scrypt that are accepted; others could be an attack on memory. Signing reference 3.4. */
const COSTS = [32_768, 65_536, 131_072];
const COST = 65_536;
const BLOCK_SIZE = 8;
const NONCE_LENGTH = 24;
const SALT_LENGTH = 32;

const Base64 = v.pipe(
  v.string(),
  v.transform((text) => decodeBase64(text, "CONFIG_INVALID")),
);
const EncryptedKeySchema = v.object({
  kdf: v.object({
    name: v.literal("scrypt"),
    params: v.object({ N: v.number(), r: v.number(), p: v.number() }),
    salt: Base64,
  }),
  cipher: v.object({ name: v.literal("nacl/secretbox"), nonce: Base64 }),
  ciphertext: Base64,
});
type EncryptedKey = v.InferOutput<typeof EncryptedKeySchema>;

/** A new key pair, as files. */
export interface KeyFiles {
  /** Encrypted with the passphrase, which may be empty. */
  readonly privateKey: Uint8Array;
  /** PEM. */
  readonly publicKey: Uint8Array;
}

/** Makes an ECDSA P-256 key pair. Signing reference 3.4. */
export async function generateKeyFiles(passphrase: string): Promise<KeyFiles> {
  const { generateKeyPairSync, randomBytes } = process.getBuiltinModule("node:crypto");
  const { default: nacl } = await import("tweetnacl");
  const pair = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const plain = pair.privateKey.export({ format: "der", type: "pkcs8" });
  const params = { N: COST, r: BLOCK_SIZE, p: 1 };
  const salt = randomBytes(SALT_LENGTH);
  const nonce = randomBytes(NONCE_LENGTH);
  const key = await deriveKey(passphrase, { params, salt });
  const document = {
    kdf: { name: "scrypt", params, salt: salt.toString("base64") },
    cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64") },
    ciphertext: Buffer.from(nacl.secretbox(new Uint8Array(plain), nonce, key)).toString("base64"),
  };
  return {
    privateKey: formatPem({ label: OWN_LABEL, bytes: new TextEncoder().encode(JSON.stringify(document)) }),
    publicKey: formatPem({ label: "PUBLIC KEY", bytes: exportPublicKey(pair.publicKey) }),
  };
}

/**
 * Reads a private key that skopeo or cosign has written.
 * @throws {ImageError} CONFIG_INVALID; a wrong passphrase is `decrypt: encrypted: decryption failed`
 */
export async function readPrivateKeyFile(file: Uint8Array, passphrase: string): Promise<KeyObject> {
  const [block] = readPemBlocks(file);
  if (block === undefined) throw invalid("invalid pem block");
  if (!LABELS.includes(block.label)) throw invalid(`unsupported pem type: ${block.label}`);
  const encrypted = parseEncrypted(block.bytes);
  const { N, r, p } = encrypted.kdf.params;
  if (!COSTS.includes(N) || r !== BLOCK_SIZE || p !== 1)
    throw invalid("decrypt: unsupported scrypt parameters");
  const { default: nacl } = await import("tweetnacl");
  if (encrypted.cipher.nonce.length !== NONCE_LENGTH)
    throw invalid("decrypt: the nonce has the wrong length");
  const key = await deriveKey(passphrase, encrypted.kdf);
  const plain = nacl.secretbox.open(encrypted.ciphertext, encrypted.cipher.nonce, key);
  if (plain === null) throw invalid("decrypt: encrypted: decryption failed");
  return parsePrivateKey(plain);
}

function parseEncrypted(bytes: Uint8Array): EncryptedKey {
  try {
    return v.parse(EncryptedKeySchema, JSON.parse(new TextDecoder().decode(bytes)));
  } catch (error) {
    const reason = error instanceof SyntaxError ? "it is no JSON" : errorMessage(error);
    throw new ImageError("CONFIG_INVALID", `decrypt: the encrypted key cannot be read: ${reason}`, {
      cause: error,
    });
  }
}

function parsePrivateKey(plain: Uint8Array): KeyObject {
  const { createPrivateKey } = process.getBuiltinModule("node:crypto");
  try {
    return createPrivateKey({ key: Buffer.from(plain), format: "der", type: "pkcs8" });
  } catch (error) {
    throw new ImageError("CONFIG_INVALID", "parsing private key: it is not PKCS #8", { cause: error });
  }
}

async function deriveKey(
  passphrase: string,
  { params: { N, r, p }, salt }: Pick<EncryptedKey["kdf"], "params" | "salt">,
): Promise<Uint8Array> {
  const { scrypt } = process.getBuiltinModule("node:crypto");
  return await new Promise((resolve, reject) => {
    // Node counts a little more memory than the algorithm's 128 N r.
    scrypt(passphrase, salt, 32, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
      error ? reject(error) : resolve(new Uint8Array(key)),
    );
  });
}

function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
