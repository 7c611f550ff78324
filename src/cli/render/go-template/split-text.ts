import { type ByteText, runesOf } from "./byte-text.ts";

/** The parts between separators; without a separator, the characters. */
export function splitText(text: ByteText, separator: ByteText): readonly ByteText[] {
  if (separator !== "") return text.split(separator);
  const characters: ByteText[] = [];
  let position = 0;
  for (const { size } of runesOf(text)) {
    characters.push(text.slice(position, position + size));
    position += size;
  }
  return characters;
}
