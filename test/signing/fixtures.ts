import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Data made by the real tools; `fixtures/README.md` tells how. */
export const FIXTURES: string = join(import.meta.dir, "fixtures");

/** The manifest digest and the reference that the fixtures sign. */
export const DIGEST = "sha256:c70bb18f902ac33f40bfc4a130712771d150693ecaa84241f10da4f42fdc9e00";
export const REFERENCE = "example.com/fixtures/signed:v1";

interface Case {
  readonly policy: string;
  /** A folder of `images`, or else `signatures` are put beside the unsigned image. */
  readonly image?: string;
  readonly signatures?: readonly string[];
  readonly copyArgs?: readonly string[];
  readonly accept: boolean;
  readonly message?: string;
}

interface Expected {
  readonly cases: readonly Case[];
  readonly invalidPolicies: readonly { readonly policy: string; readonly message: string }[];
}

type Fingerprints = Readonly<Record<string, { readonly primary: string; readonly signingSubkey?: string }>>;

/** A file of the fixtures. */
export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(FIXTURES, name)));
}

/** What real skopeo decided of policies and signatures. */
export const expected: Expected = JSON.parse(text("expected.json"));

/** Of the OpenPGP keys. */
export const fingerprints: Fingerprints = JSON.parse(text("gpg/fingerprints.json"));

/** The image that the fixtures sign. */
export const manifest: Uint8Array = fixture("images/unsigned/manifest.json");

function text(name: string): string {
  return new TextDecoder().decode(fixture(name));
}
