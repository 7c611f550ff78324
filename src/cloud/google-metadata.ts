import { readFile } from "node:fs/promises";
import * as v from "valibot";
import type { CloudContext } from "./cloud-context.ts";
import { describeRefusal, parseAnswer } from "./json-answer.ts";
import { exchange, probe, type ServiceRequest } from "./service-client.ts";

const DEFAULT_HOST = "169.254.169.254";
const ROOT = "/computeMetadata/v1/instance";
/** Set where there is a metadata server: by Cloud Run, Cloud Functions and App Engine. */
const PLATFORM_VARIABLES = ["K_SERVICE", "CLOUD_RUN_JOB", "FUNCTION_TARGET", "GAE_SERVICE"] as const;

/** An access token, and when it ends, in milliseconds since the epoch. */
export interface GoogleToken {
  readonly token: string;
  readonly expires: number | undefined;
}

const TokenSchema = v.object({ access_token: v.string(), expires_in: v.nullish(v.number()) });

/**
 * The token of the service account of this machine; undefined where there is no metadata server, or no account.
 * Documented at Google as "Access tokens from the metadata server".
 * @throws Error when the server refuses
 */
export async function readMetadataToken(
  isPrivate: boolean,
  scope: string,
  context: CloudContext,
): Promise<GoogleToken | undefined> {
  const { env, services, signal } = context;
  if (env.METADATA_SERVER_DETECTION?.trim().toLowerCase() === "none") return undefined;
  const told = env.GCE_METADATA_HOST || env.GCE_METADATA_IP;
  const isLikely = told || PLATFORM_VARIABLES.some((name) => env[name]) || (await isGoogleMachine());
  if (!isLikely && !isPrivate) return undefined;
  const base = `http://${told || DEFAULT_HOST}`;
  if (!URL.canParse(base)) return undefined;
  const there = await probe(services, requestFor(`${base}${ROOT}`), signal);
  if (there?.headers.get("metadata-flavor") !== "Google") return undefined;
  context.debug("Google: asking the metadata server for a token");
  const url = `${base}${ROOT}/service-accounts/default/token?scopes=${encodeURIComponent(scope)}`;
  const answer = await exchange(services, requestFor(url), signal);
  if (answer.status === 404) return undefined;
  const token = answer.status === 200 ? parseAnswer(answer.body, TokenSchema) : undefined;
  if (token === undefined) throw new Error(describeRefusal(answer.status, answer.body));
  const life = token.expires_in;
  return { token: token.access_token, expires: life == null ? undefined : Date.now() + life * 1000 };
}

function requestFor(url: string): ServiceRequest {
  return { method: "GET", url, headers: { "Metadata-Flavor": "Google" } };
}

/** Linux tells who made the machine; this is how Google's own libraries recognise theirs. */
async function isGoogleMachine(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  try {
    return (await readFile("/sys/class/dmi/id/bios_vendor", "utf8")).includes("Google");
  } catch {
    return false;
  }
}
