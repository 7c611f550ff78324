import { ImageError, withContext } from "../../core/errors.ts";
import type { HttpClient } from "../../runtime/http.ts";
import type { IdentityParameters } from "./signing-parameters.ts";

/** What a login needs of the program around it. */
export interface LoginOptions {
  readonly client: HttpClient;
  /** Shows somebody what to do next: one or more lines, without a line break at the end. */
  readonly prompt: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Opens a browser; without it with the desktop's program for that. It may fail: the address is shown as well. */
  readonly openBrowser?: ((url: string) => Promise<void>) | undefined;
  /** Waits some milliseconds between questions; for tests. */
  readonly wait?: ((milliseconds: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** How long somebody may take to log in with the browser, in milliseconds; without it 120 000. */
  readonly patience?: number | undefined;
}

/** Where to log in, and as which program. */
export type IssuerParameters = Exclude<IdentityParameters, { readonly mode: "staticToken" }>;

/**
 * Gets the ID token that tells Fulcio who signs. It is a secret until it has expired, mostly within minutes.
 * Signing reference 3.7.
 * @throws {ImageError} `Error authenticating with OIDC: …` with UNAUTHORIZED, DENIED, NETWORK_FAILURE or REGISTRY_FAILURE
 */
export async function obtainIdToken(identity: IdentityParameters, options: LoginOptions): Promise<string> {
  if (identity.mode === "staticToken") return identity.idToken;
  try {
    options.signal?.throwIfAborted();
    if (identity.mode === "deviceGrant") {
      const { logInWithDevice } = await import("./oidc-device.ts");
      return await logInWithDevice(identity, options);
    }
    const { logInWithBrowser } = await import("./oidc-interactive.ts");
    return await logInWithBrowser(identity, options);
  } catch (error) {
    // The caller's own abort may have any reason.
    options.signal?.throwIfAborted();
    const code = error instanceof ImageError ? error.code : "UNAUTHORIZED";
    throw withContext("Error authenticating with OIDC", error, code);
  }
}
