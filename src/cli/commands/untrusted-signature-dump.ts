import { readFile } from "node:fs/promises";
import { inContext } from "../../core/errors.ts";
import { dumpUntrustedSignature } from "../../signing/simple/untrusted.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";

/** Shows what a signature says of itself. CLI reference 10.3. */
export const command: Command = defineCommand({
  name: "untrusted-signature-dump-without-verification",
  synopsis: "SIGNATURE-FILE",
  summary: "Show what a signature says of itself, of which nothing is verified",
  description: "For finding mistakes. Nothing that it shows may be trusted, and nothing be decided by it.",
  flags: {},
  async run({ arguments: [path, ...others], stdout }) {
    if (path === undefined || others.length > 0) {
      throw new UsageError("Usage: skopeo untrusted-signature-dump-without-verification signature");
    }
    const signature = await inContext(`Error reading untrusted signature from ${path}`, () => readFile(path));
    stdout.write(`${await dumpUntrustedSignature(signature)}\n`);
  },
});
