import { parseDockerName, repositoryName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { convertTemplate, type RegsyncTemplate } from "./regsync-template.ts";
import {
  escapeVariables,
  type Note,
  type WrittenAccess,
  type WrittenMirror,
  type WrittenMirrorFile,
  type WrittenSettings,
  type WrittenTags,
} from "./written-mirror-file.ts";
import { isNull, type YamlMap, type YamlNode } from "./yaml-tree.ts";
import { readMap } from "./yaml-values.ts";

/** Why keys that mean something to regsync are not carried over. */
const REASONS: Readonly<Record<string, string>> = {
  interval: "skopeo runs once; let cron or systemd repeat it",
  schedule: "skopeo runs once; let cron or systemd repeat it",
  backup: "what is replaced is not kept under another tag; plans name the digests that change",
  ratelimit: "limits are kept by slowing down when a registry asks for it",
  parallel: "the number of copies at a time is a flag",
  mediaTypes: "images of all types are copied",
  hooks: "no commands are run",
  fastCheck: "what is there already is never read again",
  fastCopy: "what is there already is never read again",
  forceRecursive: "what is there already is never read again",
  referrerFilters: "all referrers go along, or none",
  referrerSource: "referrers come from where the image comes from",
  referrerTarget: "referrers go where the image goes",
  credHelper: "name it under credHelpers in an auth file",
  regcert: "put the certificate into a directory and name that with cert-dir",
  clientCert: "put the certificate into a directory and name that with cert-dir",
  clientKey: "put the key into a directory and name that with cert-dir",
  hostname: "name it as location in registries.conf",
  mirrors: "name them in registries.conf",
  pathPrefix: "name it as location in registries.conf",
};
const WITHOUT_COUNTERPART = "there is no counterpart";
const SKIPPED_QUIETLY: readonly string[] = ["version"];

/** Makes a mirror file of a configuration of regsync. */
export function convertRegsync(root: YamlMap, note: Note): WrittenMirrorFile {
  noteOthers(root, ["creds", "defaults", "sync"], note);
  const defaults = root.entries.get("defaults")?.value;
  const entries = defaults === undefined || isNull(defaults) ? undefined : readMap(defaults, "defaults");
  if (entries !== undefined) noteOthers(entries, ["referrers", "digestTags"], note);
  const settings = entries === undefined ? {} : readSettings(entries);
  return {
    // Nothing goes along with images unless it is asked for.
    defaults: { referrers: settings.referrers ?? false, "cosign-tags": settings["cosign-tags"] ?? false },
    registries: new Map(itemsOf(root, "creds").flatMap((item) => convertLogin(readMap(item, "creds"), note))),
    mirrors: itemsOf(root, "sync").flatMap((item) => convertStep(readMap(item, "sync"), note)),
  };
}

function noteOthers(map: YamlMap, known: readonly string[], note: Note): void {
  for (const { key, place } of map.entries.values()) {
    if (known.includes(key) || key.startsWith("x-") || SKIPPED_QUIETLY.includes(key)) continue;
    const reason = Object.hasOwn(REASONS, key) ? REASONS[key] : undefined;
    note(place, `${key} is left out: ${reason ?? WITHOUT_COUNTERPART}`);
  }
}

function convertLogin(map: YamlMap, note: Note): readonly (readonly [string, WrittenAccess])[] {
  noteOthers(map, ["registry", "user", "pass", "tls"], note);
  const registry = convertTemplate(textAt(map, "registry"));
  if (registry === undefined || registry.text === "") {
    note(map.place, "these credentials are left out: their registry is a template, or is not named");
    return [];
  }
  const [username, password] = [convertTemplate(textAt(map, "user")), convertTemplate(textAt(map, "pass"))];
  const isGiven = textAt(map, "user") !== "" || textAt(map, "pass") !== "";
  const isUsable = !!username?.text && !!password?.text;
  if (isGiven && !isUsable) {
    note(
      map.place,
      `the credentials for ${registry.text} are left out: they need a user and a password, each a text or {{env "NAME"}}`,
    );
  } else if (isUsable && !password.hasVariables) {
    note(
      map.place,
      `the password for ${registry.text} is in the new file, too; a variable such as \${PASSWORD} would keep it out`,
    );
  }
  const isInsecure = ["disabled", "insecure"].includes(textAt(map, "tls"));
  const access: WrittenAccess = {
    ...(isUsable ? { credentials: { username: escaped(username), password: escaped(password) } } : {}),
    ...(isInsecure ? { "tls-verify": false } : {}),
  };
  return Object.keys(access).length === 0 ? [] : [[registry.text, access]];
}

function escaped({ text, hasVariables }: RegsyncTemplate): string {
  return hasVariables ? text : escapeVariables(text);
}

const STEP_KEYS = [
  ...["source", "target", "type", "tags", "tagSets", "targetTag"],
  ...["referrers", "digestTags", "platform", "platforms"],
];

function convertStep(map: YamlMap, note: Note): readonly WrittenMirror[] {
  noteOthers(map, STEP_KEYS, note);
  const source = textAt(map, "source");
  try {
    const type = textAt(map, "type");
    const from = convertName(source);
    const to = convertName(textAt(map, "target"), source);
    const settings = { ...readSettings(map), ...readPlatforms(map, note) };
    if (type === "image") return [{ ...withLatest(from, to), ...settings }];
    if (type !== "repository") throw fault(`${type || "no"} type; repositories have to be named one by one`);
    const target = `${to}${convertTargetTag(map)}`;
    return readTagSets(map, note).map((tags) => ({
      from,
      to: target,
      ...(tags === undefined ? {} : { tags }),
      ...settings,
    }));
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    note(map.place, `the step for "${source}" is left out: ${errorMessage(error)}`);
    return [];
  }
}

/** A name with its templates replaced. @throws {ImageError} CONFIG_INVALID */
function convertName(text: string, source?: string): string {
  const converted = convertTemplate(text, source);
  if (converted === undefined) throw fault(`"${text}" is a template that has no counterpart`);
  if (converted.text.startsWith("ocidir://"))
    throw fault("OCI layouts can neither be source nor destination");
  if (converted.hasVariables) {
    if (/^[^/]*\$\{\w+\}[^/]*\/[^$]+$/.test(converted.text)) return converted.text;
    throw fault("a mirror file takes variables for registries only");
  }
  const name = parseDockerName(converted.text);
  const reference = name.digest === undefined ? "" : `@${name.digest}`;
  return `${repositoryName(name)}${name.tag === undefined ? "" : `:${name.tag}`}${reference}`;
}

/** Names without a tag mean the latest image. */
function withLatest(from: string, to: string): { from: string; to: string } {
  const tagged = (name: string): string => (/:[^/]*$|@/.test(name) ? name : `${name}:latest`);
  return { from: tagged(from), to: from.includes("@") && !/:[^/]*$/.test(to) ? `${to}:latest` : tagged(to) };
}

function convertTargetTag(map: YamlMap): string {
  const text = textAt(map, "targetTag");
  if (text === "") return "";
  const filled = text.replace(/\{\{\s*\.Source\.Tag\s*\}\}/g, "{{tag}}");
  if (/[{}]/.test(filled.replaceAll("{{tag}}", "")))
    throw fault(`targetTag is a template that has no counterpart`);
  return `:${filled}`;
}

/** Several sets are several entries: together they mean the union. */
function readTagSets(map: YamlMap, note: Note): readonly (WrittenTags | undefined)[] {
  const own = map.entries.get("tags")?.value;
  const sets = [...(own === undefined || isNull(own) ? [] : [own]), ...itemsOf(map, "tagSets")];
  return sets.length === 0 ? [undefined] : sets.map((set) => convertTags(readMap(set, "tags"), note));
}

function convertTags(map: YamlMap, note: Note): WrittenTags | undefined {
  noteOthers(map, ["allow", "deny", "semverRange"], note);
  const include = itemsOf(map, "allow").map((node) => convertRegex(textOf(node)));
  const exclude = itemsOf(map, "deny").map((node) => convertRegex(textOf(node)));
  const ranges = itemsOf(map, "semverRange").map(textOf);
  if (include.length + exclude.length + ranges.length === 0) return undefined;
  return {
    ...(include.length === 0 ? {} : { include }),
    ...(exclude.length === 0 ? {} : { exclude }),
    ...(ranges.length === 0 ? {} : { semver: ranges.join(" || "), prerelease: "include" }),
  };
}

/** Regular expressions that cover the whole tag; most are but a name. */
function convertRegex(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `/^(?:${text})$/`;
}

function readSettings(map: YamlMap): WrittenSettings {
  const flag = (key: string): boolean | undefined => {
    const text = textAt(map, key);
    return text === "" ? undefined : text === "true";
  };
  const [referrers, cosign] = [flag("referrers"), flag("digestTags")];
  return {
    ...(referrers === undefined ? {} : { referrers }),
    ...(cosign === undefined ? {} : { "cosign-tags": cosign }),
  };
}

function readPlatforms(map: YamlMap, note: Note): WrittenSettings {
  const single = map.entries.get("platform");
  const several = itemsOf(map, "platforms").map(textOf);
  if (single === undefined || isNull(single.value)) return several.length === 0 ? {} : { platforms: several };
  note(single.place, "platform gives an index with this platform only, where regsync gives the image itself");
  return { platforms: [textOf(single.value)] };
}

function itemsOf(map: YamlMap, key: string): readonly YamlNode[] {
  const node = map.entries.get(key)?.value;
  if (node === undefined || isNull(node)) return [];
  return node.kind === "list" ? node.items : [node];
}

function textAt(map: YamlMap, key: string): string {
  const node = map.entries.get(key)?.value;
  return node === undefined ? "" : textOf(node);
}

function textOf(node: YamlNode): string {
  return node.kind === "scalar" && !isNull(node) ? node.text : "";
}

function fault(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
