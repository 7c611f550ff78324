import * as v from "valibot";
import { errorMessage, ImageError } from "../core/errors.ts";
import { type AzureIdentity, findAzureIdentity } from "./azure-identity.ts";
import type { CloudContext } from "./cloud-context.ts";
import type { CloudCredentials } from "./cloud-credentials.ts";
import { describeRefusal, parseAnswer } from "./json-answer.ts";
import { secretsOf } from "./redaction.ts";
import { exchange } from "./service-client.ts";
import { loginHint, serviceFailure } from "./service-failure.ts";

/** What an Azure registry takes a token as the password of. */
const USERNAME = "00000000-0000-0000-0000-000000000000";

interface AzureCloud {
  /** Gives tokens. */
  readonly authority: string;
  /** What tokens are asked for. */
  readonly scope: string;
}

const PUBLIC_CLOUD: AzureCloud = {
  authority: "https://login.microsoftonline.com",
  scope: "https://containerregistry.azure.net/.default",
};
/** By the registry's top-level domain. These take the tokens for their resource managers. */
const NATIONAL_CLOUDS: Readonly<Record<string, AzureCloud>> = {
  cn: {
    authority: "https://login.chinacloudapi.cn",
    scope: "https://management.chinacloudapi.cn/.default",
  },
  us: {
    authority: "https://login.microsoftonline.us",
    scope: "https://management.usgovcloudapi.net/.default",
  },
};

const ExchangeSchema = v.object({ refresh_token: v.pipe(v.string(), v.minLength(1)) });
const ClaimsSchema = v.object({ exp: v.number() });

/**
 * A login for an Azure container registry: a token of Microsoft Entra ID, which the registry exchanges for one of its own.
 * Documented at Azure as "Azure Container Registry integration with Microsoft Entra ID".
 * @throws {ImageError} UNAUTHORIZED, CONFIG_INVALID, NETWORK_FAILURE
 */
export async function findAzureCredentials(
  host: string,
  context: CloudContext,
): Promise<CloudCredentials | undefined> {
  const identity = await findAzureIdentity(context);
  if (identity === undefined) return undefined;
  const { source } = identity;
  context.debug(`Azure: asking for a token with ${source}`);
  const secrets = [...secretsOf(context.env)];
  const next = identity.renew ?? loginHint(host);
  const attempt = { cloud: "Azure", tried: `a token with ${source}`, next, secrets };
  let token: string;
  try {
    token = await requestToken(host, identity, context);
  } catch (error) {
    throw serviceFailure(attempt, error, describe(error));
  }
  secrets.push(token);
  try {
    const refreshToken = await exchangeToken(host, token, context);
    return {
      credentials: { username: USERNAME, password: "", identityToken: refreshToken },
      source: `Azure (${source})`,
      expires: endOf(refreshToken),
    };
  } catch (error) {
    const hint = `give this identity a role such as AcrPull, or log in with "skopeo login ${host}"`;
    throw serviceFailure({ ...attempt, tried: `the exchange of a token at ${host}`, next: hint }, error);
  }
}

async function requestToken(host: string, identity: AzureIdentity, context: CloudContext): Promise<string> {
  const [library, { createAzureHttpClient }] = await Promise.all([
    import("@azure/identity"),
    import("./azure-http-client.ts"),
  ]);
  const cloud = NATIONAL_CLOUDS[host.slice(host.lastIndexOf(".") + 1)] ?? PUBLIC_CLOUD;
  let failure: unknown;
  const credential = identity.create(library, {
    authorityHost: context.env.AZURE_AUTHORITY_HOST || cloud.authority,
    httpClient: createAzureHttpClient(context.services, context.signal, (error) => {
      failure = error;
    }),
    retryOptions: { maxRetries: 1 },
    userAgentOptions: { userAgentPrefix: context.userAgent },
  });
  try {
    const answer = await credential.getToken(cloud.scope, { abortSignal: context.signal });
    if (answer === null) throw new Error("no token was given");
    return answer.token;
  } catch (error) {
    throw failure ?? error;
  }
}

/** Always over TLS: the token would open more than this registry. */
async function exchangeToken(host: string, token: string, context: CloudContext): Promise<string> {
  const form = new URLSearchParams({ grant_type: "access_token", service: host, access_token: token });
  if (context.env.AZURE_TENANT_ID) form.set("tenant", context.env.AZURE_TENANT_ID);
  const request = {
    method: "POST",
    url: `https://${host}/oauth2/exchange`,
    headers: { "Content-Type": "application/x-www-form-urlencoded", "User-Agent": context.userAgent },
    body: form.toString(),
  };
  const answer = await exchange(context.registry, request, context.signal);
  const body = answer.status === 200 ? parseAnswer(answer.body, ExchangeSchema) : undefined;
  if (body === undefined) throw new Error(describeRefusal(answer.status, answer.body));
  return body.refresh_token;
}

/** When a token ends: registries give JSON Web Tokens. */
function endOf(token: string): number | undefined {
  const claims = parseAnswer(Buffer.from(token.split(".")[1] ?? "", "base64url"), ClaimsSchema);
  return claims === undefined ? undefined : claims.exp * 1000;
}

/** What Microsoft Entra ID said, without the name of the library's class before it and the numbers of the request after it. */
function describe(error: unknown): string {
  if (error instanceof ImageError) return error.message;
  return errorMessage(error)
    .replace(/^(?:\w+Credential: )?(?:Authentication failed\. Message )?/, "")
    .replace(/\s+Trace ID: .*$/s, "");
}
