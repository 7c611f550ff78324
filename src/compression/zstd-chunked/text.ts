import { isUtf8 } from "node:buffer";

export { isUtf8 };

/** A name as text for JSON. Where it is not UTF-8, each byte that does not fit becomes U+FFFD, as Go writes it. */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let offset = 0; offset < bytes.length; ) {
    const length = characterLength(bytes, offset);
    text += length === 0 ? "\ufffd" : bytes.toString("utf8", offset, offset + length);
    offset += Math.max(length, 1);
  }
  return text;
}

/** How many bytes the character at `offset` has; 0 where there is none. */
function characterLength(bytes: Buffer, offset: number): number {
  for (let length = 1; length <= 4 && offset + length <= bytes.length; length++) {
    if (isUtf8(bytes.subarray(offset, offset + length))) return length;
  }
  return 0;
}
