import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import { ImageError, withContext } from "../core/errors.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { withFileLock } from "../runtime/file-lock.ts";
import { removeUnfinished, writeFileAtomically } from "../runtime/files.ts";
import { canonicalPath } from "../runtime/paths.ts";
import type { AuthFileTarget } from "./auth-file-target.ts";
import { readOptionalFile } from "./configuration-file.ts";
import { TableSchema } from "./fold-keys.ts";

/** A credential file as it is stored, with all that it holds besides. */
export interface AuthDocument {
  readonly auths?: Readonly<Record<string, unknown>> | null | undefined;
  readonly credHelpers?: Readonly<Record<string, string>> | null | undefined;
  readonly [key: string]: unknown;
}

const DocumentSchema: v.GenericSchema<unknown, AuthDocument> = v.pipe(
  TableSchema,
  v.looseObject({
    auths: v.nullish(TableSchema),
    credHelpers: v.nullish(v.pipe(TableSchema, v.record(v.string(), v.string()))),
  }),
);

/** The key of Docker Hub in files of the docker command. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/**
 * Replaces a credential file by what `change` makes of it: under a lock, so that two logins at a time lose nothing, and
 * atomically. Only its user may read the file. Through a symbolic link its target is replaced. cli.md 7.5.
 * @throws {ImageError} CONFIG_INVALID for a file that can't be understood, which is left as it is
 */
export async function updateAuthFile(
  target: AuthFileTarget,
  change: (document: AuthDocument) => AuthDocument | Promise<AuthDocument>,
  options: OperationOptions = {},
): Promise<void> {
  const path = canonicalPath(target.path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await withFileLock(
    `${path}.lock`,
    async () => {
      const changed = await change(await readAuthDocument(path));
      await removeUnfinished(path);
      await writeFileAtomically(path, formatDocument(changed), 0o600);
    },
    options,
  );
}

/** The file as it is; one that does not exist is empty. @throws {ImageError} CONFIG_INVALID, without quoting the file */
export async function readAuthDocument(path: string): Promise<AuthDocument> {
  const bytes = await readOptionalFile(path);
  if (bytes === undefined) return { auths: {} };
  try {
    const result = v.safeParse(DocumentSchema, parseStrictJson(bytes, { duplicateKeys: "last-wins" }) ?? {});
    if (result.success) return result.output;
    const place = v.getDotPath(result.issues[0]);
    throw new ImageError("CONFIG_INVALID", `${place ?? "document"}: unexpected type of value`);
  } catch (error) {
    throw withContext(`reading JSON file "${path}": unmarshaling JSON at "${path}"`, error);
  }
}

/** The document with a login, in the place of an older one for the same key. */
export function withLogin(
  document: AuthDocument,
  key: string,
  credentials: Credentials,
  format: AuthFileTarget["format"],
): AuthDocument {
  const { username, password, identityToken } = credentials;
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  const entry = identityToken ? { auth, identitytoken: identityToken } : { auth };
  return { ...document, auths: { ...document.auths, [storedKey(key, format)]: entry } };
}

/** The document without a login; undefined when it has none under this very key. */
export function withoutLogin(
  document: AuthDocument,
  key: string,
  format: AuthFileTarget["format"],
): AuthDocument | undefined {
  const stored = storedKey(key, format);
  if (!Object.hasOwn(document.auths ?? {}, stored)) return undefined;
  const { [stored]: _, ...auths } = document.auths ?? {};
  return { ...document, auths };
}

/** @throws {ImageError} CONFIG_INVALID for a namespace, which the docker command does not know */
function storedKey(key: string, format: AuthFileTarget["format"]): string {
  if (format === "containers") return key;
  if (key.includes("/")) {
    throw new ImageError(
      "CONFIG_INVALID",
      `Credentials cannot be recorded in Docker-compatible format with namespaced key "${key}"`,
    );
  }
  return key === "docker.io" ? DOCKER_HUB_KEY : key;
}

function formatDocument({ auths, credHelpers, ...others }: AuthDocument): string {
  const sorted = Object.fromEntries(
    Object.entries(auths ?? {}).sort(([left], [right]) => (left < right ? -1 : 1)),
  );
  const hasHelpers = credHelpers && Object.keys(credHelpers).length > 0;
  return JSON.stringify({ auths: sorted, ...(hasHelpers ? { credHelpers } : {}), ...others }, null, "\t");
}
