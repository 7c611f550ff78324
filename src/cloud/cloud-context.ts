import type { HttpClient } from "../runtime/http.ts";

/** What the makers of logins have to work with. */
export interface CloudContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
  readonly debug: (message: string) => void;
  /** Aborts when the caller gives up and when the time is over. */
  readonly signal: AbortSignal;
  /** Reaches the services of the clouds. */
  readonly services: HttpClient;
  /** Reaches the registry, with the TLS settings of the registry. */
  readonly registry: HttpClient;
}
