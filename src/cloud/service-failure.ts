import { errorMessage, findCause, ImageError, type ImageErrorCode, isAbort } from "../core/errors.ts";
import { NetworkError } from "../registry/network-error.ts";
import { withoutSecrets } from "./redaction.ts";

/** What was being done when it failed, in words that make one sentence. */
export interface Attempt {
  /** `Amazon ECR` */
  readonly cloud: string;
  /** `a login with AWS_ACCESS_KEY_ID` */
  readonly tried: string;
  /** What the user can do: `run "aws sso login"` */
  readonly next: string;
  /** What must not be in the message. */
  readonly secrets: readonly string[];
  /** UNAUTHORIZED, where it is not told. */
  readonly code?: ImageErrorCode | undefined;
}

/**
 * One sentence for a login that could not be had. The error of a library is not kept as its cause, because it holds the
 * request that was sent, with its secrets. An abort passes through.
 */
export function serviceFailure(
  attempt: Attempt,
  error: unknown,
  said: string = errorMessage(error),
): unknown {
  if (isAbort(error)) return error;
  const own = findCause(error, ImageError);
  const network = own instanceof NetworkError ? own : undefined;
  if (own !== undefined && network === undefined) return own;
  const words = withoutSecrets(network?.message ?? said, attempt.secrets).replace(/[.;\s]+$/, "");
  const next = network === undefined ? attempt.next : "check the network and the proxy";
  return new ImageError(
    network === undefined ? (attempt.code ?? "UNAUTHORIZED") : "NETWORK_FAILURE",
    `${attempt.cloud}: ${attempt.tried} failed: ${words}; ${next}`,
    { transient: network?.transient ?? false },
  );
}

/** What to do where nothing better is known. */
export function loginHint(host: string): string {
  return `renew these credentials, or log in with "skopeo login ${host}"`;
}
