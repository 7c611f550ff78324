import * as v from "valibot";
import { decodeBase64 } from "../core/base64.ts";
import type { Credentials } from "../core/credentials.ts";
import { errorMessage, ImageError, withContext } from "../core/errors.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { foldKeys, TableSchema } from "./fold-keys.ts";
import type { ConfigurationListener } from "./listener.ts";
import type { AuthFileLocation } from "./locations.ts";

const EntrySchema = v.pipe(
  TableSchema,
  v.transform((entry) => foldKeys(entry, ["auth", "identitytoken"])),
  v.object({ auth: v.nullish(v.string(), ""), identitytoken: v.nullish(v.string(), "") }),
);
const EntriesSchema = v.pipe(TableSchema, v.record(v.string(), v.nullable(EntrySchema)));
const HelpersSchema = v.pipe(TableSchema, v.record(v.string(), v.string()));
const FileSchema = v.pipe(
  TableSchema,
  v.transform((file) => foldKeys(file, ["auths", "credHelpers", "credsStore"])),
  v.object({
    auths: v.nullish(EntriesSchema, {}),
    credHelpers: v.nullish(HelpersSchema, {}),
    credsStore: v.nullish(v.string(), ""),
  }),
);

/** What a credential file says, by registry or by the part of it that a key names. */
export interface AuthFile {
  readonly location: AuthFileLocation;
  readonly entries: ReadonlyMap<string, AuthEntry>;
  /** The credential helper to ask for a registry, without `docker-credential-`. */
  readonly helpers: ReadonlyMap<string, string>;
  /** The credential helper that has what the entries lack; "" for none. */
  readonly store: string;
}

/** Still encoded as in the file. */
export interface AuthEntry {
  readonly auth: string;
  readonly identityToken: string;
}

/** Whose credentials are wanted. `registry` is a host with an optional port, `repository` the path below it. */
export interface CredentialTarget {
  readonly registry: string;
  readonly repository?: string | undefined;
}

/** An entry for a target; `key` is what it was found under. */
export interface FoundEntry {
  readonly key: string;
  readonly credentials: Credentials | undefined;
}

/**
 * Parses a credential file. Registry-and-config reference 11.2.
 * @throws {ImageError} CONFIG_INVALID, without quoting the file
 */
export function parseAuthFile(bytes: Uint8Array, location: AuthFileLocation): AuthFile {
  try {
    // A file that says `null` says nothing.
    const document = parseStrictJson(bytes, { duplicateKeys: "last-wins" }) ?? {};
    const { auths, credHelpers, credsStore } = checkShape(location.legacy ? { auths: document } : document);
    const entries = Object.entries(auths).map(([key, entry]): [string, AuthEntry] => [
      key,
      { auth: entry?.auth ?? "", identityToken: entry?.identitytoken ?? "" },
    ]);
    const helpers = new Map(Object.entries(credHelpers));
    return { location, entries: new Map(entries), helpers, store: credsStore };
  } catch (error) {
    throw withContext(`reading JSON file "${location.path}": unmarshaling JSON at "${location.path}"`, error);
  }
}

function checkShape(document: unknown): v.InferOutput<typeof FileSchema> {
  const result = v.safeParse(FileSchema, document);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const place = v.getDotPath(issue);
  // Valibot's own message would quote the value.
  throw new ImageError("CONFIG_INVALID", `${place === null ? "" : `${place}: `}unexpected type of value`);
}

/**
 * The entry for a target: the longest key that names it or a part of it, else one that names its registry as a URL.
 * @throws {ImageError} CONFIG_INVALID when the entry is not base64
 */
export function findEntry(
  file: AuthFile,
  target: CredentialTarget,
  listener: ConfigurationListener = {},
): FoundEntry | undefined {
  const { legacy } = file.location;
  const key = candidateKeys(target, legacy).find((candidate) => file.entries.has(candidate));
  const found = key ?? findNormalizedKey(file, target.registry);
  const entry = found === undefined ? undefined : file.entries.get(found);
  if (found === undefined || entry === undefined) return undefined;
  return { key: found, credentials: decodeEntry(entry, found, file.location.path, listener) };
}

/** `host/a/b`, `host/a`, `host`; old files know registries only. */
function candidateKeys(target: CredentialTarget, legacy: boolean): readonly string[] {
  if (legacy || !target.repository) return [target.registry];
  const parts = target.repository.split("/");
  const lengths = parts.map((_, index) => parts.length - index);
  return [
    ...lengths.map((length) => [target.registry, ...parts.slice(0, length)].join("/")),
    target.registry,
  ];
}

function findNormalizedKey(file: AuthFile, registry: string): string | undefined {
  const wanted = canonicalRegistry(registry);
  return [...file.entries.keys()].find((key) => normalizeKey(key, file.location.legacy) === wanted);
}

/** Keys were once URLs: `https://index.docker.io/v1/`. */
function normalizeKey(key: string, legacy: boolean): string {
  const withoutScheme = key.replace(/^https?:\/\//, "");
  const isUrl = withoutScheme !== key;
  return canonicalRegistry(isUrl || legacy ? withoutScheme.replace(/\/.*$/s, "") : withoutScheme);
}

function canonicalRegistry(registry: string): string {
  return registry === "docker.io" || registry === "registry-1.docker.io" ? "index.docker.io" : registry;
}

function decodeEntry(
  entry: AuthEntry,
  key: string,
  path: string,
  listener: ConfigurationListener,
): Credentials | undefined {
  // Docker leaves empty entries for what its own credential store holds.
  if (entry.auth === "") return undefined;
  const decoded = new TextDecoder().decode(decodeAuth(entry.auth, key, path));
  const colon = decoded.indexOf(":");
  if (colon < 0) {
    listener.warning?.(
      `Error parsing the "auth" field of a credential entry "${key}" in "${path}", missing semicolon`,
    );
    return undefined;
  }
  const username = decoded.slice(0, colon);
  const password = trimNulls(decoded.slice(colon + 1));
  return entry.identityToken === ""
    ? { username, password }
    : { username, password, identityToken: entry.identityToken };
}

/** Go's decoder tells the place and not the file. */
function decodeAuth(auth: string, key: string, path: string): Uint8Array {
  try {
    return decodeBase64(auth);
  } catch (error) {
    throw new ImageError("CONFIG_INVALID", `${errorMessage(error)} (entry "${key}" in "${path}")`, {
      cause: error,
    });
  }
}

function trimNulls(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === "\0") start++;
  while (end > start && text[end - 1] === "\0") end--;
  return text.slice(start, end);
}
