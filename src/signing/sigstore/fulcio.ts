import type { KeyObject } from "node:crypto";
import { errorMessage, ImageError, inContext } from "../../core/errors.ts";
import type { HttpClient } from "../../runtime/http.ts";
import { below, excerpt, exchange, withoutPassword } from "./bounded-exchange.ts";
import { parseIdToken, tokenSubject } from "./id-token.ts";

export interface CertificateRequest {
  readonly fulcioUrl: string;
  /** A secret; it goes to Fulcio only. */
  readonly idToken: string;
  readonly client: HttpClient;
  readonly signal?: AbortSignal | undefined;
}

/** A key that was made for one run, and who vouches for it. */
export interface IssuedCertificate {
  readonly privateKey: KeyObject;
  /** PEM of the leaf. */
  readonly certificate: Uint8Array;
  /** What Fulcio sent after the leaf, as it is: PEM of the authorities, the leaf's issuer first. */
  readonly chain: Uint8Array;
}

const FIRST_CERTIFICATE =
  /^-----BEGIN CERTIFICATE-----[ \t]*\r?\n[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----[ \t]*(?:\r?\n|$)/m;

/**
 * Makes an ECDSA P-256 key and has Fulcio certify it for whom the token is about. Signing reference 3.7.
 * @throws {ImageError} UNAUTHORIZED `parsing OIDC token: …`, and `obtaining certificate from Fulcio: …` with
 *   UNAUTHORIZED, NETWORK_FAILURE or REGISTRY_FAILURE
 */
export async function requestCertificate(request: CertificateRequest): Promise<IssuedCertificate> {
  const { generateKeyPairSync, sign } = process.getBuiltinModule("node:crypto");
  const subject = readSubject(request.idToken);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const proof = sign("sha256", Buffer.from(subject), { key: privateKey, dsaEncoding: "der" });
  const body = JSON.stringify({
    publicKey: { content: spki.toString("base64"), algorithm: "ecdsa" },
    signedEmailAddress: proof.toString("base64"),
    certificateSigningRequest: null,
  });
  const answer = await inContext(
    "obtaining certificate from Fulcio",
    () => postRequest(request, body),
    "REGISTRY_FAILURE",
  );
  const issued = splitChain(answer);
  checkKey(issued.certificate, publicKey);
  return { privateKey, ...issued };
}

function readSubject(idToken: string): string {
  try {
    return tokenSubject(parseIdToken(idToken));
  } catch (error) {
    throw new ImageError("UNAUTHORIZED", `parsing OIDC token: ${errorMessage(error)}`);
  }
}

async function postRequest(
  { fulcioUrl, idToken, client, signal }: CertificateRequest,
  body: string,
): Promise<Uint8Array> {
  const url = below(fulcioUrl, "/api/v1/signingCert");
  const headers = {
    Accept: "application/pem-certificate-chain",
    Authorization: `Bearer ${idToken}`,
    "Content-Type": "application/json",
  };
  const answer = await inContext(
    "client",
    () => exchange(client, { method: "POST", url, headers, body }, { signal }),
    "NETWORK_FAILURE",
  );
  if (answer.status === 201) return answer.body;
  const isRefusal = answer.status === 401 || answer.status === 403;
  // What a service says about a request could quote it.
  const said = JSON.stringify(excerpt(answer.body).replaceAll(idToken, "***"));
  throw new ImageError(
    isRefusal ? "UNAUTHORIZED" : "REGISTRY_FAILURE",
    `POST ${withoutPassword(url)} returned ${statusText(answer.status)}: ${said}`,
    { transient: answer.status >= 500 },
  );
}

function statusText(status: number): string {
  return `${status} ${process.getBuiltinModule("node:http").STATUS_CODES[status] ?? ""}`.trimEnd();
}

/** The chain stays as it was sent, because it becomes the text of an annotation. */
function splitChain(answer: Uint8Array): Pick<IssuedCertificate, "certificate" | "chain"> {
  const text = Buffer.from(answer).toString("latin1");
  const match = FIRST_CERTIFICATE.exec(text);
  if (match === null) throw invalidAnswer("did not find a cert from Fulcio");
  const rest = text.slice(match.index + match[0].length);
  return { certificate: Buffer.from(match[0], "latin1"), chain: Buffer.from(rest, "latin1") };
}

/** A certificate for another key would make signatures that nobody can verify. */
function checkKey(certificate: Uint8Array, publicKey: KeyObject): void {
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  let certified: KeyObject;
  try {
    certified = new X509Certificate(certificate).publicKey;
  } catch (error) {
    throw invalidAnswer(`its certificate cannot be read: ${errorMessage(error)}`);
  }
  if (!certified.equals(publicKey)) throw invalidAnswer("its certificate is for another key");
}

function invalidAnswer(reason: string): ImageError {
  return new ImageError("REGISTRY_FAILURE", `obtaining certificate from Fulcio: ${reason}`);
}
