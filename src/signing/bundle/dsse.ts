import * as v from "valibot";
import { ImageError } from "../../core/errors.ts";
import { readJson } from "./json.ts";

/** The type of what cosign puts into envelopes. */
export const STATEMENT_TYPE = "application/vnd.in-toto+json";

/** What a statement says: that its subject was signed. Others say things about it, and are no signatures. */
export const SIGNATURE_PREDICATE = "https://sigstore.dev/cosign/sign/v1";

/** The annotation of a subject that tells what the image goes by. cosign writes it with `-a docker-reference=NAME`. */
export const REFERENCE_ANNOTATION = "docker-reference";

/** What a statement says to be signed. */
export interface SignedSubject {
  /** Lower-case hexadecimal. */
  readonly sha256: string;
  /** What it goes by, where that is signed too. */
  readonly dockerReference: string | undefined;
}

const IN_TOTO = "https://in-toto.io/Statement/v1";

const StatementSchema = v.object({
  _type: v.string(),
  subject: v.array(
    v.object({
      digest: v.record(v.string(), v.string()),
      annotations: v.nullish(v.record(v.string(), v.unknown())),
    }),
  ),
  predicateType: v.string(),
});

/** What a signature of an envelope is over. DSSE 1.0, "Signature Definition"; lengths are in bytes. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, "utf8");
  const head = Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
  ]);
  return new Uint8Array(Buffer.concat([head, payload]));
}

/**
 * What a statement, whose signature has been verified, says to be signed.
 * @throws {ImageError} SIGNATURE_INVALID, also for attestations
 */
export function parseSignedSubjects(payloadType: string, payload: Uint8Array): readonly SignedSubject[] {
  if (payloadType !== STATEMENT_TYPE) {
    throw invalid(`its payload is of type ${JSON.stringify(payloadType)} and not an in-toto statement`);
  }
  const { _type, predicateType, subject } = readJson(
    StatementSchema,
    payload,
    "sigstore bundle: in-toto statement",
  );
  if (_type !== IN_TOTO) throw invalid(`its statement is of the unknown type ${JSON.stringify(_type)}`);
  if (predicateType !== SIGNATURE_PREDICATE) {
    throw invalid(`its statement is an attestation (${JSON.stringify(predicateType)}) and not a signature`);
  }
  return subject.flatMap(({ digest: { sha256 }, annotations }) => {
    const name = annotations?.[REFERENCE_ANNOTATION];
    const dockerReference = typeof name === "string" ? name : undefined;
    return sha256 === undefined ? [] : [{ sha256, dockerReference }];
  });
}

/** The statement that a manifest is signed, byte for byte as cosign writes it. Signing reference 4.3. */
export function formatStatement(
  sha256: string,
  annotations: Readonly<Record<string, string>> | undefined,
): Uint8Array {
  const hasAnnotations = annotations !== undefined && Object.keys(annotations).length > 0;
  const subject = { digest: { sha256 }, ...(hasAnnotations ? { annotations } : {}) };
  const statement = { _type: IN_TOTO, subject: [subject], predicateType: SIGNATURE_PREDICATE, predicate: {} };
  return new TextEncoder().encode(JSON.stringify(statement));
}

function invalid(reason: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `sigstore bundle: ${reason}`);
}
