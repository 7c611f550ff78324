import { readFile, writeFile } from "node:fs/promises";
import { inContext } from "../../core/errors.ts";
import { standaloneSign } from "../../signing/simple/standalone.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";
import { readPassphraseFile } from "../passphrase.ts";
import { openKeyringKey } from "../signers.ts";

type Flags = FlagTableOf<{ output: "string"; "passphrase-file": "string" }>;

/** Signs a manifest in a file. CLI reference 10.1. */
export const command: Command = defineCommand<Flags>({
  name: "standalone-sign",
  synopsis: "MANIFEST-FILE DOCKER-REFERENCE KEY",
  summary: "Sign a manifest in a file with a GnuPG key",
  description:
    "The signature says that the manifest is what goes by the reference. KEY is a fingerprint, or whatever else gpg finds a key by. The file is what copy --sign-by stores.",
  examples: [
    {
      purpose: "a signature to put into a store by hand",
      command:
        "standalone-sign manifest.json registry.example.com/app:1 release@example.com --output app.signature",
    },
  ],
  flags: {
    output: {
      kind: "string",
      short: "o",
      group: "Signing",
      placeholder: "FILE",
      summary: "where to write the signature",
    },
    "passphrase-file": {
      kind: "string",
      group: "Signing",
      placeholder: "FILE",
      summary: "file with the passphrase of the key in its first line",
    },
  },
  async run(invocation) {
    const { arguments: words, flags, signal } = invocation;
    const [manifestFile, dockerReference, identity, ...others] = words;
    const { output } = flags;
    if (
      identity === undefined ||
      manifestFile === undefined ||
      dockerReference === undefined ||
      others.length > 0 ||
      !output
    ) {
      throw new UsageError(
        "Usage: skopeo standalone-sign manifest docker-reference key-fingerprint -o signature",
      );
    }
    const manifest = await inContext(`Error reading ${manifestFile}`, () => readFile(manifestFile));
    const passphraseFile = flags["passphrase-file"];
    const passphrase = passphraseFile === undefined ? undefined : await readPassphraseFile(passphraseFile);
    const signer = await inContext("Error creating signature", () =>
      openKeyringKey(identity, passphrase, invocation),
    );
    const signature = await standaloneSign({ manifest, dockerReference, signer }, { signal });
    await inContext(`Error writing signature to ${output}`, () =>
      writeFile(output, signature, { mode: 0o644 }),
    );
  },
});
