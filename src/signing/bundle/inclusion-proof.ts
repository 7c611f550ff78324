import type { KeyObject } from "node:crypto";
import { ImageError } from "../../core/errors.ts";
import type { InclusionProof } from "./bundle.ts";
import { isSignedByLog } from "./log-key.ts";

/** What a log has signed of its state. C2SP, tlog-checkpoint. */
interface Checkpoint {
  readonly size: string;
  readonly rootHash: Uint8Array;
}

const SIGNATURE_LINE = /^\u2014 \S+ ([A-Za-z0-9+/]+={0,2})$/;
/** Before a signature stand the first bytes of the hash of its key. */
const KEY_HINT = 4;

/**
 * Checks that an entry is in the tree that a trusted log has signed the root of. RFC 6962, section 2.1.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export function verifyInclusion(body: Uint8Array, proof: InclusionProof, keys: readonly KeyObject[]): void {
  if (proof.checkpoint === undefined) throw invalid("inclusion proof has no checkpoint");
  const { size, rootHash } = readCheckpoint(proof.checkpoint.envelope, keys);
  if (size !== String(proof.treeSize) || Buffer.compare(rootHash, proof.rootHash) !== 0) {
    throw invalid("inclusion proof is for another tree than its checkpoint");
  }
  const root = computeRoot(body, proof);
  if (root === undefined || Buffer.compare(root, rootHash) !== 0) {
    throw invalid("inclusion proof does not lead to the root of the tree");
  }
}

/** Nothing in it is looked at before its signature has been verified. */
function readCheckpoint(envelope: string, keys: readonly KeyObject[]): Checkpoint {
  const end = envelope.indexOf("\n\n");
  if (end < 0) throw invalid("checkpoint has no signature");
  const note = envelope.slice(0, end + 1);
  const signatures = envelope
    .slice(end + 2)
    .split("\n")
    .flatMap((line) => SIGNATURE_LINE.exec(line)?.[1] ?? [])
    .map((encoded) => Buffer.from(encoded, "base64").subarray(KEY_HINT));
  const signed = new TextEncoder().encode(note);
  if (!signatures.some((signature) => isSignedByLog(keys, signed, signature))) {
    throw invalid("checkpoint is signed by none of the trusted keys");
  }
  const [, size = "", rootHash = ""] = note.split("\n");
  return { size, rootHash: Buffer.from(rootHash, "base64") };
}

/** RFC 9162, section 2.1.3.2; undefined when the path is too long or too short for the tree. */
function computeRoot(
  body: Uint8Array,
  { logIndex, treeSize, hashes }: InclusionProof,
): Uint8Array | undefined {
  if (logIndex >= treeSize) return undefined;
  let [node, last] = [BigInt(logIndex), BigInt(treeSize) - 1n];
  let hash = sha256([0], body);
  for (const sibling of hashes) {
    if (last === 0n) return undefined;
    if (isOdd(node) || node === last) {
      hash = sha256([1], sibling, hash);
      while (!isOdd(node) && node !== 0n) [node, last] = [node >> 1n, last >> 1n];
    } else hash = sha256([1], hash, sibling);
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n ? hash : undefined;
}

function isOdd(value: bigint): boolean {
  return (value & 1n) === 1n;
}

function sha256(prefix: readonly number[], ...parts: readonly Uint8Array[]): Uint8Array {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256").update(Uint8Array.from(prefix));
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function invalid(reason: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `sigstore bundle: the log's ${reason}`);
}
