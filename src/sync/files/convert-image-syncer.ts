import { type DockerName, parseDockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { Note, WrittenAccess, WrittenMirror, WrittenMirrorFile } from "./written-mirror-file.ts";
import { isNull, type YamlEntry, type YamlNode } from "./yaml-tree.ts";
import { readMap } from "./yaml-values.ts";

/**
 * Makes a mirror file of image-syncer's rules, a mapping of sources to destinations, and of its logins, a mapping of
 * registries (with a namespace, perhaps) to mappings.
 */
export function convertImageSyncer(
  images: YamlNode | undefined,
  auth: YamlNode | undefined,
  note: Note,
): WrittenMirrorFile {
  const rules = images === undefined ? [] : [...readMap(images, "images").entries.values()];
  const logins = auth === undefined ? [] : [...readMap(auth, "auth").entries.values()];
  return {
    defaults: { referrers: false },
    registries: new Map(logins.map((login) => [login.key, convertLogin(login, note)])),
    mirrors: rules.flatMap((rule) => convertRule(rule, note)),
  };
}

function convertLogin({ key, value }: YamlEntry, note: Note): WrittenAccess {
  const fields = readMap(value, key).entries;
  const text = (name: string): string => {
    const node = fields.get(name)?.value;
    return node?.kind === "scalar" && !isNull(node) ? expandable(node.text) : "";
  };
  for (const { key: name, place } of fields.values()) {
    if (!["username", "password", "insecure"].includes(name))
      note(place, `${name} of ${key} has no counterpart`);
  }
  const [username, password] = [text("username"), text("password")];
  if ((username === "") !== (password === "")) {
    note(value.place, `the credentials of ${key} are left out: they need a user and a password`);
  } else if (password !== "" && !password.startsWith("${")) {
    note(
      value.place,
      `the password of ${key} is in the new file, too; a variable such as \${PASSWORD} would keep it out`,
    );
  }
  return {
    ...(username !== "" && password !== "" ? { credentials: { username, password } } : {}),
    ...(text("insecure") === "true" ? { "tls-verify": false } : {}),
  };
}

/** `$NAME` and `${NAME}` are variables in both, and a dollar in front of anything else is none. */
function expandable(text: string): string {
  return text.replace(/\$(?:\{(\w+)\}|([A-Za-z_]\w*))/g, (_, braced, bare) => `\${${braced ?? bare}}`);
}

function convertRule(rule: YamlEntry, note: Note): readonly WrittenMirror[] {
  const destinations = rule.value.kind === "list" ? rule.value.items : [rule.value];
  try {
    const source = parseImage(rule.key);
    if (destinations.length === 0) throw fault(WITHOUT_DESTINATION);
    const targets = destinations.map((node) => {
      if (node.kind === "scalar" && !isNull(node) && node.text !== "")
        return parseImage(expandable(node.text));
      throw fault(WITHOUT_DESTINATION);
    });
    return pairUp(source, targets);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    note(rule.place, `the rule for "${rule.key}" is left out: ${errorMessage(error)}`);
    return [];
  }
}

const WITHOUT_DESTINATION =
  "it has no destination: those of DEFAULT_REGISTRY and DEFAULT_NAMESPACE have to be written out";

/** A repository, and what of it is meant. */
interface ParsedImage {
  /** As a mirror file wants it: with its registry. */
  readonly repository: string;
  /** Tags, or one digest; empty for all. */
  readonly references: readonly string[];
  /** A regular expression for tags. */
  readonly regex?: string;
}

function parseImage(text: string): ParsedImage {
  const regex = /^(.*?):\/(.*)\/$/s.exec(text);
  if (regex !== null) return { ...parseImage(regex[1] ?? ""), regex: regex[2] ?? "" };
  const [first = "", ...more] = text.split(",");
  const variable = /^(\$\{\w+\})(\/.*)$/s.exec(first);
  // A variable can stand for a registry; any will do to read the rest.
  const name = parseName(variable === null ? first : `variable.invalid${variable[2]}`);
  const registry = variable?.[1] ?? name.registry;
  const reference = name.digest ?? name.tag;
  const references = [...(reference === undefined ? [] : [reference]), ...more];
  return { repository: `${registry}/${name.repository}`, references };
}

function parseName(text: string): DockerName {
  if (text.includes("$")) throw fault("a mirror file takes variables for registries only");
  return parseDockerName(text);
}

/** Destinations that keep the tags are one entry; others need one for each tag. */
function pairUp(source: ParsedImage, targets: readonly ParsedImage[]): readonly WrittenMirror[] {
  const { repository: from, references, regex } = source;
  const keeping = targets
    .filter((target) => target.references.length === 0)
    .map(({ repository }) => repository);
  const renaming = targets.filter((target) => target.references.length > 0);
  const tags = regex === undefined ? references : { include: [`/${regex}/`] };
  const [only, ...others] = keeping;
  const together: readonly WrittenMirror[] =
    only === undefined
      ? []
      : [
          {
            from,
            to: others.length === 0 ? only : keeping,
            ...(Array.isArray(tags) && tags.length === 0 ? {} : { tags }),
          },
        ];
  const apart = renaming.flatMap((target) => {
    if (target.references.length !== references.length) {
      throw fault(
        `"${target.repository}" has ${target.references.length} tags, and the source ${references.length}`,
      );
    }
    return references.map((reference, index): WrittenMirror => {
      const tag = target.references[index] ?? "";
      if (tag.includes(":") && tag !== reference) throw fault("an image keeps its digest");
      const to = tag.includes(":") ? target.repository : `${target.repository}:${tag}`;
      return { from, to, tags: [reference] };
    });
  });
  return [...together, ...apart];
}

function fault(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
