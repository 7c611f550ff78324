import { readFile } from "node:fs/promises";
import { ImageError } from "../core/errors.ts";
import type { Invocation } from "./command.ts";
import { askSecret } from "./prompt.ts";

/** Passphrases are short; what is longer is another file. Bytes. */
const LIMIT = 64 * 1024;

/** The passphrase in a file: its first line, without the line break. */
export async function readPassphraseFile(path: string): Promise<string> {
  const content = await readFile(path);
  if (content.length > LIMIT) {
    throw new ImageError("CONFIG_INVALID", `${path}: a passphrase is no longer than ${LIMIT} bytes`);
  }
  const [line = ""] = content.toString("utf8").split("\n");
  return line;
}

/** Asks for the passphrase of a key at the terminal. @throws {ImageError} CONFIG_INVALID where there is none */
export async function askPassphrase(
  { stderr, signal }: Pick<Invocation, "stderr" | "signal">,
  keyFile: string,
): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new ImageError(
      "CONFIG_INVALID",
      `Cannot prompt for a passphrase for key ${keyFile}, standard input is not a TTY`,
    );
  }
  return await askSecret({ stdout: stderr, signal }, `Passphrase for key ${keyFile}: `);
}
