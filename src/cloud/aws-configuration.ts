import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ImageError } from "../core/errors.ts";
import { secretsOf } from "./redaction.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** Where the AWS credential chain will find credentials, found out without loading it. */
export interface AwsConfiguration {
  /** `AWS_ACCESS_KEY_ID`, `profile "dev"`; undefined when only a metadata service can have some. */
  readonly source: string | undefined;
  /** Keys from variables, as the chain would use them. */
  readonly keys: AwsKeys | undefined;
  /** What the chain would read from the variables of the process. */
  readonly chain: AwsChainOptions;
  readonly secrets: readonly string[];
}

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsChainOptions {
  readonly profile?: string;
  readonly filepath?: string;
  readonly configFilepath?: string;
  readonly webIdentityTokenFile?: string;
  readonly roleArn?: string;
  readonly roleSessionName?: string;
}

/** Settings of a profile that lead to credentials. */
const CREDENTIAL_KEYS = [
  "aws_access_key_id",
  "role_arn",
  "credential_process",
  "sso_account_id",
  "sso_session",
  "sso_start_url",
  "web_identity_token_file",
  "login_session",
] as const;
const SECRET_KEYS = ["aws_secret_access_key", "aws_session_token", "credential_process"] as const;

/** Settings by profile. */
type Profiles = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Reads variables and files in the order of the AWS credential chain.
 * @throws {ImageError} CONFIG_INVALID when AWS_PROFILE names a profile that does not exist
 */
export async function readAwsConfiguration(env: Variables): Promise<AwsConfiguration> {
  const files = fileLocations(env);
  const profiles = await readProfiles(files);
  const token = await readIfPresent(env.AWS_WEB_IDENTITY_TOKEN_FILE);
  const secrets = [
    ...secretsOf(env),
    ...(token === undefined ? [] : [token.trim()]),
    ...[...profiles.values()].flatMap((profile) => SECRET_KEYS.flatMap((key) => profile.get(key) ?? [])),
  ];
  const keys = keysOf(env);
  const source = keys === undefined ? sourceOf(env, profiles) : "AWS_ACCESS_KEY_ID";
  const isProfile = source?.startsWith("profile ") ?? false;
  const chain = { ...chainOptions(env, files), ...(isProfile ? { profile: profileOf(env) } : {}) };
  return { source, keys, chain, secrets };
}

function keysOf(env: Variables): AwsKeys | undefined {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = env;
  if (!id || !secret || env.AWS_PROFILE) return undefined;
  return { accessKeyId: id, secretAccessKey: secret, ...(token ? { sessionToken: token } : {}) };
}

function profileOf(env: Variables): string {
  return env.AWS_PROFILE || "default";
}

function sourceOf(env: Variables, profiles: Profiles): string | undefined {
  const name = profileOf(env);
  const profile = profiles.get(name);
  if (CREDENTIAL_KEYS.some((key) => profile?.has(key))) return `profile "${name}"`;
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE && env.AWS_ROLE_ARN) return "AWS_WEB_IDENTITY_TOKEN_FILE";
  if (env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) return "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
  if (env.AWS_CONTAINER_CREDENTIALS_FULL_URI) return "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  if (env.AWS_PROFILE && profile === undefined) {
    const message = `AWS: there is no profile "${name}", which AWS_PROFILE names, in the files of AWS; correct or unset AWS_PROFILE`;
    throw new ImageError("CONFIG_INVALID", message);
  }
  return undefined;
}

interface FileLocations {
  readonly configFilepath?: string;
  readonly filepath?: string;
}

function fileLocations(env: Variables): FileLocations {
  const home = (process.platform === "win32" ? env.USERPROFILE : env.HOME) || undefined;
  const config = env.AWS_CONFIG_FILE || (home && join(home, ".aws", "config"));
  const credentials = env.AWS_SHARED_CREDENTIALS_FILE || (home && join(home, ".aws", "credentials"));
  return {
    ...(config ? { configFilepath: config } : {}),
    ...(credentials ? { filepath: credentials } : {}),
  };
}

function chainOptions(env: Variables, files: FileLocations): AwsChainOptions {
  const { AWS_PROFILE: profile, AWS_ROLE_SESSION_NAME: roleSessionName } = env;
  const { AWS_WEB_IDENTITY_TOKEN_FILE: webIdentityTokenFile, AWS_ROLE_ARN: roleArn } = env;
  return {
    ...files,
    ...(profile ? { profile } : {}),
    ...(webIdentityTokenFile ? { webIdentityTokenFile } : {}),
    ...(roleArn ? { roleArn } : {}),
    ...(roleSessionName ? { roleSessionName } : {}),
  };
}

async function readProfiles(files: FileLocations): Promise<Profiles> {
  const [config, credentials] = await Promise.all([
    readIfPresent(files.configFilepath),
    readIfPresent(files.filepath),
  ]);
  const profiles = new Map<string, Map<string, string>>();
  // In the one file every profile but the default has a prefix; in the other none has.
  addProfiles(profiles, config ?? "", /^(?:profile\s+["']?(.+?)["']?|(default))$/);
  addProfiles(profiles, credentials ?? "", /^(.+)$/);
  return profiles;
}

/** Reads as much of the files' format as tells profiles and their settings apart. */
function addProfiles(profiles: Map<string, Map<string, string>>, text: string, pattern: RegExp): void {
  let current: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[([^\]]+)\]/.exec(line)?.[1]?.trim();
    if (section !== undefined) {
      const match = pattern.exec(section);
      const name = match?.[1] ?? match?.[2];
      current = name === undefined ? undefined : (profiles.get(name) ?? new Map<string, string>());
      if (name !== undefined && current !== undefined) profiles.set(name, current);
      continue;
    }
    const [, key, value] = /^([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$/.exec(line.trim()) ?? [];
    if (key !== undefined && value) current?.set(key.toLowerCase(), value);
  }
}

/** A file that cannot be read counts as missing here; who needs it will say so. */
async function readIfPresent(path: string | undefined): Promise<string | undefined> {
  if (!path) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
