import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** What a log is asked to record; the signer is PEM. */
export interface Recorded {
  readonly hashed: Uint8Array;
  readonly signature: Uint8Array;
  readonly signer: string;
}

export interface EntryOptions {
  /** Where in the tree the entry is, and how many there are. */
  readonly index?: number;
  readonly size?: number;
  readonly integratedTime?: number;
  readonly withPromise?: boolean;
  readonly withProof?: boolean;
}

type Json = Record<string, unknown>;

/** A transparency log with a tree, which does not look at what it records. */
export class TestLog {
  readonly publicKey: KeyObject;
  readonly #privateKey: KeyObject;

  constructor(kind: "ec" | "ed25519" = "ec") {
    const { publicKey, privateKey } =
      kind === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
  }

  get id(): Buffer {
    return sha256(this.publicKey.export({ format: "der", type: "spki" }));
  }

  /** An entry as bundles have it. */
  record(record: { readonly kind: string; readonly apiVersion: string }, options: EntryOptions = {}): Json {
    const { index = 5, size = 11, withPromise = true, withProof = true } = options;
    const integratedTime = options.integratedTime ?? Math.floor(Date.now() / 1000);
    const body = Buffer.from(canonicalJson(record));
    const logIndex = 1000 + index;
    const promised = {
      body: body.toString("base64"),
      integratedTime,
      logID: this.id.toString("hex"),
      logIndex,
    };
    const promise = this.#sign(canonicalJson(promised)).toString("base64");
    return {
      logIndex: String(logIndex),
      logId: { keyId: this.id.toString("base64") },
      kindVersion: { kind: record.kind, version: record.apiVersion },
      integratedTime: String(integratedTime),
      ...(withPromise ? { inclusionPromise: { signedEntryTimestamp: promise } } : {}),
      ...(withProof ? { inclusionProof: this.#prove(body, index, size) } : {}),
      canonicalizedBody: body.toString("base64"),
    };
  }

  #prove(body: Buffer, index: number, size: number): Json {
    const leaves = Array.from({ length: size }, (_, i) => (i === index ? body : Buffer.from(`other ${i}`)));
    const hashes = leaves.map((leaf) => sha256(Buffer.of(0), leaf));
    const root = rootOf(hashes);
    const note = `log.example.com\n${size}\n${root.toString("base64")}\n`;
    const signature = Buffer.concat([this.id.subarray(0, 4), this.#sign(note)]);
    return {
      logIndex: String(index),
      rootHash: root.toString("base64"),
      treeSize: String(size),
      hashes: pathOf(hashes, index).map((hash) => hash.toString("base64")),
      checkpoint: { envelope: `${note}\n\u2014 log.example.com ${signature.toString("base64")}\n` },
    };
  }

  #sign(text: string): Buffer {
    const algorithm = this.#privateKey.asymmetricKeyType === "ed25519" ? null : "sha256";
    return sign(algorithm, Buffer.from(text), this.#privateKey);
  }
}

export function hashedRecord({ hashed, signature, signer }: Recorded): { kind: string; apiVersion: string } {
  const spec = {
    data: { hash: { algorithm: "sha256", value: sha256(hashed).toString("hex") } },
    signature: {
      content: Buffer.from(signature).toString("base64"),
      publicKey: { content: Buffer.from(signer).toString("base64") },
    },
  };
  return { kind: "hashedrekord", apiVersion: "0.0.1", ...{ spec } };
}

export function envelopeRecord({ hashed, signature, signer }: Recorded): {
  kind: string;
  apiVersion: string;
} {
  const spec = {
    envelopeHash: { algorithm: "sha256", value: "0".repeat(64) },
    payloadHash: { algorithm: "sha256", value: sha256(hashed).toString("hex") },
    signatures: [
      {
        signature: Buffer.from(signature).toString("base64"),
        verifier: Buffer.from(signer).toString("base64"),
      },
    ],
  };
  return { kind: "dsse", apiVersion: "0.0.1", ...{ spec } };
}

/** RFC 6962, section 2.1, as it is written there: from the root down. */
function rootOf(hashes: readonly Buffer[]): Buffer {
  const [only] = hashes;
  if (only !== undefined && hashes.length === 1) return only;
  const middle = split(hashes.length);
  return sha256(Buffer.of(1), rootOf(hashes.slice(0, middle)), rootOf(hashes.slice(middle)));
}

function pathOf(hashes: readonly Buffer[], index: number): readonly Buffer[] {
  if (hashes.length === 1) return [];
  const middle = split(hashes.length);
  const [left, right] = [hashes.slice(0, middle), hashes.slice(middle)];
  return index < middle
    ? [...pathOf(left, index), rootOf(right)]
    : [...pathOf(right, index - middle), rootOf(left)];
}

function split(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}

/** RFC 8785, for what records are made of. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}
