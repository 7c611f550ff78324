import { ImageError } from "../../core/errors.ts";
import { startHttpServer } from "../../runtime/http-server.ts";
import { printable } from "./bounded-exchange.ts";
import type { IssuerParameters, LoginOptions } from "./oidc.ts";
import { discoverIssuer, postForm, readIdToken } from "./oidc-issuer.ts";
import { type CodeProof, createCodeProof, randomText } from "./oidc-pkce.ts";

const PATIENCE = 120_000;
const CALLBACK = "/auth/callback";
/** How long the browser may take to fetch the last page, in milliseconds. */
const GRACE = 1_000;

/** What only this login knows, so that nobody can slip it an answer to another one. */
interface Secrets {
  readonly state: string;
  readonly nonce: string;
  readonly proof: CodeProof;
}

/** Somebody logs in with a browser on this machine. RFC 8252 with PKCE; OpenID Connect Core 1.0, section 3.1. */
export async function logInWithBrowser(parameters: IssuerParameters, options: LoginOptions): Promise<string> {
  const { issuerUrl, clientId } = parameters;
  const issuer = await discoverIssuer(issuerUrl, options.client, options.signal);
  if (issuer.authorizationEndpoint === undefined) {
    throw new ImageError("UNSUPPORTED_OPERATION", "the issuer has no authorization endpoint");
  }
  const secrets: Secrets = { state: randomText(), nonce: randomText(), proof: createCodeProof() };
  const { code, redirectUri } = await obtainCode(secrets, options, (redirect) =>
    authorizationUrl(issuer.authorizationEndpoint ?? "", clientId, redirect, secrets),
  );
  const form = {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUri,
    code_verifier: secrets.proof.verifier,
  };
  const answer = await postForm(issuer, issuer.tokenEndpoint, form, parameters, options);
  return readIdToken(answer, { issuerUrl, clientId, nonce: secrets.nonce });
}

function authorizationUrl(
  endpoint: string,
  clientId: string,
  redirectUri: string,
  { state, nonce, proof }: Secrets,
): string {
  const url = new URL(endpoint);
  const query = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: "openid email",
    state,
    nonce,
    code_challenge: proof.challenge,
    code_challenge_method: "S256",
    access_type: "online",
  };
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}

/** Listens for the browser to come back with a code. */
async function obtainCode(
  { state }: Secrets,
  options: LoginOptions,
  urlFor: (redirectUri: string) => string,
): Promise<{ readonly code: string; readonly redirectUri: string }> {
  const callback = Promise.withResolvers<string>();
  // A failure that comes while the browser is being opened is met below.
  callback.promise.catch(() => undefined);
  const server = await startHttpServer({
    hostname: "127.0.0.1",
    port: 0,
    handler: async (request) => answerBrowser(request, state, callback),
  });
  const stop = failingWith(callback, options);
  try {
    const redirectUri = `http://localhost:${server.port}${CALLBACK}`;
    const url = urlFor(redirectUri);
    options.prompt(`Your browser will now be opened to:\n${url}`);
    const open = options.openBrowser ?? (await import("./oidc-browser.ts")).openBrowser;
    // The address has been shown: somebody can open it by hand, here or through a tunnel.
    open(url).catch(() => undefined);
    return { code: await callback.promise, redirectUri };
  } finally {
    stop();
    await server.close(GRACE);
  }
}

/** Ends the wait after its time, and when the run is cancelled. */
function failingWith(
  callback: PromiseWithResolvers<string>,
  { signal, patience = PATIENCE }: LoginOptions,
): () => void {
  const timer = setTimeout(() => {
    const message = `nobody has logged in within ${patience / 1000} s`;
    callback.reject(new ImageError("UNAUTHORIZED", message));
  }, patience);
  const abort = (): void => callback.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  if (signal?.aborted) abort();
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  };
}

/** Any page can send a browser here: what does not know the state is no answer to us, and ends nothing. */
function answerBrowser(request: Request, state: string, callback: PromiseWithResolvers<string>): Response {
  const { pathname, searchParams } = new URL(request.url);
  if (request.method !== "GET" || pathname !== CALLBACK) return page(404, "There is nothing here.");
  if (searchParams.get("state") !== state) return page(400, "This is not the login that is waited for.");
  const error = searchParams.get("error");
  if (error !== null) {
    callback.reject(new ImageError("UNAUTHORIZED", `error obtaining code: ${printable(error)}`));
    return page(400, "The login was refused. You can close this page.");
  }
  const code = searchParams.get("code");
  if (!code) return page(400, "The issuer has sent no code.");
  callback.resolve(code);
  return page(200, "You are logged in. You can close this page and return to the terminal.");
}

function page(status: number, text: string): Response {
  return new Response(`<!DOCTYPE html><meta charset="utf-8"><title>skopeo</title><p>${text}</p>\n`, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": "default-src 'none'",
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      Connection: "close",
    },
  });
}
