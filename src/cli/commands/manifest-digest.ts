import { readFile } from "node:fs/promises";
import { inContext } from "../../core/errors.ts";
import { manifestDigest } from "../../format/manifest-digest.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";

/** Prints the digest that a registry would give a manifest. cli.md 5.6. */
export const command: Command = defineCommand({
  name: "manifest-digest",
  synopsis: "MANIFEST-FILE",
  summary: "Compute the digest of a manifest in a file",
  description:
    "Any file is accepted. Of a signed schema 1 manifest the signatures do not count, as in a registry.",
  examples: [{ purpose: "The digest of a saved manifest", command: "manifest-digest manifest.json" }],
  flags: {},
  async run({ arguments: [path, ...more], signal, stdout }) {
    if (path === undefined || more.length > 0) throw new UsageError("Usage: skopeo manifest-digest manifest");
    const bytes = await inContext(`Error reading manifest from ${path}`, () => readFile(path, { signal }));
    const digest = await inContext("Error computing digest", async () => manifestDigest(bytes));
    stdout.write(`${digest}\n`);
  },
});
