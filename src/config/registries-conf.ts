import { inContext } from "../core/errors.ts";
import { readOptionalDirectory, readOptionalFile, readRequiredFile } from "./configuration-file.ts";
import type { ConfigurationListener } from "./listener.ts";
import { type Environment, registriesConfLocations, registriesDropInLocations } from "./locations.ts";
import type { RegistriesConfLayer } from "./registries-conf-layer.ts";
import type { Registry, ShortNameMode } from "./registries-conf-rules.ts";
import type { AllowedVersions } from "./registries-conf-schema.ts";

/** What registries.conf and its drop-ins say together. Registry-and-config reference 12. */
export interface RegistriesConf {
  /** In the order of their prefixes, of which no two are equal. */
  readonly registries: readonly Registry[];
  readonly unqualifiedSearchRegistries: readonly string[];
  /** To be asked for credentials, in order; never empty. */
  readonly credentialHelpers: readonly string[];
  readonly shortNameMode: ShortNameMode;
  /** From short names to full repository names. */
  readonly aliases: ReadonlyMap<string, string>;
  /** A program that is told the credentials of a source that was opened. */
  readonly additionalLayerStoreAuthHelper: string | undefined;
  /** The main file and the user's drop-in directory, for messages: `A or B`. */
  readonly origin: string;
  /** The files that were read, in order; a file of comments counts. */
  readonly files: readonly string[];
  /** The file that has the table for a prefix. */
  readonly tableFiles: ReadonlyMap<string, string>;
  /** The file that has a short name's alias. */
  readonly aliasFiles: ReadonlyMap<string, string>;
}

export interface RegistriesConfOptions extends ConfigurationListener {
  readonly environment: Environment;
  /** Used as the main file, and must exist; "" counts as not given. */
  readonly file?: string | undefined;
  /**
   * Passes over drop-ins that can hold nothing but aliases: most machines have a long one, and a name that says its
   * registry needs none. What they hold is then not checked either.
   */
  readonly skipAliasFiles?: boolean | undefined;
}

/**
 * Reads the main registries file and its drop-ins. Without any the configuration is empty.
 * Registry-and-config reference 12.1.
 * @throws {ImageError} CONFIG_INVALID naming the file, and the line of a syntax error
 */
export async function loadRegistriesConf(options: RegistriesConfOptions): Promise<RegistriesConf> {
  const main = await readMainFile(options);
  const layers: LayerOfFile[] = [];
  if (main.bytes !== undefined) {
    const context = `loading registries configuration "${main.path}"`;
    layers.push({ file: main.path, layer: await readLayer(main.bytes, "version-1-or-2", context) });
  }
  for (const directory of main.dropIns) layers.push(...(await readDropIns(directory, options)));
  const [userDropIns] = registriesDropInLocations(options.environment);
  return merge(layers, `${main.path} or ${userDropIns}`);
}

interface MainFile {
  readonly path: string;
  readonly bytes: Uint8Array | undefined;
  /** The drop-in directories that go with it, in reading order. */
  readonly dropIns: readonly string[];
}

/** What a file says; undefined where it says nothing. */
interface LayerOfFile {
  readonly file: string;
  readonly layer: RegistriesConfLayer | undefined;
}

/** A user's own main file hides the system's drop-ins as well. */
async function readMainFile(options: RegistriesConfOptions): Promise<MainFile> {
  const { environment, file: explicit } = options;
  const [userDropIns, systemDropIns] = registriesDropInLocations(environment);
  const dropIns = [systemDropIns, userDropIns];
  if (explicit) {
    options.debug?.(`Loading registries configuration "${explicit}"`);
    const context = `loading registries configuration "${explicit}"`;
    return { path: explicit, bytes: await inContext(context, () => readRequiredFile(explicit)), dropIns };
  }
  const [userFile, systemFile] = registriesConfLocations(environment);
  const userBytes = await readDefaultFile(userFile, options);
  if (userBytes !== undefined) return { path: userFile, bytes: userBytes, dropIns: [userDropIns] };
  return { path: systemFile, bytes: await readDefaultFile(systemFile, options), dropIns };
}

async function readDefaultFile(
  path: string,
  options: RegistriesConfOptions,
): Promise<Uint8Array | undefined> {
  const context = `loading registries configuration "${path}"`;
  const bytes = await inContext(context, () => readOptionalFile(path));
  if (bytes !== undefined) options.debug?.(`Loading registries configuration "${path}"`);
  return bytes;
}

async function readDropIns(
  directory: string,
  options: RegistriesConfOptions,
): Promise<readonly LayerOfFile[]> {
  const layers: LayerOfFile[] = [];
  for (const { name, isDirectory } of (await readOptionalDirectory(directory)) ?? []) {
    if (isDirectory || !name.endsWith(".conf")) continue;
    const path = `${directory}/${name}`;
    const context = `loading drop-in registries configuration "${path}"`;
    const bytes = await inContext(context, () => readOptionalFile(path));
    if (bytes === undefined || (options.skipAliasFiles && holdsOnlyAliases(bytes))) continue;
    options.debug?.(`Loading registries configuration "${path}"`);
    layers.push({ file: path, layer: await readLayer(bytes, "version-2", context) });
  }
  return layers;
}

/** Whether each line that could begin a table begins `[aliases]`, and nothing stands before the first. */
function holdsOnlyAliases(bytes: Uint8Array): boolean {
  const lines = new TextDecoder()
    .decode(bytes)
    .split("\n")
    .map((line) => line.trim());
  const first = lines.find((line) => line !== "" && !line.startsWith("#"));
  return first === "[aliases]" && lines.every((line) => !line.startsWith("[") || line === "[aliases]");
}

/** The settings of a file, if it has any: those that distributions install are all comments, and need no parser. */
async function readLayer(
  bytes: Uint8Array,
  versions: AllowedVersions,
  context: string,
): Promise<RegistriesConfLayer | undefined> {
  if (!hasContent(bytes)) return undefined;
  const { parseLayer } = await import("./registries-conf-layer.ts");
  return await inContext(context, () => parseLayer(bytes, versions));
}

/** Whether any line is more than a comment. */
function hasContent(bytes: Uint8Array): boolean {
  return new TextDecoder()
    .decode(bytes)
    .split("\n")
    .some((line) => !/^\s*(#|$)/.test(line));
}

/** A later file replaces what it mentions: a registry by its prefix, an alias by its name, anything else whole. */
function merge(files: readonly LayerOfFile[], origin: string): RegistriesConf {
  const layers = files.flatMap(({ layer }) => layer ?? []);
  const registries = new Map(
    layers.flatMap((layer) => layer.registries).map((registry) => [registry.prefix, registry]),
  );
  const aliases = new Map(layers.flatMap((layer) => [...layer.aliases]));
  const last = <T>(setting: (layer: RegistriesConfLayer) => T | undefined): T | undefined =>
    layers.map(setting).findLast((value) => value !== undefined);
  const helpers = last((layer) => layer.credentialHelpers) ?? [];
  return {
    registries: [...registries.values()].sort((one, other) => (one.prefix < other.prefix ? -1 : 1)),
    unqualifiedSearchRegistries: last((layer) => layer.unqualifiedSearchRegistries) ?? [],
    credentialHelpers: helpers.length === 0 ? ["containers-auth.json"] : helpers,
    shortNameMode: last((layer) => layer.shortNameMode) ?? "permissive",
    aliases: new Map([...aliases].filter(([, target]) => target !== "")),
    additionalLayerStoreAuthHelper: last((layer) => layer.additionalLayerStoreAuthHelper),
    origin,
    files: files.map(({ file }) => file),
    tableFiles: filesOf(files, (layer) => layer.registries.map(({ prefix }) => prefix)),
    aliasFiles: filesOf(files, (layer) => [...layer.aliases.keys()]),
  };
}

/** The last file that mentions each key. */
function filesOf(
  files: readonly LayerOfFile[],
  keysOf: (layer: RegistriesConfLayer) => readonly string[],
): ReadonlyMap<string, string> {
  return new Map(
    files.flatMap(({ file, layer }) =>
      layer === undefined ? [] : keysOf(layer).map((key): [string, string] => [key, file]),
    ),
  );
}
