import type { PublicKey } from "openpgp";
import { type OpenPgpPacket, PACKET, readPacket, readPackets } from "./packets.ts";

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
  const copies = new Map<string, PublicKey[]>();
  for (const source of sources) {
    for (const binaryKey of (await toBinary(source)).flatMap(splitKeys)) {
      const key = await readPublicKey(binaryKey);
      if (key === undefined) continue;
      const fingerprint = key.getFingerprint();
      copies.set(fingerprint, [...(copies.get(fingerprint) ?? []), key]);
    }
  }
  const keys = await Promise.all([...copies.values()].map(mergeCopies));
  return { keys: keys.filter((key) => key !== undefined) };
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

async function readPublicKey(binaryKey: Uint8Array): Promise<PublicKey | undefined> {
  const { readKey } = await import("openpgp");
  try {
    const key = await readKey({ binaryKey });
    return key.isPrivate() ? key.toPublic() : key;
  } catch {
    // A kind of key that is not supported is as good as none.
    return undefined;
  }
}

/**
 * One key with the users, subkeys and signatures of all copies. The library can merge, too, but leaves out what it
 * takes for expired or repeated.
 */
async function mergeCopies(copies: readonly PublicKey[]): Promise<PublicKey | undefined> {
  const [first, ...others] = copies;
  if (others.length === 0) return first;
  // The key, its users and its subkeys, each with its signatures; the keys of the maps are the bytes.
  const components = new Map<string, Map<string, Uint8Array>>();
  for (const copy of copies) {
    const bytes = copy.write();
    let component = new Map<string, Uint8Array>();
    for (const { tag, start, end } of readPackets(bytes)) {
      const packet = bytes.subarray(start, end);
      const name = Buffer.from(packet).toString("latin1");
      if (tag !== PACKET.signature) {
        component = components.get(name) ?? new Map<string, Uint8Array>();
        components.set(name, component);
      }
      component.set(name, packet);
    }
  }
  return await readPublicKey(Buffer.concat([...components.values()].flatMap((each) => [...each.values()])));
}
