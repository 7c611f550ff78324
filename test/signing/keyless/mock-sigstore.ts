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
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: {
    readonly data: { readonly hash: { readonly algorithm: string; readonly value: string } };
    readonly signature: { readonly content: string; readonly publicKey: { readonly content: string } };
  };
}

/** A transparency log without a tree: it promises only. */
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
    const record = JSON.parse(body) as HashedRecord;
    const problem = await findProblem(record);
    return problem === undefined ? this.#add(record) : refusal(400, problem);
  }

  #add(record: HashedRecord): Response {
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
    const entry = { ...promised, verification: { signedEntryTimestamp: promise.toString("base64") } };
    this.#entries.set(identifier, entry);
    return Response.json({ [identifier]: entry }, { status: 201, headers: { location } });
  }
}

async function findProblem({ kind, apiVersion, spec }: HashedRecord): Promise<string | undefined> {
  if (kind !== "hashedrekord" || apiVersion !== "0.0.1") return "unknown kind of entry";
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

/** RFC 8785, for objects with strings and integers. */
function canonicalJson(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(",")}}`;
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function refusal(code: number, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ code, message }, { status: code, headers });
}
