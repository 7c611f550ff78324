import { ImageError, isAbort } from "../core/errors.ts";

/** Codes of failures that may pass by themselves. Those of names and certificates will not. */
const TRANSIENT: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNREFUSED",
  "ECONNABORTED",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTDOWN",
  "EPIPE",
  "EAI_AGAIN",
  "ConnectionClosed",
  "ConnectionRefused",
  "UND_ERR_SOCKET",
]);

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);

const HANDSHAKE_FAILURES: ReadonlySet<string> = new Set([
  "EPROTO",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
]);

/** A request that got no answer, or an answer that broke off. `systemCode` is the runtime's, such as ECONNRESET. */
export class NetworkError extends ImageError {
  /** The runtime's: `ECONNRESET`, `ConnectionRefused`. They differ between runtimes. */
  readonly systemCode: string;

  constructor(message: string, systemCode: string, cause: unknown) {
    super("NETWORK_FAILURE", message, { cause, transient: TRANSIENT.has(systemCode) });
    this.systemCode = systemCode;
  }

  /** Whether the two sides could not agree on TLS; a server that speaks plain HTTP gives the same. */
  get isHandshakeFailure(): boolean {
    return HANDSHAKE_FAILURES.has(this.systemCode);
  }

  /** Whether the connection broke after it had been made: the very next try may well succeed. */
  get isBrokenConnection(): boolean {
    return this.transient && this.systemCode !== "ECONNREFUSED" && this.systemCode !== "ConnectionRefused";
  }
}

/**
 * Words a runtime's network failure as one clear sentence; anything else passes through. `via` is who was connected to in
 * place of the URL's host.
 */
export function networkError(method: string, url: string, error: unknown, via?: string): unknown {
  if (isAbort(error) || error instanceof ImageError || !(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "") return error;
  const host = via ?? new URL(url).host;
  return new NetworkError(
    `${titleCase(method)} "${withoutQuery(url)}": ${describe(code, host, error)}`,
    code,
    error,
  );
}

function describe(code: string, host: string, error: Error): string {
  if (UNKNOWN_AUTHORITY.has(code)) {
    return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  }
  if (code.startsWith("HPE_")) return "malformed HTTP response";
  switch (code) {
    case "Malformed_HTTP_Response":
      return "malformed HTTP response";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for ${host}`;
    case "EPROTO":
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "tls: handshake failure; the server may want a client certificate, or a newer version of TLS";
    case "ECONNREFUSED":
    case "ConnectionRefused":
    case "FailedToOpenSocket":
      return `dial tcp ${host}: connect: connection refused`;
    case "ENOTFOUND":
    case "EAI_NONAME":
      return `dial tcp: lookup ${host}: no such host`;
    case "EAI_AGAIN":
      return `dial tcp: lookup ${host}: temporary failure in name resolution`;
    case "ECONNRESET":
    case "ConnectionClosed":
    case "EPIPE":
      return "connection reset by the server before its answer was complete";
    default:
      return error.message;
  }
}

/** Query strings may hold signatures of storage back-ends and never reach a message. */
export function withoutQuery(url: string): string {
  const question = url.indexOf("?");
  return question < 0 ? url : url.slice(0, question);
}

function titleCase(method: string): string {
  return `${method.slice(0, 1)}${method.slice(1).toLowerCase()}`;
}
