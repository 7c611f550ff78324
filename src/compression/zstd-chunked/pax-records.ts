import { textOf } from "./text.ts";

/** The records of an extended header by keyword, with values as bytes: those of extended attributes are binary. */
export type PaxRecords = ReadonlyMap<string, Buffer>;

const SPACE = 0x20;
const NEWLINE = 0x0a;
const TEXT_KEYWORDS: ReadonlySet<string> = new Set(["path", "linkpath", "uname", "gname"]);

/**
 * Reads `LENGTH KEYWORD=VALUE\n`, any number of times; undefined for what is malformed. POSIX.1-2017, pax, "pax Extended
 * Header". node-tar's parser does not do here: it goes by lines, and a value may hold newlines.
 */
export function parsePaxRecords(content: Buffer): PaxRecords | undefined {
  const records = new Map<string, Buffer>();
  for (let offset = 0; offset < content.length; ) {
    const space = content.indexOf(SPACE, offset);
    const digits = content.toString("latin1", offset, Math.max(space, offset));
    const end = offset + Number(digits);
    if (!/^\d+$/.test(digits) || end <= space + 1 || end > content.length) return undefined;
    const equals = content.indexOf("=", space + 1);
    if (equals === -1 || equals >= end || content[end - 1] !== NEWLINE) return undefined;
    const keyword = textOf(content.subarray(space + 1, equals));
    const value = content.subarray(equals + 1, end - 1);
    if (keyword === "" || (TEXT_KEYWORDS.has(keyword) ? value.includes(0) : keyword.includes("\0")))
      return undefined;
    records.set(keyword, value);
    offset = end;
  }
  return records;
}
