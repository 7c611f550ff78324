import { isDigest } from "../../core/digest.ts";
import { type DockerName, isValidTag, parseDockerName } from "../../core/docker-name.ts";
import { errorMessage } from "../../core/errors.ts";
import { hint } from "./file-error.ts";
import { GoValues } from "./go-yaml-values.ts";
import type { EntryAccess, MirrorEntry, TagFilter, TagSelection } from "./mirror-entry.ts";
import { plainEntry } from "./reference-entry.ts";
import { compileRegex } from "./tag-pattern.ts";
import { parseVersionRange } from "./version-range.ts";
import { parseYamlTree, type YamlEntry, type YamlNode } from "./yaml-tree.ts";

/** What a file of skopeo's asks for, and what is wrong with it but does not stop the run. cli.md 6.4. */
export interface SkopeoFile {
  /** In the order of the file; within a registry images, then regular expressions, then versions. */
  readonly entries: readonly MirrorEntry[];
  readonly problems: readonly FileProblem[];
}

/** A fault to be logged, in the words of real skopeo. */
export interface FileProblem {
  readonly level: "warning" | "error";
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
  /** A second record, without fields. */
  readonly cause?: string | undefined;
}

const KEYS = ["images", "images-by-tag-regex", "images-by-semver", "credentials", "tls-verify", "cert-dir"];

/**
 * Reads a file of `--src yaml` as real skopeo does. cli.md 6.4.
 * @throws {ImageError} CONFIG_INVALID where it is no YAML, or values have the wrong type
 */
export async function parseSkopeoYaml(text: string, file: string): Promise<SkopeoFile> {
  const root = await parseYamlTree(text, { file, allowsMore: true });
  const values = new GoValues();
  const registries = [...(values.map(root, "main.sourceConfig") ?? [])].map(([name, { value }]) =>
    readRegistry(name, value, values),
  );
  values.check(file);
  const found: Collected = { entries: [], problems: [] };
  for (const registry of registries) await collect(registry, file, found);
  return found;
}

interface Collected {
  readonly entries: MirrorEntry[];
  readonly problems: FileProblem[];
}

/** A value of the file, and the line of its key. */
interface Located<T> {
  readonly value: T;
  readonly line: number;
}

interface RegistrySection {
  readonly name: string;
  readonly line: number;
  readonly images: ReadonlyMap<string, Located<readonly string[]>>;
  readonly regexes: ReadonlyMap<string, Located<string>>;
  readonly ranges: ReadonlyMap<string, Located<string>>;
  readonly access: EntryAccess;
  readonly unknown: readonly { readonly key: string; readonly line: number }[];
}

function readRegistry(name: string, node: YamlNode, values: GoValues): RegistrySection {
  const map = values.map(node, "main.registrySyncConfig") ?? new Map<string, YamlEntry>();
  return {
    name,
    line: node.line,
    images: located(
      values.map(map.get("images")?.value, "map[string][]string"),
      (item) => values.texts(item) ?? [],
    ),
    regexes: readTexts(map.get("images-by-tag-regex")?.value, values),
    ranges: readTexts(map.get("images-by-semver")?.value, values),
    access: readAccess(map, values),
    unknown: [...map.values()].filter(({ key }) => !KEYS.includes(key)),
  };
}

function readTexts(node: YamlNode | undefined, values: GoValues): ReadonlyMap<string, Located<string>> {
  return located(values.map(node, "map[string]string"), (item) => values.text(item) ?? "");
}

function located<T>(
  map: ReadonlyMap<string, YamlEntry> | undefined,
  read: (node: YamlNode) => T,
): ReadonlyMap<string, Located<T>> {
  return new Map([...(map ?? [])].map(([key, { value, line }]) => [key, { value: read(value), line }]));
}

/** A registry of the file never uses the certificates that a flag names. */
function readAccess(map: ReadonlyMap<string, YamlEntry>, values: GoValues): EntryAccess {
  const credentials = values.map(map.get("credentials")?.value, "types.DockerAuthConfig", true);
  const username = values.text(credentials?.get("username")?.value) ?? "";
  const password = values.text(credentials?.get("password")?.value) ?? "";
  const identityToken = values.text(credentials?.get("identitytoken")?.value) ?? "";
  const isGiven = username !== "" || password !== "" || identityToken !== "";
  return {
    ...(isGiven
      ? { credentials: { username, password, ...(identityToken === "" ? {} : { identityToken }) } }
      : {}),
    tlsVerify: values.boolean(map.get("tls-verify")?.value),
    certDir: values.text(map.get("cert-dir")?.value) ?? "",
  };
}

async function collect(section: RegistrySection, file: string, found: Collected): Promise<void> {
  const { name: registry, images, regexes, ranges } = section;
  for (const { key, line } of section.unknown) {
    const message = `${file}:${line}: unknown key "${key}"${hint(key, KEYS)}`;
    found.problems.push({ level: "warning", message, fields: { registry } });
  }
  if (images.size === 0 && regexes.size === 0 && ranges.size === 0) {
    found.problems.push({
      level: "warning",
      message: "No images specified for registry",
      fields: { registry },
    });
  }
  const add = (repo: string, line: number, select: () => TagSelection): void => {
    const name = parseRepository(registry, repo, found);
    if (name === undefined) return;
    const selection = select();
    const place = `${file}:${line}`;
    if (selection.references.length > 0 || selection.filter !== undefined) {
      found.entries.push({ ...plainEntry(place, name), access: section.access, selection });
    } else {
      found.problems.push({ level: "warning", message: "No refs to sync found", fields: { registry, repo } });
    }
  };
  for (const [repo, { value, line }] of images) add(repo, line, () => selectReferences(value, found));
  const expressions = await usable(regexes, compileRegex, found);
  for (const [repo, { value, line }] of expressions) {
    const include = [{ kind: "regex", text: value, place: `${file}:${line}` }] as const;
    add(repo, line, () => filtered({ include }));
  }
  const constraints = await usable(ranges, async (range) => parseVersionRange(range), found);
  for (const [repo, { value, line }] of constraints) {
    const semver = { text: value, prerelease: "in-range", place: `${file}:${line}` } as const;
    add(repo, line, () => filtered({ semver }));
  }
}

/** One bad expression disables all of its kind. */
async function usable(
  expressions: ReadonlyMap<string, Located<string>>,
  check: (text: string) => Promise<unknown>,
  { problems }: Collected,
): Promise<ReadonlyMap<string, Located<string>>> {
  try {
    for (const { value } of expressions.values()) await check(value);
    return expressions;
  } catch (error) {
    problems.push({ level: "error", message: errorMessage(error), fields: {} });
    return new Map();
  }
}

function parseRepository(registry: string, repo: string, { problems }: Collected): DockerName | undefined {
  const skip = (cause: string): undefined => {
    problems.push({ level: "error", message: SKIPPED_REPOSITORY, fields: { registry, repo }, cause });
    return undefined;
  };
  try {
    const name = parseDockerName(`${registry}/${repo}`);
    const isRepository = name.tag === undefined && name.digest === undefined;
    return isRepository ? name : skip("input names a reference, not a repository");
  } catch (error) {
    return skip(errorMessage(error));
  }
}

const SKIPPED_REPOSITORY = "Error parsing repository name, skipping";

/** An empty list stands for all tags. */
function selectReferences(texts: readonly string[], { problems }: Collected): TagSelection {
  if (texts.length === 0) return filtered({});
  const references = new Set<string>();
  for (const ref of texts) {
    if (isDigest(ref) || isValidTag(ref)) references.add(ref);
    else {
      const message = "Error parsing ref, skipping";
      problems.push({ level: "error", message, fields: { ref }, cause: "invalid tag format" });
    }
  }
  return { references: [...references], filter: undefined };
}

function filtered(filter: TagFilter): TagSelection {
  return { references: [], filter };
}
