import type { PublicKey } from "openpgp";
import { type OpenPgpPacket, PACKET, readPacket } from "./packets.ts";

/** Public keys that signatures are checked with, one entry per primary key. */
export interface Keyring {
  readonly keys: readonly PublicKey[];
}

const ARMORED_BLOCK =
  /^-----BEGIN PGP (PUBLIC|PRIVATE) KEY BLOCK-----[\s\S]*?^-----END PGP \1 KEY BLOCK-----/gm;

/**
 * Reads keys, binary or armored, several of them in one source, also secret ones. What cannot be read contributes
 * nothing. The same key in several places counts as one with all that is said of it, so that a revocation in one place
 * cannot be escaped by a copy in another. Signing reference 1.6.
 */
export async function readKeyring(sources: readonly Uint8Array[]): Promise<Keyring> {
  const keys = new Map<string, PublicKey>();
  for (const source of sources) {
    for (const block of await toBinary(source)) {
      for (const binaryKey of splitKeys(block)) await addKey(keys, binaryKey);
    }
  }
  return { keys: [...keys.values()] };
}

/** The armored blocks of a text, each decoded; bytes that are no text are one block as they are. */
export async function toBinary(source: Uint8Array): Promise<readonly Uint8Array[]> {
  const [first = 0] = source;
  if ((first & 0x80) !== 0) return [source];
  const text = new TextDecoder().decode(source).replaceAll("\r\n", "\n");
  const { unarmor } = await import("openpgp");
  const blocks: Uint8Array[] = [];
  for (const [armored] of text.matchAll(ARMORED_BLOCK)) {
    try {
      const { data } = await unarmor(armored);
      if (data instanceof Uint8Array) blocks.push(data);
    } catch {
      // GPG, too, goes on with the next block.
    }
  }
  return blocks;
}

/** The bytes of each key with what belongs to it; what follows damage is lost. */
export function splitKeys(block: Uint8Array): readonly Uint8Array[] {
  const starts: number[] = [];
  let end = 0;
  while (end < block.length) {
    const packet = tryPacket(block, end);
    if (packet === undefined) break;
    if (packet.tag === PACKET.publicKey || packet.tag === PACKET.secretKey) starts.push(packet.start);
    end = packet.end;
  }
  return starts.map((start, index) => block.subarray(start, starts[index + 1] ?? end));
}

function tryPacket(block: Uint8Array, start: number): OpenPgpPacket | undefined {
  try {
    return readPacket(block, start);
  } catch {
    return undefined;
  }
}

async function addKey(keys: Map<string, PublicKey>, binaryKey: Uint8Array): Promise<void> {
  const { readKey } = await import("openpgp");
  try {
    const key = await readKey({ binaryKey });
    const publicKey = key.isPrivate() ? key.toPublic() : key;
    const fingerprint = publicKey.getFingerprint();
    const known = keys.get(fingerprint);
    keys.set(fingerprint, known === undefined ? publicKey : await known.update(publicKey));
  } catch {
    // A kind of key that is not supported is as good as none.
  }
}
