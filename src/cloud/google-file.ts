import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { errorMessage, ImageError } from "../core/errors.ts";
import { parseAnswer } from "./json-answer.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** A file of Application Default Credentials. */
export interface GoogleFile {
  readonly path: string;
  /** `GOOGLE_APPLICATION_CREDENTIALS` */
  readonly source: string;
  /** `service_account`, `authorized_user`, `external_account`... */
  readonly kind: string;
  readonly secrets: readonly string[];
}

const secretEntries = {
  private_key: v.nullish(v.string()),
  private_key_id: v.nullish(v.string()),
  client_secret: v.nullish(v.string()),
  refresh_token: v.nullish(v.string()),
};
const SecretsSchema = v.object(secretEntries);
const FileSchema = v.object({
  ...secretEntries,
  type: v.string(),
  source_credentials: v.nullish(SecretsSchema),
});

/**
 * The file that GOOGLE_APPLICATION_CREDENTIALS names, or else the one that `gcloud auth application-default login` writes.
 * @throws {ImageError} CONFIG_INVALID when it cannot be read
 */
export async function findGoogleFile(env: Variables): Promise<GoogleFile | undefined> {
  const told = env.GOOGLE_APPLICATION_CREDENTIALS;
  const path = told || gcloudFile(env);
  if (!path) return undefined;
  const source = told ? "GOOGLE_APPLICATION_CREDENTIALS" : "the login of gcloud";
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (!told) return undefined;
    throw invalidFile(source, errorMessage(error));
  }
  const content = parseAnswer(bytes, FileSchema);
  if (content === undefined) throw invalidFile(source, `${path} is not a file of Google credentials`);
  const { type: kind, source_credentials: inner, ...own } = content;
  const secrets = [...Object.values(own), ...Object.values(inner ?? {})].flatMap((secret) => secret ?? []);
  return { path, source, kind, secrets };
}

function gcloudFile(env: Variables): string | undefined {
  const [home, parts] =
    process.platform === "win32" ? [env.APPDATA, ["gcloud"]] : [env.HOME, [".config", "gcloud"]];
  const directory = env.CLOUDSDK_CONFIG || (home && join(home, ...parts));
  return directory ? join(directory, "application_default_credentials.json") : undefined;
}

function invalidFile(source: string, reason: string): ImageError {
  const next = `correct it, or run "gcloud auth application-default login"`;
  return new ImageError("CONFIG_INVALID", `Google: the file of ${source} cannot be used: ${reason}; ${next}`);
}
