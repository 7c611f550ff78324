import * as v from "valibot";
import { ImageError } from "../core/errors.ts";
import { parseStrictJson } from "../core/strict-json.ts";
import { sortedRecord } from "./go-json.ts";
import { formatTime, normalizeTime } from "./go-time.ts";
import { isRecord } from "./json.ts";

/**
 * The config of an image, spelled as in the OCI image spec 1.1, config.md, which Docker's config agrees with.
 * A missing string is "" and a missing list or map is null, as it is for programs written in Go; the difference between
 * null and empty shows in what `inspect` prints. Times are as `normalizeTime` gives them.
 */
export interface ImageConfig {
  /** RFC 3339. */
  readonly created: string | null;
  /** A name, with an address perhaps. */
  readonly author: string;
  /** A value of GOARCH. */
  readonly architecture: string;
  /** A value of GOOS. */
  readonly os: string;
  /** Of Windows. */
  readonly "os.version": string;
  /** What the system must have. */
  readonly "os.features": readonly string[] | null;
  /** Of the processor. */
  readonly variant: string;
  /** How a container is run. */
  readonly config: RunConfig;
  /** The digests of the layers, uncompressed, lowest first. */
  readonly rootfs: { readonly type: string; readonly diff_ids: readonly string[] | null };
  /** How each layer came to be, lowest first. */
  readonly history: readonly HistoryEntry[] | null;
  /** The whole document as it was read, with the members that only Docker knows. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** How a container of the image is run. Image spec 1.1, config.md, "config". */
export interface RunConfig {
  /** `user`, `uid`, `user:group` or `uid:gid`. */
  readonly User: string;
  /** The keys of an object that has empty objects as values: `80/tcp`. */
  readonly ExposedPorts: readonly string[] | null;
  /** `NAME=value`. */
  readonly Env: readonly string[] | null;
  /** The words that a command begins with. */
  readonly Entrypoint: readonly string[] | null;
  /** The command, or the arguments of the entrypoint. */
  readonly Cmd: readonly string[] | null;
  /** Keys, like `ExposedPorts`. */
  readonly Volumes: readonly string[] | null;
  /** An absolute path. */
  readonly WorkingDir: string;
  /** What whoever built the image says about it. */
  readonly Labels: Readonly<Record<string, string>> | null;
  /** `SIGTERM`. */
  readonly StopSignal: string;
  /** Of Windows: the command is one line that is quoted already. */
  readonly ArgsEscaped: boolean;
}

/** How a layer came to be. Image spec 1.1, config.md, "history". */
export interface HistoryEntry {
  /** RFC 3339. */
  readonly created: string | null;
  /** The command that made the layer. */
  readonly created_by: string;
  /** Who made it. */
  readonly author: string;
  /** What the builder said. */
  readonly comment: string;
  /** The step changed no file, and has no layer. */
  readonly empty_layer: boolean;
}

// The message of each schema is the type that Go would name in its error.
const Text = v.pipe(
  v.nullable(v.string("string")),
  v.transform((text) => text?.toWellFormed() ?? ""),
);
const Flag = v.pipe(
  v.nullable(v.boolean("bool")),
  v.transform((flag) => flag ?? false),
);
const Texts = list(Text, "[]string");
const DigestText = v.pipe(
  v.nullable(v.string("digest.Digest")),
  v.transform((text) => text ?? ""),
);
const Time = v.pipe(v.unknown(), v.transform(readTime));
const EmptyObject = v.nullable(v.custom<object>(isRecord, "struct {}"));
const KeySet = v.pipe(
  map(EmptyObject, "map[string]struct {}"),
  v.transform((entries) => entries && Object.keys(Object.fromEntries(entries))),
);
const Labels = v.pipe(
  map(Text, "map[string]string"),
  v.transform((entries) => entries && Object.fromEntries(entries)),
);

const RunConfigSchema = structure("v1.ImageConfig", {
  User: Text,
  ExposedPorts: KeySet,
  Env: Texts,
  Entrypoint: Texts,
  Cmd: Texts,
  Volumes: KeySet,
  WorkingDir: Text,
  Labels,
  StopSignal: Text,
  ArgsEscaped: Flag,
});
const RootFilesystemSchema = structure("v1.RootFS", {
  type: Text,
  diff_ids: list(DigestText, "[]digest.Digest"),
});
const HistorySchema = structure("v1.History", {
  created: Time,
  created_by: Text,
  author: Text,
  comment: Text,
  empty_layer: Flag,
});
const ImageConfigSchema = structure("v1.Image", {
  created: Time,
  author: Text,
  architecture: Text,
  os: Text,
  "os.version": Text,
  "os.features": Texts,
  variant: Text,
  config: RunConfigSchema,
  rootfs: RootFilesystemSchema,
  history: list(HistorySchema, "[]v1.History"),
});

/**
 * Reads a config as leniently as Go does: names of members in any letter case, null for what is absent, lists and maps
 * may hold nulls.
 * @throws {ImageError} MANIFEST_INVALID with Go's own words
 */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const document = parseDocument(bytes);
  const result = v.safeParse(ImageConfigSchema, document);
  if (!result.success) throw typeError(result.issues[0]);
  return { ...result.output, raw: isRecord(document) ? document : {} };
}

/**
 * The config as the OCI format knows it, for `formatGoJson`: members in the order of the specification, empty ones left
 * out, members of other formats dropped. images.md 7.1, cli.md 5.1 (`--config`).
 */
export function reserializeConfig(image: ImageConfig): Readonly<Record<string, unknown>> {
  return {
    created: image.created === null ? undefined : formatTime(image.created),
    author: unlessEmpty(image.author),
    architecture: image.architecture,
    os: image.os,
    "os.version": unlessEmpty(image["os.version"]),
    "os.features": unlessEmpty(image["os.features"]),
    variant: unlessEmpty(image.variant),
    config: reserializeRunConfig(image.config),
    rootfs: { type: image.rootfs.type, diff_ids: image.rootfs.diff_ids },
    history: unlessEmpty(image.history)?.map(reserializeHistory),
  };
}

function reserializeRunConfig(config: RunConfig): unknown {
  const labels = config.Labels === null ? undefined : sortedRecord(config.Labels);
  return {
    User: unlessEmpty(config.User),
    ExposedPorts: reserializeKeys(config.ExposedPorts),
    Env: unlessEmpty(config.Env),
    Entrypoint: unlessEmpty(config.Entrypoint),
    Cmd: unlessEmpty(config.Cmd),
    Volumes: reserializeKeys(config.Volumes),
    WorkingDir: unlessEmpty(config.WorkingDir),
    Labels: labels?.size ? labels : undefined,
    StopSignal: unlessEmpty(config.StopSignal),
    ArgsEscaped: config.ArgsEscaped || undefined,
  };
}

function reserializeHistory(entry: HistoryEntry): unknown {
  return {
    created: entry.created === null ? undefined : formatTime(entry.created),
    created_by: unlessEmpty(entry.created_by),
    author: unlessEmpty(entry.author),
    comment: unlessEmpty(entry.comment),
    empty_layer: entry.empty_layer || undefined,
  };
}

function reserializeKeys(keys: readonly string[] | null): unknown {
  if (keys === null || keys.length === 0) return undefined;
  return sortedRecord(Object.fromEntries(keys.map((key) => [key, {}])));
}

function unlessEmpty<T extends { readonly length: number }>(value: T | null): T | undefined {
  return value === null || value.length === 0 ? undefined : value;
}

/** An object of which only these members are read; null counts as an object without members. */
function structure<E extends v.ObjectEntries>(goType: string, entries: E) {
  const names = new Map(Object.keys(entries).map((name) => [name.toLowerCase(), name]));
  return v.pipe(
    v.unknown(),
    v.transform((value) => (isRecord(value) || value === null ? foldKeys(value ?? {}, names) : value)),
    v.custom<Record<string, unknown>>(isRecord, goType),
    v.object(entries),
  );
}

function list<S extends v.GenericSchema>(item: S, goType: string) {
  return v.nullable(v.array(item, goType));
}

/** The entries of an object with arbitrary keys, "__proto__" among them, which `v.record` would skip. */
function map<S extends v.GenericSchema>(item: S, goType: string) {
  return v.pipe(
    v.nullable(v.custom<Record<string, unknown>>(isRecord, goType)),
    v.transform((value) => (value ? Object.entries(value) : null)),
    v.nullable(v.array(v.tuple([v.string(), item]))),
  );
}

/**
 * The members with known names, whatever letter case they are written in, null where there is none. Of several
 * spellings the last one counts, unless it is null; objects add up.
 */
function foldKeys(
  value: Readonly<Record<string, unknown>>,
  names: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const folded: Record<string, unknown> = {};
  for (const name of names.values()) folded[name] = null;
  for (const [key, member] of Object.entries(value)) {
    const name = names.get(key.toLowerCase());
    if (name === undefined || member === null) continue;
    const earlier = folded[name];
    folded[name] = isRecord(earlier) && isRecord(member) ? { ...earlier, ...member } : member;
  }
  return folded;
}

function readTime(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return normalizeTime(value);
  throw invalid("Time.UnmarshalJSON: input is not a JSON string");
}

function parseDocument(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw syntaxError(bytes, error);
  }
}

/** The other parser is slower, but says what is wrong in Go's words. */
function syntaxError(bytes: Uint8Array, cause: unknown): unknown {
  try {
    parseStrictJson(bytes, { code: "MANIFEST_INVALID", duplicateKeys: "last-wins" });
  } catch (error) {
    if (!(error instanceof ImageError)) return error;
    return invalid(error.message.replace(/ \(line \d+, column \d+\)$/, ""), cause);
  }
  return invalid("invalid JSON", cause);
}

/** The Go types that hold the members of nested objects. */
const STRUCTURES: Readonly<Record<string, string>> = {
  config: "ImageConfig",
  rootfs: "RootFS",
  history: "History",
};
const PLATFORM_MEMBERS: ReadonlySet<string> = new Set([
  "architecture",
  "os",
  "os.version",
  "os.features",
  "variant",
]);

function typeError(issue: v.BaseIssue<unknown>): ImageError {
  const keys = (issue.path ?? []).map((item) => item.key).filter((key) => typeof key === "string");
  const problem = `json: cannot unmarshal ${jsonKind(issue.input)} into Go`;
  const [outer, inner] = keys;
  if (outer === undefined) return invalid(`${problem} value of type ${issue.message}`);
  const owner = inner === undefined ? "Image" : STRUCTURES[outer];
  const place = PLATFORM_MEMBERS.has(outer) ? `Platform.${outer}` : keys.slice(0, 2).join(".");
  return invalid(`${problem} struct field ${owner}.${place} of type ${issue.message}`);
}

/** What Go calls a JSON value of this kind in errors. */
export function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

function invalid(message: string, cause?: unknown): ImageError {
  return new ImageError("MANIFEST_INVALID", message, { cause });
}
