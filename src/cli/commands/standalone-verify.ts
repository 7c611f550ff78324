import { readFile } from "node:fs/promises";
import { inContext } from "../../core/errors.ts";
import { standaloneVerify } from "../../signing/simple/standalone.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";

type Flags = FlagTableOf<{ "public-key-file": "string" }>;

/** Verifies a signature in a file. CLI reference 10.2. */
export const command: Command = defineCommand<Flags>({
  name: "standalone-verify",
  synopsis: "MANIFEST-FILE DOCKER-REFERENCE FINGERPRINTS SIGNATURE-FILE",
  summary: "Verify the signature in a file",
  description:
    "FINGERPRINTS are those of the keys that may have signed, separated by commas, or the word any with --public-key-file. Without that flag, keys come from the user's GnuPG keyring.",
  examples: [
    {
      purpose: "with a key that came in a file",
      command:
        "standalone-verify --public-key-file release.asc manifest.json registry.example.com/app:1 any app.signature",
    },
  ],
  flags: {
    "public-key-file": {
      kind: "string",
      group: "Verifying",
      placeholder: "FILE",
      summary: "public keys, armored or not, instead of the keyring; no gpg is needed then",
    },
  },
  async run({ arguments: words, flags, signal, stdout }) {
    const [manifestFile, dockerReference, fingerprints, signatureFile, ...others] = words;
    if (
      manifestFile === undefined ||
      dockerReference === undefined ||
      fingerprints === undefined ||
      signatureFile === undefined ||
      others.length > 0
    ) {
      throw new UsageError(
        "Usage: skopeo standalone-verify manifest docker-reference key-fingerprint signature",
      );
    }
    const keyFile = flags["public-key-file"];
    const manifest = await inContext(`Error reading manifest from ${manifestFile}`, () =>
      readFile(manifestFile),
    );
    const signature = await inContext(`Error reading signature from ${signatureFile}`, () =>
      readFile(signatureFile),
    );
    const publicKeys =
      keyFile === undefined
        ? undefined
        : await inContext(`Error reading public keys from ${keyFile}`, () => readFile(keyFile));
    const { fingerprint, digest } = await standaloneVerify({
      ...{ manifest, dockerReference, fingerprints, signature, publicKeys, signal },
      env: process.env,
    });
    stdout.write(`Signature verified using fingerprint ${fingerprint}, digest ${digest}\n`);
  },
});
