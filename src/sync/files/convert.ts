import { convertImageSyncer } from "./convert-image-syncer.ts";
import { convertRegsync } from "./convert-regsync.ts";
import { fileError } from "./file-error.ts";
import type { WrittenAccess, WrittenMirrorFile } from "./written-mirror-file.ts";
import { parseYamlTree, type YamlMap, type YamlNode } from "./yaml-tree.ts";

/** Files of other programs that can be made into mirror files. */
export type ForeignFileKind = "regsync" | "image-syncer" | "image-syncer-auth";

/** A mirror file, and what could not be carried over, each with the line where it is written. */
export interface ConvertedFile {
  readonly yaml: string;
  readonly notes: readonly string[];
}

export interface ConvertOptions {
  /** Its name in notes and errors. */
  readonly file?: string | undefined;
  /** The `auth.yaml` (or `auth.json`) that belongs to the images of image-syncer. */
  readonly auth?: { readonly text: string; readonly file: string } | undefined;
}

/**
 * Makes a mirror file of a configuration of regsync or image-syncer (YAML or JSON). Without `kind` it is told by what is in
 * the file. Passwords are carried over as they are.
 * @throws {ImageError} CONFIG_INVALID where the file is none of these
 */
export async function convertSyncFile(
  text: string,
  kind?: ForeignFileKind,
  options: ConvertOptions = {},
): Promise<ConvertedFile> {
  const file = options.file ?? "the file";
  const root = await readRoot(text, file);
  const notes: string[] = [];
  const note = (place: string, message: string): void => void notes.push(`${place}: ${message}`);
  const auth = options.auth === undefined ? undefined : await readRoot(options.auth.text, options.auth.file);
  const written = convertRoot(root, kind ?? detectKind(root), auth, note);
  return { yaml: await formatMirrorFile(written), notes };
}

async function readRoot(text: string, file: string): Promise<YamlMap> {
  const root = await parseYamlTree(text, { file });
  if (root?.kind === "map") return root;
  throw fileError(`${file}:1`, "the file must be a mapping, as those of regsync and image-syncer are");
}

function convertRoot(
  root: YamlMap,
  kind: ForeignFileKind,
  auth: YamlMap | undefined,
  note: (place: string, message: string) => void,
): WrittenMirrorFile {
  if (kind === "regsync") return convertRegsync(root, note);
  const valueAt = (key: string): YamlNode | undefined => root.entries.get(key)?.value;
  const isCombined = valueAt("auth")?.kind === "map" || valueAt("images")?.kind === "map";
  if (isCombined) return convertImageSyncer(valueAt("images"), auth ?? valueAt("auth"), note);
  return kind === "image-syncer"
    ? convertImageSyncer(root, auth, note)
    : convertImageSyncer(undefined, root, note);
}

/** @throws {ImageError} CONFIG_INVALID */
function detectKind(root: YamlMap): ForeignFileKind {
  const entries = [...root.entries.values()];
  if (root.entries.get("sync")?.value.kind === "list") return "regsync";
  if (root.entries.get("images")?.value.kind === "map") return "image-syncer";
  const isAuth = (node: YamlNode): boolean =>
    node.kind === "map" && ["username", "password", "insecure"].some((key) => node.entries.has(key));
  if (entries.length > 0 && entries.every(({ value }) => isAuth(value))) return "image-syncer-auth";
  const isRule = ({ key, value }: { key: string; value: YamlNode }): boolean =>
    key.includes("/") && value.kind !== "map";
  if (entries.length > 0 && entries.every(isRule)) return "image-syncer";
  throw fileError(
    root.place,
    "this is neither a file of regsync (with sync: and a list) nor of image-syncer",
  );
}

async function formatMirrorFile({ defaults, registries, mirrors }: WrittenMirrorFile): Promise<string> {
  const { stringify } = await import("yaml");
  const sections: Record<string, unknown> = { version: 1 };
  if (defaults !== undefined) sections.defaults = defaults;
  const named: readonly (readonly [string, WrittenAccess])[] = [...registries];
  if (named.length > 0) sections.registries = Object.fromEntries(named);
  sections.mirrors = mirrors;
  return stringify(sections, { lineWidth: 0, aliasDuplicateObjects: false });
}
