import { countRunes, fromByteText, toByteText } from "./go-template/byte-text.ts";
import { TemplateParseError, TemplateRunError } from "./go-template/errors.ts";
import { FUNCTIONS } from "./go-template/functions.ts";
import { runTemplate } from "./go-template/interpreter.ts";
import { parseTemplate, type Template } from "./go-template/parser.ts";
import { ANY, type GoValue, sliceOf } from "./go-template/values.ts";
import { alignColumns } from "./tab-writer.ts";

/** What a template printed, and why it stopped, if it did not come to its end. */
export interface Report {
  readonly output: string;
  readonly problem: string | undefined;
}

const TEMPLATE_NAME = "skopeo inspect";
const TABLE_PREFIX = "table ";
const TABLE_COLUMNS = { minimumWidth: 12, padding: 2 };
/** A template that goes through the list of records itself. */
const OWN_RANGE =
  /\{\{[\t\n\f\r ]*range[\t\n\f\r ]*\.[\t\n\f\r ]*\}\}.*\{\{[\t\n\f\r ]*end[\t\n\f\r ]*-?[\t\n\f\r ]*\}\}/s;

/**
 * Shows one record with a template. The rules are those of cli.md 5.2: `\n` and `\t` stand for what they do in Go, the
 * template is applied to a list with the record in it, a newline ends the text, and `table ` makes columns of words.
 */
export function formatReport(text: string, record: GoValue): Report {
  const parsed = parseReport(text);
  if (typeof parsed === "string") return { output: "", problem: parsed };
  const list: GoValue = {
    kind: "slice",
    type: sliceOf(ANY),
    items: [{ kind: "interface", type: ANY, content: record }],
  };
  let output = "";
  let problem: string | undefined;
  try {
    runTemplate(parsed, list, FUNCTIONS, (piece) => {
      output += piece;
    });
  } catch (error) {
    if (!(error instanceof TemplateRunError)) throw error;
    problem = fromByteText(error.message);
  }
  const laidOut = isTable(text) ? alignColumns(output, TABLE_COLUMNS, countRunes) : output;
  return { output: fromByteText(laidOut), problem };
}

/** The template, or what is wrong with it. If replacing `\n` and `\t` broke it, it is taken as it was written. */
function parseReport(text: string): Template | string {
  const body = isTable(text) ? text.slice(TABLE_PREFIX.length) : text;
  const replaced = body.replaceAll("\\n", "\n").replaceAll("\\t", "\t");
  const normalized = isTable(text) ? replaced.replaceAll(" ", "\t") : replaced;
  const complete = normalized.endsWith("\n") ? normalized : `${normalized}\n`;
  const template = parse(overRecords(complete, text));
  return typeof template === "string" ? parse(overRecords(body, text)) : template;
}

/** Applies a template to each record, unless it does so itself, which in tables goes unnoticed. */
function overRecords(body: string, text: string): string {
  return isTable(text) || !OWN_RANGE.test(body) ? `{{range .}}${body}{{end -}}` : body;
}

function parse(source: string): Template | string {
  const isFunction = (name: string): boolean => FUNCTIONS.has(name);
  try {
    return parseTemplate(TEMPLATE_NAME, toByteText(source), isFunction);
  } catch (error) {
    if (error instanceof TemplateParseError) return fromByteText(error.message);
    throw error;
  }
}

function isTable(text: string): boolean {
  return text.startsWith(TABLE_PREFIX);
}
