/**
 * What must not reach a terminal as it is: controls but the line break and the tab, which move cursors, change colours and
 * titles and can make a terminal answer; and marks that turn the direction of text, which can make a name look like another.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text of servers, images and files for a terminal: what is unsafe is shown as an escape, as in `\x1b`. */
export function terminalText(text: string): string {
  return text.replaceAll(UNSAFE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
