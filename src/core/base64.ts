import { ImageError, type ImageErrorCode } from "./errors.ts";

/**
 * Decodes standard base64 (RFC 4648, section 4): padding is required, line breaks are skipped, and what else does not
 * belong is an error, unlike with `Buffer.from`. The error tells where, not what: the text may be a secret.
 * @throws {ImageError} with `code`
 */
export function decodeBase64(text: string, code: ImageErrorCode = "CONFIG_INVALID"): Uint8Array {
  const problem = findProblem(text);
  if (problem !== undefined) throw new ImageError(code, `illegal base64 data at input byte ${problem}`);
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** The offset of the first character that does not fit; of an incomplete group at the end, that of its first one. */
function findProblem(text: string): number | undefined {
  let inGroup = 0;
  let index = 0;
  for (; index < text.length; index++) {
    const character = text.charAt(index);
    if (isLineBreak(character)) continue;
    if (character === "=") return findPaddingProblem(text, index, inGroup);
    if (!/[A-Za-z0-9+/]/.test(character)) return index;
    inGroup = (inGroup + 1) % 4;
  }
  return inGroup === 0 ? undefined : index - inGroup;
}

/** Padding completes a group of four and ends the text. */
function findPaddingProblem(text: string, start: number, inGroup: number): number | undefined {
  if (inGroup < 2) return start;
  let missing = 4 - inGroup;
  for (let index = start; index < text.length; index++) {
    const character = text.charAt(index);
    if (isLineBreak(character)) continue;
    if (missing === 0) return index;
    if (character !== "=") return index - 1;
    missing--;
  }
  return missing === 0 ? undefined : text.length;
}

function isLineBreak(character: string): boolean {
  return character === "\n" || character === "\r";
}
