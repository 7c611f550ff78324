import { collect, type OperationOptions } from "../core/byte-stream.ts";
import type { Credentials, CredentialsProvider } from "../core/credentials.ts";
import { ImageError, isAbort, withContext } from "../core/errors.ts";
import { sleep } from "../core/retry.ts";
import type { HttpBody, HttpClient, HttpResponse } from "../runtime/http.ts";
import { type Challenge, chooseChallenge, parseChallenges } from "./challenge.ts";
import { NetworkError, networkError } from "./network-error.ts";
import { errorFromResponse } from "./registry-error.ts";
import { basicAuthorization, TokenCache } from "./tokens.ts";

const PING_LIMIT = 1024 * 1024;
/** An error is not worth a longer wait for a better explanation. Milliseconds. */
const EXPLANATION_TIMEOUT = 2000;
/** Setting up TLS takes the processor some milliseconds, which a near server's answer over HTTP may spare. */
const HTTPS_DELAY = 15;

/** `repository:app:pull`; several would be told apart by spaces. */
const SCOPE = /^[!-~]{1,300}$/;

/** Codes of a token server's refusal that other credentials may overcome. */
const REFUSALS: ReadonlySet<string> = new Set(["UNAUTHORIZED", "DENIED"]);

/** What a request means to do in a repository; asked for as the scope of a token. */
export type RegistryAction = "pull" | "push" | "delete";

/** A request to a registry. */
export interface RegistryRequest {
  /** `GET`, `HEAD`, `PUT` and so on. */
  readonly method: string;
  /** A path with an optional query, such as `/v2/library/busybox/tags/list`, or an absolute URL from a Location. */
  readonly target: string;
  /** What a token is asked for; without it, for the registry itself. */
  readonly repository?: string | undefined;
  /** What a token shall allow; `pull` by default. */
  readonly action?: RegistryAction | undefined;
  /** A second repository to be allowed to read, for a mount. */
  readonly mountFrom?: string | undefined;
  /** All but those of the authorization. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What is sent. */
  readonly body?: HttpBody | undefined;
}

/** What a connection is made of. */
export interface ConnectionOptions {
  /** `host` or `host:port`, as in image names. */
  readonly registry: string;
  /** Sends the requests. */
  readonly client: HttpClient;
  /** Without retries, for finding out whether a scheme answers at all. */
  readonly probeClient: HttpClient;
  /** The header that all requests have. */
  readonly userAgent: string;
  /** Plain HTTP is tried where HTTPS does not answer. */
  readonly allowHttp: boolean;
  /** Asked when the registry wants to know who is there. */
  readonly credentials: CredentialsProvider;
  /** Sent as a bearer token as it is; no other credentials are looked for. */
  readonly registryToken?: string | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: (() => number) | undefined;
}

/**
 * A registry under one identity: finds out its scheme, and answers its challenges. No ping precedes a request to an
 * HTTPS registry: the first answer of 401 tells what is needed. Made for many requests at a time.
 */
export class RegistryConnection {
  /** `host` or `host:port`, as in image names. */
  readonly registry: string;
  readonly #options: ConnectionOptions;
  readonly #tokens: TokenCache;
  readonly #credentials = new Map<string, Promise<Credentials | undefined>>();
  /** What the registry has asked tokens to be for besides, by what they are for. */
  readonly #moreScopes = new Map<string, string>();
  #origin: Promise<string> | undefined;
  #challenge: Challenge | undefined;
  #hasPinged = false;
  #hasAnswered = false;
  #keepsSignatures = false;

  constructor(options: ConnectionOptions) {
    this.registry = options.registry;
    this.#options = options;
    const headers = { "User-Agent": options.userAgent };
    this.#tokens = new TokenCache(options.client, {
      headers,
      allowHttp: options.allowHttp,
      clock: options.clock,
    });
  }

  /** Whether an answer has told that the registry keeps signatures itself. Signing reference 2.5. */
  get keepsSignatures(): boolean {
    return this.#keepsSignatures;
  }

  /** Sends a request with what authorization it needs. Any status may come back. @throws {ImageError} */
  async send(request: RegistryRequest, options: OperationOptions = {}): Promise<HttpResponse> {
    const origin = await this.#findOrigin(options);
    const url = resolveTarget(origin, request.target);
    const isOwn = url.origin === origin;
    const first = await this.#attempt(request, url, isOwn, options);
    if (!isOwn || !(await this.#mayAuthorizeNow(first, request, options))) return first.response;
    if (request.body !== undefined && !request.body.replayable)
      throw await this.#expiredUpload(first.response);
    await first.response.discard();
    const second = await this.#attempt(request, url, isOwn, options);
    const isRefused = second.response.status === 401 && second.wasAuthorized && !first.wasAuthorized;
    if (!isRefused || request.body !== undefined) return second.response;
    const isWorthIt =
      this.#learnScope(readChallenge(second.response), request) ||
      (await this.#renewCredentials(request.repository, options));
    if (!isWorthIt) return second.response;
    this.#tokens.drop(this.#scopesFor(request));
    await second.response.discard();
    return (await this.#attempt(request, url, isOwn, options)).response;
  }

  /** Finds out the scheme before the first request needs it. */
  async prepare(options: OperationOptions = {}): Promise<void> {
    await this.#findOrigin(options);
  }

  /** Asks for nothing but an answer: what a login is checked with. Distribution spec 1.1, "Determining Support". */
  async ping(options: OperationOptions = {}): Promise<HttpResponse> {
    return await this.send({ method: "GET", target: "/v2/" }, options);
  }

  async #attempt(
    request: RegistryRequest,
    url: URL,
    isOwn: boolean,
    options: OperationOptions,
  ): Promise<Attempt> {
    const authorization = isOwn ? await this.#authorize(request, options) : undefined;
    const { client, userAgent } = this.#options;
    const response = await this.#reached(() =>
      client.send(
        {
          method: request.method,
          url: url.href,
          headers: {
            "User-Agent": userAgent,
            "Docker-Distribution-Api-Version": "registry/2.0",
            "Accept-Encoding": "identity",
            ...request.headers,
            ...(authorization === undefined ? {} : { Authorization: authorization }),
          },
          body: request.body,
        },
        options,
      ),
    );
    if (isOwn && response.headers.get("x-registry-supports-signatures") === "1") this.#keepsSignatures = true;
    return { response, wasAuthorized: authorization !== undefined };
  }

  /** A registry that has never answered cannot be reached at all: its error says so, as other clients' do. */
  async #reached(exchange: () => Promise<HttpResponse>): Promise<HttpResponse> {
    try {
      const response = await exchange();
      this.#hasAnswered = true;
      return response;
    } catch (error) {
      if (this.#hasAnswered || !(error instanceof NetworkError)) throw error;
      const context = `pinging container registry ${this.registry}`;
      throw withContext(context, error.isHandshakeFailure ? await this.#explainHandshake(error) : error);
    }
  }

  /** Tells a server without TLS from one that refuses this client, by asking it once over HTTP; the answer is not used. */
  async #explainHandshake(error: NetworkError): Promise<ImageError> {
    const host = apiHost(this.registry);
    try {
      await this.#pingOrigin(`http://${host}`, { signal: AbortSignal.timeout(EXPLANATION_TIMEOUT) });
    } catch {
      return error;
    }
    const message = `Get "https://${host}/v2/": http: server gave HTTP response to HTTPS client`;
    return new ImageError(error.code, message, { cause: error });
  }

  async #authorize(request: RegistryRequest, options: OperationOptions): Promise<string | undefined> {
    if (this.#options.registryToken !== undefined) return `Bearer ${this.#options.registryToken}`;
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    const credentials = await this.#findCredentials(request.repository, options);
    if (challenge.scheme === "basic") {
      return credentials === undefined ? undefined : basicAuthorization(credentials);
    }
    const scopes = this.#scopesFor(request);
    try {
      return `Bearer ${await this.#tokens.get(challenge, scopes, credentials, options)}`;
    } catch (error) {
      const isRefused = error instanceof ImageError && REFUSALS.has(error.code) && credentials !== undefined;
      if (!isRefused) throw error;
      const isOther = await this.#renewCredentials(request.repository, options);
      if (!isOther && credentials.isOffered !== true) throw error;
      if (!isOther) this.#credentials.set(request.repository ?? "", Promise.resolve(undefined));
    }
    const renewed = await this.#findCredentials(request.repository, options);
    return `Bearer ${await this.#tokens.get(challenge, scopes, renewed, options)}`;
  }

  /** Learns from a refusal. Whether the same request is worth sending again. */
  async #mayAuthorizeNow(
    attempt: Attempt,
    request: RegistryRequest,
    options: OperationOptions,
  ): Promise<boolean> {
    if (this.#options.registryToken !== undefined) return false;
    const { status } = attempt.response;
    if (status === 401) return await this.#learnChallenge(attempt, request, options);
    const mayHideFromStrangers = status === 403 || status === 404;
    if (!mayHideFromStrangers || this.#challenge !== undefined || this.#hasPinged) return false;
    return await this.#learnByPing(request, options);
  }

  async #learnChallenge(
    attempt: Attempt,
    request: RegistryRequest,
    options: OperationOptions,
  ): Promise<boolean> {
    const challenge = readChallenge(attempt.response);
    if (challenge === undefined) return false;
    this.#challenge = challenge;
    if (attempt.wasAuthorized && this.#learnScope(challenge, request)) return true;
    const hasNewCredentials = attempt.wasAuthorized
      ? await this.#renewCredentials(request.repository, options)
      : (await this.#findCredentials(request.repository, options)) !== undefined;
    if (challenge.scheme === "basic") return hasNewCredentials;
    // A token that is refused has expired or was revoked: a new one is worth a try.
    if (attempt.wasAuthorized) this.#tokens.drop(this.#scopesFor(request));
    return true;
  }

  /** A registry may want a token for something else than what is asked of it. Whether it has said so now. RFC 6750, section 3.1. */
  #learnScope(challenge: Challenge | undefined, request: RegistryRequest): boolean {
    const { error, scope = "" } = challenge?.parameters ?? {};
    const known = this.#scopesFor(request);
    if (error !== "insufficient_scope" || !SCOPE.test(scope) || known.includes(scope)) return false;
    this.#moreScopes.set(scopesFor(request).join(" "), scope);
    return true;
  }

  #scopesFor(request: RegistryRequest): readonly string[] {
    const own = scopesFor(request);
    const more = this.#moreScopes.get(own.join(" "));
    return more === undefined ? own : [...own, more];
  }

  /** Asks once more for credentials that were refused: those of a helper may have expired. Whether they are others now. */
  async #renewCredentials(repository: string | undefined, options: OperationOptions): Promise<boolean> {
    const refused = await this.#findCredentials(repository, options);
    this.#credentials.delete(repository ?? "");
    const renewed = await this.#findCredentials(repository, options);
    return (
      renewed !== undefined &&
      (renewed.username !== refused?.username ||
        renewed.password !== refused.password ||
        renewed.identityToken !== refused.identityToken)
    );
  }

  /** Some registries answer strangers "not found" where a login would find: ask for their challenge, if there is a login. */
  async #learnByPing(request: RegistryRequest, options: OperationOptions): Promise<boolean> {
    this.#hasPinged = true;
    if ((await this.#findCredentials(request.repository, options)) === undefined) return false;
    const response = await this.ping(options);
    await response.discard();
    return this.#challenge !== undefined;
  }

  /** Looked for once, for all who ask. That one of them is cancelled does not end it for the others. */
  async #findCredentials(
    repository: string | undefined,
    options: OperationOptions,
  ): Promise<Credentials | undefined> {
    const key = repository ?? "";
    for (;;) {
      const known = this.#credentials.get(key);
      const pending = known ?? this.#options.credentials(repository, options);
      this.#credentials.set(key, pending);
      try {
        return await pending;
      } catch (error) {
        if (this.#credentials.get(key) === pending) this.#credentials.delete(key);
        options.signal?.throwIfAborted();
        if (known === undefined || !isAbort(error)) throw error;
      }
    }
  }

  async #expiredUpload(response: HttpResponse): Promise<ImageError> {
    const error = await errorFromResponse(response);
    return new ImageError("UNAUTHORIZED", error.message, { cause: error, transient: true });
  }

  async #findOrigin(options: OperationOptions): Promise<string> {
    const { allowHttp } = this.#options;
    if (!allowHttp) return `https://${apiHost(this.registry)}`;
    for (;;) {
      const known = this.#origin;
      const pending = known ?? this.#probe(options);
      this.#origin = pending;
      try {
        return await pending;
      } catch (error) {
        if (this.#origin === pending) this.#origin = undefined;
        options.signal?.throwIfAborted();
        if (known === undefined || !isAbort(error)) throw error;
      }
    }
  }

  /**
   * Finds the scheme of a registry whose certificate need not be verified. Both pings carry no credentials and name no
   * image, and go out nearly at the same time, which saves round trips. A server that answers HTTP on the very port
   * that was named is a plain one. Without a port the two schemes mean two servers, and HTTPS wins if it answers.
   */
  async #probe(options: OperationOptions): Promise<string> {
    const host = apiHost(this.registry);
    const decided = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, decided.signal]) : decided.signal;
    const plain = this.#pingOrigin(`http://${host}`, { signal });
    const secure = sleep(HTTPS_DELAY, { signal }).then(() => this.#pingOrigin(`https://${host}`, { signal }));
    secure.catch(() => undefined);
    plain.catch(() => undefined);
    try {
      const hasPort = /:\d+$/.test(host);
      return hasPort ? await Promise.any([plain, secure]) : await secure.catch(() => plain);
    } catch {
      options.signal?.throwIfAborted();
      const error = await plain.catch((failure: unknown) => failure);
      throw withContext(`pinging container registry ${this.registry}`, error, "NETWORK_FAILURE");
    } finally {
      decided.abort();
    }
  }

  async #pingOrigin(origin: string, options: OperationOptions): Promise<string> {
    const url = `${origin}/v2/`;
    const headers = { "User-Agent": this.#options.userAgent };
    try {
      const response = await this.#options.probeClient.send({ method: "GET", url, headers }, options);
      if (response.status !== 200 && response.status !== 401) throw await errorFromResponse(response);
      // Read to its end, the connection can be used again.
      await collect(response.body, PING_LIMIT, url);
      return origin;
    } catch (error) {
      throw networkError("GET", url, error);
    }
  }
}

interface Attempt {
  readonly response: HttpResponse;
  readonly wasAuthorized: boolean;
}

function readChallenge({ headers }: HttpResponse): Challenge | undefined {
  return chooseChallenge(parseChallenges(headers.get("www-authenticate") ?? ""));
}

/** Docker Hub's API has a host of its own, and no registry is called so in image names. */
function apiHost(registry: string): string {
  return registry === "docker.io" ? "registry-1.docker.io" : registry;
}

/**
 * Where a request goes. A Location that names the registry's host over another scheme or port comes from a server
 * behind a proxy that does not tell it so: it is asked at the origin that is known to work.
 * @throws {ImageError} REGISTRY_FAILURE when a Location leads away from HTTPS, or to no HTTP server at all
 */
function resolveTarget(origin: string, target: string): URL {
  const own = new URL(origin);
  const url = URL.canParse(target, origin) ? new URL(target, origin) : undefined;
  // A runtime may know how to open other addresses, such as those of files.
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw new ImageError("REGISTRY_FAILURE", `${own.host} sends its client to an unusable address`);
  }
  if (own.protocol === "http:" || url.protocol === "https:") return url;
  if (url.hostname === own.hostname) return new URL(`${url.pathname}${url.search}`, own);
  throw new ImageError(
    "REGISTRY_FAILURE",
    `${own.host} sends its client from HTTPS to ${url.origin}, which is refused`,
  );
}

function scopesFor(request: RegistryRequest): readonly string[] {
  const { repository, action, mountFrom } = request;
  if (repository === undefined) return [];
  const actions = action === "push" ? "pull,push" : action === "delete" ? "*" : "pull";
  const own = `repository:${repository}:${actions}`;
  return mountFrom === undefined || mountFrom === repository ? [own] : [own, `repository:${mountFrom}:pull`];
}
