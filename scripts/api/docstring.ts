/** A docstring, taken apart: its text is Markdown already. */
export interface Docstring {
  readonly text: string;
  /** What `@throws` says: the class, and which codes or when. */
  readonly throws: readonly { readonly error: string; readonly when: string }[];
  readonly parameters: readonly { readonly name: string; readonly text: string }[];
}

const TAG = /(?:^|\s)@(throws|param|returns|packageDocumentation)\b/;

/** Sections of the notes that this code was written from, which say how skopeo behaves and are no part of the repository. */
const OWN_NOTES = /\s(?:[a-z-]+\.md|Signing reference) \d(?:\.\d+)*(?: and \d(?:\.\d+)*)*\./g;

/** @throws {Error} for a tag that the pages would leave out */
export function parseDocstring(comment: string): Docstring {
  const text = comment
    .replace(/^\/\*\*|\*\/\s*$/g, "")
    .replace(/^ *\* ?/gm, "")
    .replace(OWN_NOTES, "")
    .replace(/`docs\/([\w-]+\.md)`/g, "[`docs/$1`](../$1)")
    .trim();
  const [body = "", ...tags] = text.split(TAG);
  const throws: { error: string; when: string }[] = [];
  const parameters: { name: string; text: string }[] = [];
  let result = body.trim();
  for (let index = 0; index < tags.length; index += 2) {
    const content = (tags[index + 1] ?? "").trim();
    if (tags[index] === "throws") {
      const [, error, when] = /^\{(\w+)\}\s*(.*)$/s.exec(content) ?? [];
      if (error === undefined) throw new Error(`@throws without {Class}: ${comment}`);
      throws.push({ error, when: oneLine(when ?? "") });
    } else if (tags[index] === "param") {
      const [, name, meaning] = /^(\w+)\s+(?:- )?(.*)$/s.exec(content) ?? [];
      if (name === undefined) throw new Error(`@param without a name: ${comment}`);
      parameters.push({ name, text: meaning ?? "" });
    } else if (tags[index] === "returns") result += ` Returns ${content}`;
  }
  return {
    text: oneLine(result),
    throws,
    parameters: parameters.map(({ name, text }) => ({ name, text: oneLine(text) })),
  };
}

/** Lines of a paragraph as one; paragraphs and lists stay. */
const oneLine = (text: string): string => text.replace(/\n(?![\n-])(?<!\n\n)/g, " ");
