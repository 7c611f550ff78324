import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
  X509Certificate,
} from "node:crypto";
import { type CodeAuthority, createCodeAuthority, verifiesDigest } from "./mock-authority.ts";
import { type Claims, type IssuerBehaviour, MockIssuer } from "./mock-issuer.ts";

/** What was asked for, without its secrets. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

/** What a test has the services do. */
export interface Faults {
  /** Answers to the next requests to the log, in place of its own. */
  rekor: Response[];
  fulcio: Response[];
}

/** Fulcio, Rekor and an issuer of identities on one port of this machine. They check what they are sent. */
export interface MockSigstore extends AsyncDisposable {
  readonly fulcioUrl: string;
  readonly rekorUrl: string;
  readonly issuerUrl: string;
  /** The root of the certificates. */
  readonly caPem: string;
  /** What comes with a certificate: the authority that issues, and the root. */
  readonly chainPem: string;
  readonly rekorPublicKeyPem: string;
  readonly requests: readonly SeenRequest[];
  readonly faults: Faults;
  readonly issuer: IssuerBehaviour;
  /** A token as the issuer gives it, for signer@example.com where `claims` do not say otherwise. */
  idToken(claims?: Claims): string;
}

export async function startMockSigstore(): Promise<MockSigstore> {
  const authority = await createCodeAuthority();
  const requests: SeenRequest[] = [];
  const faults: Faults = { rekor: [], fulcio: [] };
  const origin = (): string => `http://127.0.0.1:${server.port}`;
  const issuer = new MockIssuer(() => `${origin()}/issuer`);
  const log = new MockLog();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const body = await request.clone().text();
      requests.push({ method: request.method, path: pathname, body });
      if (pathname.startsWith("/api/v1/log/entries")) {
        return faults.rekor.shift() ?? (await log.answer(request.method, pathname, body));
      }
      if (pathname === "/api/v1/signingCert" && request.method === "POST") {
        return (
          faults.fulcio.shift() ?? (await certify(request, body, { authority, issuer, origin: origin() }))
        );
      }
      return (await issuer.answer(request)) ?? new Response("not found", { status: 404 });
    },
  });
  return {
    fulcioUrl: origin(),
    rekorUrl: origin(),
    issuerUrl: `${origin()}/issuer`,
    caPem: authority.rootPem,
    chainPem: authority.chainPem,
    rekorPublicKeyPem: log.publicKeyPem,
    requests,
    faults,
    issuer: issuer.behaviour,
    idToken: (claims) => issuer.idToken(claims),
    async [Symbol.asyncDispose]() {
      await server.stop(true);
      authority[Symbol.dispose]();
    },
  };
}

interface CertificateRequest {
  readonly publicKey: { readonly content: string; readonly algorithm: string };
  readonly signedEmailAddress: string;
}

interface Fulcio {
  readonly authority: CodeAuthority;
  readonly issuer: MockIssuer;
  readonly origin: string;
}

async function certify(request: Request, body: string, fulcio: Fulcio): Promise<Response> {
  const token = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
  const claims = fulcio.issuer.verifyToken(token);
  if (claims === undefined) return refusal(401, "There was an error processing the credentials");
  const asked = JSON.parse(body) as CertificateRequest;
  const subject = String(claims.email ?? claims.sub);
  const der = Buffer.from(asked.publicKey.content, "base64");
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  const proof = Buffer.from(asked.signedEmailAddress, "base64");
  if (asked.publicKey.algorithm !== "ecdsa" || !verify("sha256", Buffer.from(subject), key, proof)) {
    return refusal(400, "The signature supplied in the request could not be verified");
  }
  const email = subject.includes("@") ? subject : `${subject}@subject.example.com`;
  const pem = String(key.export({ format: "pem", type: "spki" }));
  const leaf = await fulcio.authority.certify(pem, { email, issuer: `${fulcio.origin}/issuer` });
  return new Response(`${leaf}${fulcio.authority.chainPem}`, {
    status: 201,
    headers: { "Content-Type": "application/pem-certificate-chain" },
  });
}

interface HashedRecord {
  readonly kind: "hashedrekord";
  readonly apiVersion: string;
  readonly spec: {
    readonly data: { readonly hash: { readonly algorithm: string; readonly value: string } };
    readonly signature: { readonly content: string; readonly publicKey: { readonly content: string } };
  };
}

interface EnvelopeProposal {
  readonly kind: "dsse";
  readonly apiVersion: string;
  readonly spec: {
    readonly proposedContent: { readonly envelope: string; readonly verifiers: readonly [string] };
  };
}

interface Envelope {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly [{ readonly sig: string }];
}

/** A transparency log. Each entry is the second leaf of a tree of its own. */
class MockLog {
  readonly publicKeyPem: string;
  readonly #privateKey: KeyObject;
  readonly #logId: string;
  readonly #entries = new Map<string, object>();

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#privateKey = privateKey;
    this.publicKeyPem = String(publicKey.export({ format: "pem", type: "spki" }));
    this.#logId = sha256(publicKey.export({ format: "der", type: "spki" })).toString("hex");
  }

  async answer(method: string, path: string, body: string): Promise<Response> {
    if (method === "GET") {
      const identifier = path.split("/").at(-1) ?? "";
      const entry = this.#entries.get(identifier);
      return entry === undefined ? refusal(404, "entry not found") : Response.json({ [identifier]: entry });
    }
    const proposal = JSON.parse(body) as HashedRecord | EnvelopeProposal;
    if (proposal.apiVersion !== "0.0.1") return refusal(400, "unknown version of entry");
    if (proposal.kind === "dsse") {
      const record = await recordOfEnvelope(proposal);
      return record === undefined ? refusal(400, "invalid envelope") : this.#add(record);
    }
    const problem = await findProblem(proposal);
    return problem === undefined ? this.#add(proposal) : refusal(400, problem);
  }

  #prove(body: Buffer): object {
    const first = sha256(Buffer.from("\0the first leaf"));
    const leaf = sha256(Buffer.concat([Buffer.of(0), body]));
    const root = sha256(Buffer.concat([Buffer.of(1), first, leaf]));
    const note = `mock.example.com - 1\n2\n${root.toString("base64")}\n`;
    const signature = sign("sha256", Buffer.from(note), this.#privateKey);
    const hinted = Buffer.concat([Buffer.from(this.#logId, "hex").subarray(0, 4), signature]);
    return {
      checkpoint: `${note}\n\u2014 mock.example.com ${hinted.toString("base64")}\n`,
      hashes: [first.toString("hex")],
      logIndex: 1,
      rootHash: root.toString("hex"),
      treeSize: 2,
    };
  }

  #add(record: object): Response {
    const body = Buffer.from(canonicalJson(record));
    const identifier = `24296fb24b8ad77a${sha256(Buffer.concat([Buffer.of(0), body])).toString("hex")}`;
    const location = `/api/v1/log/entries/${identifier}`;
    if (this.#entries.has(identifier)) {
      return refusal(409, "an equivalent entry already exists in the transparency log", { location });
    }
    const promised = {
      body: body.toString("base64"),
      integratedTime: Math.floor(Date.now() / 1000),
      logID: this.#logId,
      logIndex: this.#entries.size,
    };
    const promise = sign("sha256", Buffer.from(canonicalJson(promised)), this.#privateKey);
    const verification = {
      signedEntryTimestamp: promise.toString("base64"),
      inclusionProof: this.#prove(body),
    };
    const entry = { ...promised, verification };
    this.#entries.set(identifier, entry);
    return Response.json({ [identifier]: entry }, { status: 201, headers: { location } });
  }
}

/** What the log keeps of an envelope; undefined where its signature is not good. */
async function recordOfEnvelope({ spec }: EnvelopeProposal): Promise<object | undefined> {
  const { envelope: text, verifiers } = spec.proposedContent;
  const envelope = JSON.parse(text) as Envelope;
  const payload = Buffer.from(envelope.payload, "base64");
  const { payloadType } = envelope;
  const signed = Buffer.concat([
    Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
    payload,
  ]);
  const [verifier] = verifiers;
  const [{ sig }] = envelope.signatures;
  const pem = Buffer.from(verifier, "base64").toString();
  if (!(await verifiesDigest(pem, sha256(signed), Buffer.from(sig, "base64")))) return undefined;
  const hash = (bytes: Uint8Array): object => ({ algorithm: "sha256", value: sha256(bytes).toString("hex") });
  return {
    kind: "dsse",
    apiVersion: "0.0.1",
    spec: {
      envelopeHash: hash(Buffer.from(text)),
      payloadHash: hash(payload),
      signatures: [{ signature: sig, verifier }],
    },
  };
}

async function findProblem({ kind, spec }: HashedRecord): Promise<string | undefined> {
  if (kind !== "hashedrekord") return "unknown kind of entry";
  const { algorithm, value } = spec.data.hash;
  if (algorithm !== "sha256" || !/^[0-9a-f]{64}$/.test(value)) return "invalid hash";
  const pem = Buffer.from(spec.signature.publicKey.content, "base64").toString();
  try {
    if (pem.includes("BEGIN CERTIFICATE")) new X509Certificate(pem);
    else createPublicKey(pem);
  } catch {
    return "invalid public key";
  }
  const signature = Buffer.from(spec.signature.content, "base64");
  const isGood = await verifiesDigest(pem, Buffer.from(value, "hex"), signature);
  return isGood
    ? undefined
    : "verifying signature: invalid signature when validating ASN.1 encoded signature";
}

/** RFC 8785, for what has strings and integers only. */
function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function refusal(code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ code, message }, { status: code, headers });
}
