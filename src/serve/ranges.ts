/** Bytes of a blob: `length` of them from `start`. */
export interface ByteRange {
  readonly start: number;
  readonly length: number;
}

/**
 * The part of `size` bytes that a Range header asks for. Several ranges, other units and what is malformed give "all", as if
 * the header were not there; "none" is a range that lies outside. RFC 9110, section 14.2.
 */
export function parseRange(header: string | null, size: number): ByteRange | "all" | "none" {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "");
  const [, first = "", last = ""] = match ?? [];
  if (first === "" && last === "") return "all";
  if (first === "") return fromEnd(Number(last), size);
  const start = Number(first);
  if (last !== "" && Number(last) < start) return "all";
  if (start >= size) return "none";
  const end = last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return { start, length: end - start + 1 };
}

/** The place of an uploaded piece: `FIRST-LAST`, both inclusive. Distribution spec 1.1, "Pushing a blob in chunks". */
export function parseContentRange(header: string): ByteRange | undefined {
  const match = /^(?:bytes[ =])?(\d{1,15})-(\d{1,15})(?:\/(?:\d+|\*))?$/.exec(header.trim());
  if (match === null) return undefined;
  const start = Number(match[1]);
  const length = Number(match[2]) - start + 1;
  return length > 0 ? { start, length } : undefined;
}

function fromEnd(count: number, size: number): ByteRange | "none" {
  const length = Math.min(count, size);
  return length === 0 ? "none" : { start: size - length, length };
}
