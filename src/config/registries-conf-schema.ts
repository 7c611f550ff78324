import * as v from "valibot";
import { ImageError } from "../core/errors.ts";
import { foldKeys, TableSchema } from "./fold-keys.ts";
import { findTomlLine } from "./toml-line.ts";

const Texts = v.array(v.string());

const MirrorSchema = v.pipe(
  TableSchema,
  v.transform((mirror) => foldKeys(mirror, ["location", "insecure", "pull-from-mirror"])),
  v.object({
    location: v.optional(v.string(), ""),
    insecure: v.optional(v.boolean(), false),
    "pull-from-mirror": v.optional(v.string(), ""),
  }),
);

const RegistrySchema = v.pipe(
  TableSchema,
  v.transform((registry) =>
    foldKeys(registry, [
      "prefix",
      "location",
      "insecure",
      "blocked",
      "mirror-by-digest-only",
      "pull-from-mirror",
      "mirror",
    ]),
  ),
  v.object({
    prefix: v.optional(v.string(), ""),
    location: v.optional(v.string(), ""),
    insecure: v.optional(v.boolean(), false),
    blocked: v.optional(v.boolean(), false),
    "mirror-by-digest-only": v.optional(v.boolean(), false),
    "pull-from-mirror": v.optional(v.string(), ""),
    mirror: v.optional(v.array(MirrorSchema), []),
  }),
);

const Version1List = v.optional(
  v.pipe(
    TableSchema,
    v.transform((table) => foldKeys(table, ["registries"])),
    v.object({ registries: v.optional(Texts) }),
  ),
);

const FileSchema = v.pipe(
  TableSchema,
  v.transform((file) =>
    foldKeys(file, [
      "registry",
      "unqualified-search-registries",
      "credential-helpers",
      "short-name-mode",
      "additional-layer-store-auth-helper",
      "aliases",
      "registries",
    ]),
  ),
  v.object({
    registry: v.optional(v.array(RegistrySchema)),
    "unqualified-search-registries": v.optional(Texts),
    "credential-helpers": v.optional(Texts),
    "short-name-mode": v.optional(v.string()),
    "additional-layer-store-auth-helper": v.optional(v.string()),
    aliases: v.optional(v.pipe(TableSchema, v.record(v.string(), v.string()))),
    registries: v.optional(
      v.pipe(
        TableSchema,
        v.transform((tables) => foldKeys(tables, ["search", "insecure", "block"])),
        v.object({ search: Version1List, insecure: Version1List, block: Version1List }),
      ),
      {},
    ),
  }),
);

/** One `[[registry.mirror]]` table, as written. */
export interface RawMirror {
  readonly location: string;
  readonly insecure: boolean;
  readonly "pull-from-mirror": string;
}

/** One `[[registry]]` table, as written. */
export interface RawRegistry {
  readonly prefix: string;
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
  readonly "mirror-by-digest-only": boolean;
  readonly "pull-from-mirror": string;
  readonly mirror: readonly RawMirror[];
}

/** The keys of version 2 of the format, as written. Registry-and-config reference 12.2. */
export interface RawRegistriesConf {
  readonly registry?: readonly RawRegistry[] | undefined;
  readonly "unqualified-search-registries"?: readonly string[] | undefined;
  readonly "credential-helpers"?: readonly string[] | undefined;
  readonly "short-name-mode"?: string | undefined;
  readonly "additional-layer-store-auth-helper"?: string | undefined;
  readonly aliases?: Readonly<Record<string, string>> | undefined;
}

/** Which versions of the format a file may have. */
export type AllowedVersions = "version-1-or-2" | "version-2";

/**
 * Parses one registries.conf and checks the types of what is known; a file in version 1 is brought to version 2.
 * @throws {ImageError} CONFIG_INVALID with the line and column of a syntax error, or the line and key of a wrong type
 */
export async function parseRegistriesConf(
  bytes: Uint8Array,
  versions: AllowedVersions,
): Promise<RawRegistriesConf> {
  const text = new TextDecoder().decode(bytes);
  const document = await parseToml(text);
  const result = v.safeParse(FileSchema, document);
  if (!result.success) throw typeError(result.issues[0], text);
  const { registries: version1, ...version2 } = result.output;
  const lists = [version1.search, version1.insecure, version1.block].map((table) => table?.registries);
  if (lists.every((list) => list === undefined)) return version2;
  if (versions === "version-2") throw invalid("registry must be in v2 format but is in v1");
  refuseMixture(version2);
  const [search = [], insecure = [], blocked = []] = lists;
  return upgrade(search, insecure, blocked);
}

async function parseToml(text: string): Promise<unknown> {
  const { parse, TomlError } = await import("smol-toml");
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "";
    throw invalid(`toml: line ${error.line}, column ${error.column}: ${reason}`, error);
  }
}

function typeError(issue: v.InferIssue<typeof FileSchema>, text: string): ImageError {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
  const key = path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .slice(1);
  const line = findTomlLine(text, path);
  const expected = TOML_TYPES[issue.expected ?? ""] ?? issue.expected;
  return invalid(
    `toml: ${line === undefined ? "" : `line ${line}: `}key "${key}": incompatible types: expected ${expected}, found ${tomlType(issue.input)}`,
  );
}

/** What the schema calls them, and what TOML does. */
const TOML_TYPES: Readonly<Record<string, string>> = { Array: "array", unknown: "table" };

function tomlType(value: unknown): string {
  if (Array.isArray(value)) return "array";
  return typeof value === "object" ? "table" : typeof value;
}

function refuseMixture(version2: RawRegistriesConf): void {
  const present = Object.entries(version2).filter(([, value]) => value !== undefined);
  if (present.length === 0) return;
  const names = present.map(([name]) => name).join(", ");
  throw invalid(`mixing sysregistry v1/v2 is not supported: [registries.*] of version 1 beside ${names}`);
}

function upgrade(
  search: readonly string[],
  insecure: readonly string[],
  blocked: readonly string[],
): RawRegistriesConf {
  const locations = new Set([...blocked, ...insecure].map(withoutTrailingSlashes));
  const isListed = (list: readonly string[], location: string): boolean =>
    list.some((entry) => withoutTrailingSlashes(entry) === location);
  return {
    "unqualified-search-registries": [...search],
    registry: [...locations].map((location) => ({
      prefix: "",
      location,
      insecure: isListed(insecure, location),
      blocked: isListed(blocked, location),
      "mirror-by-digest-only": false,
      "pull-from-mirror": "",
      mirror: [],
    })),
  };
}

export function withoutTrailingSlashes(location: string): string {
  let end = location.length;
  while (location[end - 1] === "/") end--;
  return location.slice(0, end);
}

function invalid(message: string, cause?: unknown): ImageError {
  return new ImageError("CONFIG_INVALID", message, { cause });
}
