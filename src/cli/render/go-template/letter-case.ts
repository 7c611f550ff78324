import { type ByteText, mapText } from "./byte-text.ts";

/** Changes each letter that has exactly one counterpart, like Go, so that "ß" stays what it is. */
export function toUpper(text: ByteText): ByteText {
  return mapText(text, (whole) => Array.from(whole, upperLetter).join(""));
}

/** Like `toUpper`, the other way. */
export function toLower(text: ByteText): ByteText {
  return mapText(text, (whole) => Array.from(whole, lowerLetter).join(""));
}

/** Puts the first letter of every word in upper case. Words end at anything but letters, digits and underscores. */
export function toTitle(text: ByteText): ByteText {
  return mapText(text, (whole) => {
    let previous = " ";
    return Array.from(whole, (character) => {
      const starts = isSeparator(previous);
      previous = character;
      return starts ? upperLetter(character) : character;
    }).join("");
  });
}

function upperLetter(character: string): string {
  const changed = character.toUpperCase();
  return Array.from(changed).length === 1 ? changed : character;
}

/** Of a letter that becomes two, such as "İ", the first is the letter proper. */
function lowerLetter(character: string): string {
  return Array.from(character.toLowerCase())[0] ?? character;
}

/** Beyond ASCII, only spaces separate words. */
function isSeparator(character: string): boolean {
  if (character < "\u0080") return !/[A-Za-z0-9_]/.test(character);
  return /\s/.test(character);
}
