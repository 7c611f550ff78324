import * as v from "valibot";
import { type OperationOptions, streamOf } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import { ImageError, isAbort } from "../core/errors.ts";
import type { HttpClient, HttpRequest, HttpResponse } from "../runtime/http.ts";
import type { Challenge } from "./challenge.ts";
import { readDocument } from "./document.ts";
import { withoutQuery } from "./network-error.ts";
import { errorFromResponse } from "./registry-error.ts";

const TOKEN_LIMIT = 1024 * 1024;
/** Tokens are said to last a minute where nothing else is said. Seconds. */
const SHORTEST_LIFE = 60;
/** A token is renewed this long before its end, so that it does not end on its way. Milliseconds. */
const EXPIRY_MARGIN = 5_000;
/** What a header can hold. RFC 9110, section 5.5. */
const SENDABLE = /^[\x20-\x7e]+$/;

const TokenSchema = v.object({
  token: v.nullish(v.string()),
  access_token: v.nullish(v.string()),
  expires_in: v.nullish(v.number()),
  issued_at: v.nullish(v.string()),
});

interface Token {
  readonly value: string;
  /** Milliseconds since the epoch. */
  readonly expires: number;
}

export interface TokenOptions {
  /** Sent with each question. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether a password may go to a token server in the clear. */
  readonly allowHttp: boolean;
  /** Milliseconds since 1970. */
  readonly clock?: (() => number) | undefined;
}

/** Gets bearer tokens and keeps them till they expire; one request is in flight for a set of scopes at a time. */
export class TokenCache {
  readonly #client: HttpClient;
  readonly #options: TokenOptions;
  readonly #clock: () => number;
  readonly #tokens = new Map<string, Promise<Token>>();

  constructor(client: HttpClient, options: TokenOptions) {
    this.#client = client;
    this.#options = options;
    this.#clock = options.clock ?? Date.now;
  }

  /** A token for `scopes` from the realm of `challenge`. @throws {ImageError} UNAUTHORIZED, REGISTRY_FAILURE */
  async get(
    challenge: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
    options: OperationOptions = {},
  ): Promise<string> {
    const key = scopes.join(" ");
    for (;;) {
      const known = this.#tokens.get(key);
      const pending = known ?? this.#start(key, challenge, scopes, credentials, options);
      const token = await settled(pending, options);
      if (token !== undefined && (known === undefined || token.expires - EXPIRY_MARGIN > this.#clock()))
        return token.value;
      if (this.#tokens.get(key) === pending) this.#tokens.delete(key);
    }
  }

  /** Forgets a token that the registry refused. */
  drop(scopes: readonly string[]): void {
    this.#tokens.delete(scopes.join(" "));
  }

  #start(
    key: string,
    challenge: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
    options: OperationOptions,
  ): Promise<Token> {
    const pending = this.#request(challenge, scopes, credentials, options);
    this.#tokens.set(key, pending);
    pending.catch(() => {
      if (this.#tokens.get(key) === pending) this.#tokens.delete(key);
    });
    return pending;
  }

  async #request(
    challenge: Challenge,
    scopes: readonly string[],
    credentials: Credentials | undefined,
    options: OperationOptions,
  ): Promise<Token> {
    const realm = parseRealm(challenge);
    if (credentials !== undefined && realm.protocol === "http:" && !this.#options.allowHttp) {
      throw new ImageError(
        "DENIED",
        `the registry asks for the credentials to be sent to ${realm.origin} unencrypted; with --tls-verify=false they would be`,
      );
    }
    const request = credentials?.identityToken
      ? refreshRequest(realm, challenge, scopes, credentials.identityToken)
      : tokenRequest(realm, challenge, scopes, credentials);
    const headers = { ...this.#options.headers, ...request.headers };
    const response = await this.#client.send({ ...request, headers }, options);
    if (response.status !== 200) throw await tokenError(response);
    return parseToken(await readDocument(response, TOKEN_LIMIT, "bearer token"), request.url, this.#clock());
  }
}

/** The token; undefined when the caller that asked for it was cancelled, and this one was not. */
async function settled(pending: Promise<Token>, options: OperationOptions): Promise<Token | undefined> {
  try {
    return await pending;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isAbort(error)) return undefined;
    throw error;
  }
}

function parseRealm(challenge: Challenge): URL {
  const { realm } = challenge.parameters;
  if (!realm) throw new ImageError("REGISTRY_FAILURE", "missing realm in bearer auth challenge");
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new ImageError("REGISTRY_FAILURE", "the realm of the bearer auth challenge is not an HTTP URL");
  }
  return url;
}

/** Distribution, "Token Authentication Specification": a GET with the account's password, if there is one. */
function tokenRequest(
  realm: URL,
  challenge: Challenge,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): HttpRequest {
  const url = new URL(realm);
  if (credentials?.username) url.searchParams.append("account", credentials.username);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const { service } = challenge.parameters;
  if (service) url.searchParams.append("service", service);
  const hasPassword = credentials !== undefined && credentials.username !== "" && credentials.password !== "";
  return {
    method: "GET",
    url: url.href,
    headers: hasPassword ? { Authorization: basicAuthorization(credentials) } : {},
  };
}

/** Distribution, "OAuth2 Token Authentication": a POST with an identity token. */
function refreshRequest(
  realm: URL,
  challenge: Challenge,
  scopes: readonly string[],
  identityToken: string,
): HttpRequest {
  const form = new URLSearchParams({
    client_id: "containers/image",
    grant_type: "refresh_token",
    refresh_token: identityToken,
  });
  for (const scope of scopes) form.append("scope", scope);
  if (challenge.parameters.service) form.append("service", challenge.parameters.service);
  const bytes = new TextEncoder().encode(form.toString());
  return {
    method: "POST",
    url: realm.href,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: { size: bytes.length, replayable: true, isCredential: true, open: () => streamOf(bytes) },
  };
}

export function basicAuthorization(credentials: Pick<Credentials, "username" | "password">): string {
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
}

function parseToken(body: Uint8Array, url: string, now: number): Token {
  const answer = v.safeParse(TokenSchema, parseJson(body, url));
  const value = answer.success ? answer.output.token || answer.output.access_token : undefined;
  if (!answer.success || !value || !SENDABLE.test(value)) {
    throw new ImageError(
      "REGISTRY_FAILURE",
      `the token server ${withoutQuery(url)} answered without a token`,
    );
  }
  const issued = answer.output.issued_at ? Date.parse(answer.output.issued_at) : Number.NaN;
  const start = Number.isNaN(issued) ? now : Math.min(issued, now);
  const life = Math.max(SHORTEST_LIFE, answer.output.expires_in ?? SHORTEST_LIFE);
  return { value, expires: start + life * 1000 };
}

function parseJson(body: Uint8Array, url: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new ImageError(
      "REGISTRY_FAILURE",
      `decoding bearer token (last URL "${withoutQuery(url)}"): not JSON`,
      {
        cause: error,
      },
    );
  }
}

async function tokenError(response: HttpResponse): Promise<ImageError> {
  const error = await errorFromResponse(response);
  const { transient } = error;
  switch (response.status) {
    case 401:
      return new ImageError(
        "UNAUTHORIZED",
        `unable to retrieve auth token: invalid username/password: ${error.message}`,
        {
          cause: error,
        },
      );
    case 429:
      return new ImageError("REGISTRY_FAILURE", "too many requests to registry", { cause: error, transient });
    default:
      return new ImageError(error.code, `Requesting bearer token: ${error.message}`, {
        cause: error,
        transient,
      });
  }
}
