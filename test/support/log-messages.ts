/** The messages of all records of one level in log lines as `level=error msg="…"`. */
export function logMessages(log: string, level: string): readonly string[] {
  const records = log.matchAll(new RegExp(`level=${level} msg=("(?:[^"\\\\]|\\\\.)*"|\\S*)`, "g"));
  return [...records].map(([, message = ""]) => (message.startsWith('"') ? unquote(message) : message));
}

/** Undoes the quoting of Go, as far as log lines have it. */
function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|(.))/g, (_, byte, unit, letter) => {
    if (letter === undefined) return String.fromCharCode(Number.parseInt(byte ?? unit, 16));
    return letter === "n" ? "\n" : letter === "t" ? "\t" : letter;
  });
}
