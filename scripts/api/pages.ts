import { parseDocstring } from "./docstring.ts";
import { type ApiExport, type ApiMember, type ApiToken, docCommentOf, type EntryModel } from "./model.ts";

/** Where an export is explained: entries that have it too refer to that page. */
interface Home {
  readonly entry: string;
  readonly page: string;
  readonly anchor: string;
}

type Homes = ReadonlyMap<string, Home>;

const SECTIONS: readonly (readonly [title: string, kinds: readonly ApiExport["kind"][]])[] = [
  ["Functions", ["Function"]],
  ["Classes", ["Class"]],
  ["Types", ["Interface", "TypeAlias"]],
  ["Constants", ["Variable"]],
];

/** A page of Markdown for each entry point, and one that lists them: names of files and their texts. */
export function renderPages(
  entries: ReadonlyMap<string, string>,
  models: ReadonlyMap<string, EntryModel>,
): readonly (readonly [name: string, text: string])[] {
  const homes = findHomes(models);
  const names = [...entries.keys()].sort();
  return [
    ["README.md", renderList(names, models)],
    ...names.map((name) => [pageOf(name), renderPage(name, models.get(name), homes)] as const),
  ];
}

const pageOf = (entry: string): string => `${entry.replace("/", "-")}.md`;

/** The first entry in the given order has an export; all others name the very same. */
function findHomes(models: ReadonlyMap<string, EntryModel>): Homes {
  const homes = new Map<string, Home>();
  const shapes = new Map<string, string>();
  for (const [entry, model] of models) {
    const anchors = new Map<string, number>();
    for (const item of inSections(model)) {
      const shape = textOf(item.excerptTokens);
      if ((shapes.get(item.name) ?? shape) !== shape) throw new Error(`${item.name} is two things`);
      shapes.set(item.name, shape);
      if (homes.has(item.name)) continue;
      const slug = item.name.toLowerCase();
      const times = anchors.get(slug) ?? 0;
      anchors.set(slug, times + 1);
      homes.set(item.name, { entry, page: pageOf(entry), anchor: times === 0 ? slug : `${slug}-${times}` });
    }
  }
  return homes;
}

const inSections = (model: EntryModel): readonly ApiExport[] =>
  SECTIONS.flatMap(([, kinds]) => model.members.filter(({ kind }) => kinds.includes(kind)));

function renderList(names: readonly string[], models: ReadonlyMap<string, EntryModel>): string {
  const rows = names.map((name) => {
    const { text } = parseDocstring(models.get(name)?.docComment ?? "");
    return `- [\`${name}\`](${pageOf(name)}): ${text}`;
  });
  return `${["# What the library exports", NOTE, rows.join("\n")].join("\n\n")}\n`;
}

const NOTE = `These pages are written by \`npm run api\` from the docstrings. [The library](../library.md) is the place to begin;
[versioning](../versioning.md) tells what may change when.`;

function renderPage(entry: string, model: EntryModel | undefined, homes: Homes): string {
  if (model === undefined) throw new Error(`${entry} has no model`);
  const isHere = ({ name }: ApiExport): boolean => homes.get(name)?.entry === entry;
  const elsewhere = model.members.filter((item) => !isHere(item));
  const link = linker(entry, homes);
  const sections = SECTIONS.flatMap(([title, kinds]) => {
    const items = model.members.filter((item) => kinds.includes(item.kind) && isHere(item));
    return items.length === 0
      ? []
      : [`## ${title}`, ...items.flatMap((item) => renderExport(item, model.members, link))];
  });
  const overview = SECTIONS.flatMap(([title, kinds]) => {
    const items = model.members.filter((item) => kinds.includes(item.kind) && isHere(item));
    return items.length === 0 ? [] : [`- ${title}: ${items.map(({ name }) => link(name)).join(", ")}`];
  });
  if (elsewhere.length > 0)
    overview.push(`- On other pages: ${elsewhere.map(({ name }) => link(name)).join(", ")}`);
  return `${[`# ${entry}`, parseDocstring(model.docComment).text, overview.join("\n"), ...sections].join("\n\n")}\n`;
}

const linker =
  (entry: string, homes: Homes) =>
  (name: string): string => {
    const home = homes.get(name);
    if (home === undefined) return `\`${name}\``;
    return `[\`${name}\`](${home.entry === entry ? "" : home.page}#${home.anchor})`;
  };

type Linker = (name: string) => string;

function renderExport(item: ApiExport, all: readonly ApiExport[], link: Linker): readonly string[] {
  const members = [...item.members].sort(
    (one, other) => Number(other.kind === "Constructor") - Number(one.kind === "Constructor"),
  );
  const seen = referencesOf([
    ...item.excerptTokens,
    ...members.flatMap(({ excerptTokens }) => excerptTokens),
  ]).filter((name) => name !== item.name);
  const links = seen.map(link).filter((text) => text.startsWith("["));
  return [
    `### ${item.name}`,
    `\`\`\`ts\n${signature(item.excerptTokens)}\n\`\`\``,
    ...sentences(item.docComment),
    ...(members.length === 0
      ? []
      : [members.map((member) => renderMember(member, docCommentOf(member, item, all))).join("\n")]),
    ...(links.length === 0 ? [] : [`See ${links.join(", ")}.`]),
  ];
}

function renderMember(member: ApiMember, comment: string): string {
  const [text = "", ...more] = sentences(comment);
  const code = signature(member.excerptTokens).replaceAll(/\s+/g, " ").replace(/;$/, "");
  const lines = more.flatMap((paragraph) => paragraph.split("\n"));
  // What API Extractor says of constructors without a docstring goes without saying.
  if (text.startsWith("Constructs a new instance of")) return `- \`${code}\``;
  return [`- \`${code}\`: ${text.replaceAll("\n", "\n  ")}`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** The text of a docstring, its parameters and its errors. */
function sentences(comment: string): readonly string[] {
  const { text, parameters, throws } = parseDocstring(comment);
  return [
    ...(text === "" ? [] : [text]),
    ...(parameters.length === 0
      ? []
      : [parameters.map((one) => `- \`${one.name}\`: ${one.text}`).join("\n")]),
    ...throws.map(({ error, when }) => `Throws \`${error}\`${when === "" ? "" : `: ${when}`}`),
  ];
}

const referencesOf = (tokens: readonly ApiToken[]): readonly string[] => [
  ...new Set(tokens.filter(({ kind }) => kind === "Reference").map(({ text }) => text.replace(/\..*$/, ""))),
];

const textOf = (tokens: readonly ApiToken[]): string => tokens.map(({ text }) => text).join("");

/** A declaration without what only the compiler wants. */
function signature(tokens: readonly ApiToken[]): string {
  return textOf(tokens)
    .replace(/^export (declare )?/, "")
    .replaceAll(/readonly (?=(?:\w+|"[^"]+")\??:)/g, "")
    .replaceAll(/(\?: [^;\n]*?) \| undefined(?=[;,)}\n]|$)/g, "$1")
    .trim();
}
