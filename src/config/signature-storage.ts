import * as v from "valibot";
import { type DockerName, formatDockerName, repositoryName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import { readOptionalDirectory, readRequiredFile, yamlProblem } from "./configuration-file.ts";
import { type Environment, signatureStorageLocations } from "./locations.ts";

/** What registries.d says of the signatures of some names. */
interface StorageEntry {
  readonly file: string;
  readonly lookaside: string | undefined;
  readonly lookasideStaging: string | undefined;
  readonly useSigstoreAttachments: boolean | undefined;
}

/** All of registries.d. Registry-and-config reference 13. */
export interface SignatureStorage {
  readonly directory: string;
  readonly fallback: StorageEntry | undefined;
  /** By registry, repository or image, or `*.domain`. */
  readonly namespaces: ReadonlyMap<string, StorageEntry>;
}

/** A setting, and the file that has it; without a file it is the default. */
export interface StorageSetting<T> {
  readonly value: T;
  readonly file: string | undefined;
}

/** Where the signatures of one image are. */
export interface StorageChoice {
  /** The URL below which they are read, and the one below which they are written. */
  readonly read: StorageSetting<string>;
  readonly write: StorageSetting<string>;
  /** Whether they are kept in the registry, as sigstore attachments. */
  readonly useSigstoreAttachments: StorageSetting<boolean>;
}

const Flag = v.pipe(
  v.picklist(["true", "false"]),
  v.transform((text) => text === "true"),
);
const EntrySchema = v.nullish(
  v.object({
    lookaside: v.optional(v.string()),
    "lookaside-staging": v.optional(v.string()),
    sigstore: v.optional(v.string()),
    "sigstore-staging": v.optional(v.string()),
    "use-sigstore-attachments": v.optional(Flag),
  }),
);
const FileSchema = v.nullish(
  v.object({
    "default-docker": EntrySchema,
    docker: v.nullish(v.record(v.string(), EntrySchema)),
  }),
);

/**
 * Reads all files of the directory, or of the usual one. A directory that is missing says nothing.
 * @throws {ImageError} CONFIG_INVALID when two files define the same, naming both
 */
export async function readSignatureStorage(
  environment: Environment,
  directory?: string | undefined,
): Promise<SignatureStorage> {
  const found = directory ?? (await usualDirectory(environment));
  const namespaces = new Map<string, StorageEntry>();
  let fallback: StorageEntry | undefined;
  for (const { name, isDirectory } of (await readOptionalDirectory(found)) ?? []) {
    if (isDirectory || !name.endsWith(".yaml")) continue;
    const file = `${found}/${name}`;
    const content = await readFile(file);
    if (content?.["default-docker"]) {
      if (fallback !== undefined) throw duplicate('"default-docker"', fallback.file, file);
      fallback = makeEntry(content["default-docker"], file);
    }
    for (const [namespace, entry] of Object.entries(content?.docker ?? {})) {
      const other = namespaces.get(namespace);
      if (other !== undefined) throw duplicate(`"docker" namespace "${namespace}"`, other.file, file);
      namespaces.set(namespace, makeEntry(entry, file));
    }
  }
  return { directory: found, fallback, namespaces };
}

/** What holds for an image: of each setting the most specific entry that has it. */
export function chooseSignatureStorage(
  storage: SignatureStorage,
  name: DockerName,
  environment: Environment,
): StorageChoice {
  const entries = [...lookupKeys(name).map((key) => storage.namespaces.get(key)), storage.fallback].filter(
    (entry) => entry !== undefined,
  );
  const usual = { value: defaultLookaside(environment), file: undefined };
  const reading = entries.find(({ lookaside }) => lookaside !== undefined);
  const writing = entries.find(
    ({ lookaside, lookasideStaging }) => (lookasideStaging ?? lookaside) !== undefined,
  );
  const attached = entries.find(({ useSigstoreAttachments }) => useSigstoreAttachments !== undefined);
  return {
    read: reading?.lookaside === undefined ? usual : { value: reading.lookaside, file: reading.file },
    write:
      writing === undefined
        ? usual
        : { value: writing.lookasideStaging ?? writing.lookaside ?? usual.value, file: writing.file },
    useSigstoreAttachments: { value: attached?.useSigstoreAttachments ?? false, file: attached?.file },
  };
}

/** The image, its repository, what is above it, the host, and then domains without the port. */
function lookupKeys(name: DockerName): readonly string[] {
  const keys = [formatDockerName(name)];
  for (
    let scope = repositoryName(name);
    scope !== "";
    scope = scope.slice(0, Math.max(0, scope.lastIndexOf("/")))
  ) {
    keys.push(scope);
  }
  const host = name.registry.replace(/:\d+$/, "");
  for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1))
    keys.push(`*${host.slice(dot)}`);
  return keys;
}

async function usualDirectory(environment: Environment): Promise<string> {
  const [user, system] = signatureStorageLocations(environment);
  return (await readOptionalDirectory(user)) === undefined ? system : user;
}

function defaultLookaside({ env, home, uid }: Environment): string {
  if (uid === 0) return "file:///var/lib/containers/sigstore";
  return `file://${env.XDG_DATA_HOME || `${home}/.local/share`}/containers/sigstore`;
}

async function readFile(file: string): Promise<v.InferOutput<typeof FileSchema>> {
  const text = new TextDecoder().decode(await readRequiredFile(file));
  // Those that distributions install are all comments, and need no parser.
  if (!/^\s*[^\s#]/m.test(text)) return undefined;
  try {
    const { parse } = await import("yaml");
    return v.parse(FileSchema, parse(text, { schema: "failsafe", logLevel: "error" }));
  } catch (error) {
    throw new ImageError("CONFIG_INVALID", `parsing ${file}: ${yamlProblem(error)}`, { cause: error });
  }
}

function makeEntry(entry: v.InferOutput<typeof EntrySchema>, file: string): StorageEntry {
  return {
    file,
    lookaside: entry?.lookaside ?? entry?.sigstore,
    lookasideStaging: entry?.["lookaside-staging"] ?? entry?.["sigstore-staging"],
    useSigstoreAttachments: entry?.["use-sigstore-attachments"],
  };
}

function duplicate(what: string, one: string, other: string): ImageError {
  return new ImageError(
    "CONFIG_INVALID",
    `Error parsing signature storage configuration: ${what} defined both in "${one}" and "${other}"`,
  );
}
