import * as v from "valibot";
import { computeDigest, digestHex } from "../../core/digest.ts";
import { ImageError, inContext } from "../../core/errors.ts";
import { sleep } from "../../core/retry.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import type { HttpClient } from "../../runtime/http.ts";
import {
  below,
  exchange,
  printable,
  type ServiceAnswer,
  type ServiceRequest,
  withoutPassword,
} from "./bounded-exchange.ts";

/** A log, and how it is reached. */
export interface RekorAccess {
  readonly rekorUrl: string;
  readonly client: HttpClient;
  readonly signal?: AbortSignal | undefined;
  /** The wait before the first retry in milliseconds, which doubles each time; without it one second. */
  readonly firstDelay?: number | undefined;
}

export interface RekorUpload extends RekorAccess {
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** The key that the signature is by, or its certificate. */
  readonly publicKeyPem: Uint8Array;
}

export interface EnvelopeUpload extends RekorAccess {
  /** A DSSE envelope, as JSON. */
  readonly envelope: string;
  /** The key that its signature is by, or its certificate. */
  readonly publicKeyPem: Uint8Array;
}

const RETRIES = 3;
const ENTRIES = "/api/v1/log/entries";

const Integer = v.pipe(v.number(), v.safeInteger());
/** What a log has recorded, as it tells it. Nothing of it is verified. */
export interface RekorEntry {
  /** Base64 of what is recorded. */
  readonly body: string;
  /** Seconds since 1970. */
  readonly integratedTime: number;
  /** Its place among all entries of the log. */
  readonly logIndex: number;
  /** Hexadecimal. */
  readonly logID: string;
  /** What shows that the log has it. */
  readonly verification: {
    /** Base64. */
    readonly signedEntryTimestamp: string;
    readonly inclusionProof?: RekorProof | undefined;
  };
}

/** That an entry is in the tree of the log; `logIndex` is its place there, hashes are hexadecimal. */
export interface RekorProof {
  /** The head of the tree, signed by the log. */
  readonly checkpoint: string;
  /** From the entry to the root. */
  readonly hashes: readonly string[];
  /** The place of the entry in the tree. */
  readonly logIndex: number;
  /** Of the tree. */
  readonly rootHash: string;
  /** How many entries the tree has. */
  readonly treeSize: number;
}

const ProofSchema = v.object({
  checkpoint: v.string(),
  hashes: v.array(v.string()),
  logIndex: Integer,
  rootHash: v.string(),
  treeSize: Integer,
});
const EntriesSchema: v.GenericSchema<unknown, Readonly<Record<string, RekorEntry>>> = v.record(
  v.string(),
  v.object({
    body: v.string(),
    integratedTime: Integer,
    logIndex: Integer,
    logID: v.string(),
    verification: v.object({ signedEntryTimestamp: v.string(), inclusionProof: v.optional(ProofSchema) }),
  }),
);

const ErrorSchema = v.object({ code: v.nullish(v.number()), message: v.nullish(v.string()) });

/**
 * Has a transparency log record a signature. A signature that it has recorded before is fetched.
 * Signing reference 3.7.
 * @returns the log's promise, as the text of `dev.sigstore.cosign/bundle` (3.5); it is not verified here
 * @throws {ImageError} NETWORK_FAILURE, REGISTRY_FAILURE `Error uploading a log entry: …`,
 *   `Error re-loading previously-created log entry with UUID …`
 */
export async function uploadToRekor(upload: RekorUpload): Promise<string> {
  const { body, integratedTime, logIndex, logID, verification } = await record(
    upload,
    formatSignature(upload),
  );
  return JSON.stringify({
    SignedEntryTimestamp: verification.signedEntryTimestamp,
    Payload: { body, integratedTime, logIndex, logID },
  });
}

/**
 * Has a transparency log record an envelope, as bundles want it.
 * @throws {ImageError} as `uploadToRekor`
 */
export async function uploadEnvelopeToRekor(upload: EnvelopeUpload): Promise<RekorEntry> {
  return await record(upload, formatEnvelope(upload));
}

async function record(upload: RekorAccess, body: string): Promise<RekorEntry> {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const url = below(upload.rekorUrl, ENTRIES);
  const outcome = await inContext(
    "Error uploading a log entry",
    async () => {
      const request = { method: "POST", url, headers, body } as const;
      const answer = await persistently(upload, request);
      if (answer.status === 201) return parseEntry(answer);
      return recordedEntry(answer) ?? Promise.reject(uploadRefusal(answer));
    },
    "REGISTRY_FAILURE",
  );
  return typeof outcome === "string" ? await loadEntry(upload, outcome) : outcome;
}

async function loadEntry(upload: RekorAccess, identifier: string): Promise<RekorEntry> {
  const url = below(upload.rekorUrl, `${ENTRIES}/${identifier}`);
  return await inContext(
    `Error re-loading previously-created log entry with UUID ${identifier}`,
    async () => {
      const headers = { Accept: "application/json" };
      const answer = await persistently(upload, { method: "GET", url, headers });
      if (answer.status === 200) return parseEntry(answer);
      throw refused(`Rekor ${ENTRIES}/{entryUUID}${loadProblem(answer)}`);
    },
    "REGISTRY_FAILURE",
  );
}

function formatSignature({ payload, signature, publicKeyPem }: RekorUpload): string {
  const value = digestHex(computeDigest(payload));
  return JSON.stringify({
    kind: "hashedrekord",
    apiVersion: "0.0.1",
    spec: {
      data: { hash: { algorithm: "sha256", value } },
      signature: {
        content: Buffer.from(signature).toString("base64"),
        publicKey: { content: Buffer.from(publicKeyPem).toString("base64") },
      },
    },
  });
}

function formatEnvelope({ envelope, publicKeyPem }: EnvelopeUpload): string {
  const verifiers = [Buffer.from(publicKeyPem).toString("base64")];
  return JSON.stringify({
    kind: "dsse",
    apiVersion: "0.0.1",
    spec: { proposedContent: { envelope, verifiers } },
  });
}

/**
 * Where the log has recorded the same before. Only the last part of the place counts: a log does not send anybody
 * elsewhere.
 */
function recordedEntry({ status, headers }: ServiceAnswer): string | undefined {
  if (status !== 409) return undefined;
  return /(?:^|\/)([0-9a-fA-F]+)$/.exec(headers.get("location") ?? "")?.[1];
}

/** The identifier of the entry is the only key of the answer. */
function parseEntry({ body }: ServiceAnswer): RekorEntry {
  const result = v.safeParse(EntriesSchema, parseStrictJson(body, { code: "REGISTRY_FAILURE" }));
  if (!result.success) {
    const path = v.getDotPath(result.issues[0]);
    throw refused(`the log's answer is no entry${path === null ? "" : `: ${path}`}`);
  }
  const [entry, ...others] = Object.values(result.output);
  if (entry !== undefined && others.length === 0) return entry;
  throw refused(`expected 1 Rekor entry, got ${Object.keys(result.output).length}`);
}

/** Tries again after a failure of the network or of the service, three times. */
async function persistently(upload: RekorAccess, request: ServiceRequest): Promise<ServiceAnswer> {
  const { client, signal, firstDelay = 1000 } = upload;
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryOnce(client, request, signal);
    const problem = outcome instanceof ImageError ? outcome : serviceProblem(outcome);
    if (problem === undefined && !(outcome instanceof ImageError)) return outcome;
    const isFinal = attempt > RETRIES || (outcome instanceof ImageError && !outcome.transient);
    if (isFinal) throw givingUp(request, attempt, outcome instanceof ImageError ? outcome : undefined);
    await sleep(firstDelay * 2 ** (attempt - 1), { signal });
  }
}

async function tryOnce(
  client: HttpClient,
  request: ServiceRequest,
  signal: AbortSignal | undefined,
): Promise<ServiceAnswer | ImageError> {
  try {
    return await exchange(client, request, { signal });
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
}

function serviceProblem({ status }: ServiceAnswer): string | undefined {
  return status >= 500 && status !== 501 ? `unexpected HTTP status ${status}` : undefined;
}

function givingUp(
  { method, url }: ServiceRequest,
  attempts: number,
  cause: ImageError | undefined,
): ImageError {
  const shown = withoutPassword(url);
  const verb = method === "GET" ? "Get" : "Post";
  const reason = cause === undefined ? "" : `: ${cause.message}`;
  return new ImageError(
    cause?.code ?? "REGISTRY_FAILURE",
    `${verb} ${JSON.stringify(shown)}: ${method} ${shown} giving up after ${attempts} attempt(s)${reason}`,
    { cause },
  );
}

function uploadRefusal(answer: ServiceAnswer): ImageError {
  const said = describeError(answer);
  const where = `Rekor ${ENTRIES} failed`;
  if (answer.status === 400) return refused(`${where}: bad request (400), ${said}`);
  if (answer.status === 409) return refused(`${where} with a conflict (409), ${said}`);
  return refused(`${where} with unexpected status ${answer.status}: ${said}`);
}

function loadProblem(answer: ServiceAnswer): string {
  if (answer.status === 404) return ": entry not found (404)";
  return ` failed with unexpected status ${answer.status}: ${describeError(answer)}`;
}

function describeError({ body }: ServiceAnswer): string {
  let error: v.InferOutput<typeof ErrorSchema> = {};
  try {
    error = v.parse(ErrorSchema, JSON.parse(new TextDecoder().decode(body)));
  } catch {
    // What is no error of the log's, such as a page of a proxy, is left out.
  }
  return `{Code:${error.code ?? 0} Message:${printable(error.message ?? "")}}`;
}

function refused(message: string): ImageError {
  return new ImageError("REGISTRY_FAILURE", message);
}
