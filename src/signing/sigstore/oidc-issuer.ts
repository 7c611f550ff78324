import * as v from "valibot";
import { ImageError } from "../../core/errors.ts";
import type { HttpClient } from "../../runtime/http.ts";
import { below, exchange, printable, type ServiceAnswer, withoutPassword } from "./bounded-exchange.ts";
import { parseIdToken } from "./id-token.ts";
import type { IssuerParameters } from "./oidc.ts";

/** What an issuer tells about itself. OpenID Connect Discovery 1.0, section 3. */
export interface Issuer {
  readonly url: string;
  readonly tokenEndpoint: string;
  readonly authorizationEndpoint?: string | undefined;
  /** RFC 8628, section 4. */
  readonly deviceEndpoint?: string | undefined;
  /** Whether a client's secret goes into the form, not into a header. */
  readonly takesSecretInForm: boolean;
}

const DiscoverySchema = v.object({
  issuer: v.string(),
  token_endpoint: v.string(),
  authorization_endpoint: v.nullish(v.string()),
  device_authorization_endpoint: v.nullish(v.string()),
  token_endpoint_auth_methods_supported: v.nullish(v.array(v.string())),
});

const TokenSchema = v.object({ id_token: v.pipe(v.string(), v.minLength(1)) });
const ErrorSchema = v.object({ error: v.string(), error_description: v.nullish(v.string()) });

/** @throws {ImageError} NETWORK_FAILURE, REGISTRY_FAILURE, CONFIG_INVALID */
export async function discoverIssuer(
  issuerUrl: string,
  client: HttpClient,
  signal: AbortSignal | undefined,
): Promise<Issuer> {
  const url = below(issuerUrl, "/.well-known/openid-configuration");
  const headers = { Accept: "application/json" };
  const answer = await exchange(client, { method: "GET", url, headers }, { signal });
  if (answer.status !== 200) throw unusable(`Get "${withoutPassword(url)}": status ${answer.status}`);
  const found = parseAnswer(answer, DiscoverySchema);
  if (found === undefined) throw unusable(`${withoutPassword(url)} does not describe an issuer`);
  if (found.issuer !== issuerUrl) {
    throw unusable(
      `oidc: issuer URL provided to client (${JSON.stringify(issuerUrl)}) did not match the issuer URL returned by provider (${JSON.stringify(found.issuer)})`,
    );
  }
  const methods = found.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  return {
    url: issuerUrl,
    tokenEndpoint: endpoint(issuerUrl, found.token_endpoint),
    authorizationEndpoint: optionalEndpoint(issuerUrl, found.authorization_endpoint),
    deviceEndpoint: optionalEndpoint(issuerUrl, found.device_authorization_endpoint),
    takesSecretInForm: !methods.includes("client_secret_basic") && methods.includes("client_secret_post"),
  };
}

function optionalEndpoint(issuerUrl: string, url: string | null | undefined): string | undefined {
  return url ? endpoint(issuerUrl, url) : undefined;
}

/** What an issuer over TLS is told stays within TLS. */
function endpoint(issuerUrl: string, url: string): string {
  const mayBePlain = !issuerUrl.toLowerCase().startsWith("https:");
  const protocol = URL.canParse(url) ? new URL(url).protocol : "";
  if (protocol === "https:" || (mayBePlain && protocol === "http:")) return url;
  throw unusable("the issuer has an endpoint that is not https");
}

/** One POST of a form to the issuer, as the client that it knows. RFC 6749, section 2.3.1. */
export async function postForm(
  issuer: Issuer,
  url: string,
  form: Readonly<Record<string, string>>,
  parameters: IssuerParameters,
  { client, signal }: { readonly client: HttpClient; readonly signal?: AbortSignal | undefined },
): Promise<ServiceAnswer> {
  const { clientId, clientSecret } = parameters;
  const usesHeader = clientSecret !== "" && !issuer.takesSecretInForm;
  const body = new URLSearchParams({ ...form, client_id: clientId });
  if (clientSecret !== "" && !usesHeader) body.set("client_secret", clientSecret);
  const headers = {
    Accept: "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
    ...(usesHeader ? { Authorization: basic(clientId, clientSecret) } : {}),
  };
  return await exchange(client, { method: "POST", url, headers, body: body.toString() }, { signal });
}

function basic(clientId: string, clientSecret: string): string {
  const pair = [clientId, clientSecret].map((text) => new URLSearchParams({ "": text }).toString().slice(1));
  return `Basic ${Buffer.from(pair.join(":")).toString("base64")}`;
}

/** Reads JSON as `schema` has it; undefined for anything else, because what it is may be a secret. */
export function parseAnswer<T>({ body }: ServiceAnswer, schema: v.GenericSchema<unknown, T>): T | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(new TextDecoder().decode(body)));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

/** The code of an OAuth 2 error, such as `access_denied`; undefined where it is none. RFC 6749, section 5.2. */
export function errorCode(answer: ServiceAnswer): string | undefined {
  return parseAnswer(answer, ErrorSchema)?.error;
}

/** @param what was asked for, such as `a device code` */
export function refusal(what: string, answer: ServiceAnswer): ImageError {
  const reason = parseAnswer(answer, ErrorSchema);
  const words = [reason?.error, reason?.error_description].flatMap((word) => (word ? [printable(word)] : []));
  const shown = words.length === 0 ? `status ${answer.status}` : words.join(": ");
  return new ImageError("UNAUTHORIZED", `error obtaining ${what}: ${shown}`, {
    transient: answer.status >= 500,
  });
}

/**
 * The ID token of a token endpoint's answer. Its signature need not be verified, because it comes from the issuer itself
 * (OpenID Connect Core 1.0, section 3.1.3.7), and Fulcio does; whom it is meant for must be.
 * @throws {ImageError} UNAUTHORIZED
 */
export function readIdToken(
  answer: ServiceAnswer,
  { issuerUrl, clientId, nonce }: { issuerUrl: string; clientId: string; nonce?: string | undefined },
): string {
  if (answer.status !== 200) throw refusal("token", answer);
  const token = parseAnswer(answer, TokenSchema)?.id_token;
  if (token === undefined) throw denied("the issuer's answer has no id_token");
  const { iss, aud, exp, nonce: stated } = parseIdToken(token);
  if (iss !== issuerUrl) throw denied("the ID token is by another issuer");
  if (![aud].flat().includes(clientId)) throw denied("the ID token is not for this client");
  if (exp === undefined || exp === null || exp * 1000 <= Date.now()) throw denied("the ID token has expired");
  if (nonce !== undefined && stated !== nonce) throw denied("nonce does not match value sent");
  return token;
}

function denied(message: string): ImageError {
  return new ImageError("UNAUTHORIZED", message);
}

function unusable(message: string): ImageError {
  return new ImageError("REGISTRY_FAILURE", message);
}
