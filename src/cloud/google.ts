import { errorMessage, ImageError } from "../core/errors.ts";
import type { CloudContext } from "./cloud-context.ts";
import type { CloudCredentials } from "./cloud-credentials.ts";
import { createFetch } from "./fetch-bridge.ts";
import { findGoogleFile, type GoogleFile } from "./google-file.ts";
import { type GoogleToken, readMetadataToken } from "./google-metadata.ts";
import { secretsOf } from "./redaction.ts";
import { loginHint, serviceFailure } from "./service-failure.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
/** What Google's registries take an access token as the password of. */
const USERNAME = "oauth2accesstoken";

/**
 * A login for Google's registries from the Application Default Credentials: a file, or else the metadata server, which is
 * asked for Artifact Registry only, unless this machine is one of Google's.
 * @throws {ImageError} UNAUTHORIZED, CONFIG_INVALID, NETWORK_FAILURE
 */
export async function findGoogleCredentials(
  host: string,
  context: CloudContext,
): Promise<CloudCredentials | undefined> {
  const file = await findGoogleFile(context.env);
  const source = file?.source ?? "the service account of this machine";
  const secrets = [...secretsOf(context.env), ...(file?.secrets ?? [])];
  try {
    const token =
      file === undefined
        ? await readMetadataToken(host.endsWith(".pkg.dev"), SCOPE, context)
        : await requestToken(file, context);
    if (token === undefined) return undefined;
    const credentials = { username: USERNAME, password: token.token };
    return { credentials, source: `Google (${source})`, expires: token.expires };
  } catch (error) {
    const next =
      file?.kind === "authorized_user" ? 'run "gcloud auth application-default login"' : loginHint(host);
    const attempt = { cloud: "Google", tried: `an access token with ${source}`, next, secrets };
    throw serviceFailure(attempt, error, describe(error));
  }
}

async function requestToken(file: GoogleFile, context: CloudContext): Promise<GoogleToken> {
  context.debug(`Google: asking for an access token with ${file.source}`);
  const { GoogleAuth } = await import("google-auth-library");
  const fetchImplementation = createFetch(context.services, context.signal, context.userAgent);
  const auth = new GoogleAuth({
    keyFilename: file.path,
    scopes: [SCOPE],
    clientOptions: { transporterOptions: { fetchImplementation } },
  });
  const client = await auth.getClient();
  useFetch(client, fetchImplementation);
  const { token } = await client.getAccessToken();
  if (!token) throw new ImageError("UNAUTHORIZED", `Google: ${file.source} gave no access token`);
  return { token, expires: client.credentials.expiry_date ?? undefined };
}

/** The parts of some clients, for other clouds' identities and for impersonation, make connections of their own. */
function useFetch(client: object, fetchImplementation: typeof fetch): void {
  for (const name of ["stsCredential", "sourceClient"]) {
    const part: unknown = Reflect.get(client, name);
    if (typeof part !== "object" || part === null || !("transporter" in part)) continue;
    const { transporter } = part;
    if (typeof transporter !== "object" || transporter === null || !("defaults" in transporter)) continue;
    transporter.defaults = { ...Object(transporter.defaults), fetchImplementation };
  }
}

/** Errors of OAuth 2 have their reason in the answer. */
function describe(error: unknown): string {
  const message = errorMessage(error);
  if (!(error instanceof Error) || !("response" in error)) return message;
  const { response } = error;
  if (typeof response !== "object" || response === null || !("data" in response)) return message;
  const { data } = response;
  if (typeof data !== "object" || data === null || !("error" in data)) return message;
  const description = "error_description" in data ? data.error_description : undefined;
  if (typeof data.error !== "string") return message;
  return typeof description === "string" ? `${data.error}: ${description}` : data.error;
}
