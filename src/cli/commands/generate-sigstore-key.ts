import { access, writeFile } from "node:fs/promises";
import { ImageError, inContext } from "../../core/errors.ts";
import { generateKeyFiles } from "../../signing/sigstore/private-key-file.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";
import { askPassphrase, readPassphraseFile } from "../passphrase.ts";

type Flags = FlagTableOf<{ "output-prefix": "string"; "passphrase-file": "string" }>;

/** Makes a key pair for sigstore signatures. CLI reference 9. */
export const command: Command = defineCommand<Flags>({
  name: "generate-sigstore-key",
  synopsis: "--output-prefix PREFIX",
  summary: "Generate a key pair for sigstore signatures",
  description:
    "Writes PREFIX.private, which the passphrase protects, and PREFIX.pub. Both can be used with cosign too. The passphrase is asked for unless a file has it.",
  examples: [
    { purpose: "release.private and release.pub", command: "generate-sigstore-key --output-prefix release" },
  ],
  flags: {
    "output-prefix": {
      kind: "string",
      group: "Signing",
      placeholder: "PREFIX",
      summary: "where to write the keys (required)",
    },
    "passphrase-file": {
      kind: "string",
      group: "Signing",
      placeholder: "FILE",
      summary: "file with the passphrase in its first line, which may be empty",
    },
  },
  async run(invocation) {
    const { arguments: words, flags, stdout } = invocation;
    const prefix = flags["output-prefix"];
    if (words.length > 0 || !prefix)
      throw new UsageError("Usage: generate-sigstore-key --output-prefix PREFIX");
    const [privateFile, publicFile] = [`${prefix}.private`, `${prefix}.pub`];
    for (const file of [publicFile, privateFile]) await refuseExisting(file);
    const passphraseFile = flags["passphrase-file"];
    const passphrase =
      passphraseFile === undefined
        ? await askPassphrase(invocation, privateFile)
        : await readPassphraseFile(passphraseFile);
    const { privateKey, publicKey } = await generateKeyFiles(passphrase);
    await create(privateFile, privateKey, 0o600);
    await create(publicFile, publicKey, 0o644);
    stdout.write(`Key written to ${JSON.stringify(privateFile)} and ${JSON.stringify(publicFile)}\n`);
  },
});

async function refuseExisting(file: string): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists)
    throw new ImageError("STORAGE_FAILURE", `Refusing to overwrite existing ${JSON.stringify(file)}`);
}

/** Fails where the file has come into being since it was looked for. */
async function create(file: string, content: Uint8Array, mode: number): Promise<void> {
  const what = file.endsWith(".private") ? "private" : "public";
  const write = (): Promise<void> => writeFile(file, content, { mode, flag: "wx" });
  await inContext(`Error writing ${what} key to ${JSON.stringify(file)}`, write);
}
