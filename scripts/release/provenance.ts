import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { ReleasedFile } from "./checksums.ts";
import { ROOT, run } from "./commands.ts";
import { HOME } from "./home.ts";

const LockSchema = v.object({
  packages: v.record(
    v.string(),
    v.looseObject({ version: v.optional(v.string()), integrity: v.optional(v.string()) }),
  ),
});

/**
 * What the files of a release were made from, and how: an in-toto statement with SLSA's predicate for provenance. It is not
 * signed here: whoever publishes signs it, or lets their builder do so. SLSA 1.0, "Provenance"; in-toto Statement v1.
 */
export function provenanceOf(files: readonly ReleasedFile[], version: string): object {
  const revision = run("git", ["rev-parse", "HEAD"]).trim();
  return {
    _type: "https://in-toto.io/Statement/v1",
    subject: files.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
    predicateType: "https://slsa.dev/provenance/v1",
    predicate: {
      buildDefinition: {
        buildType: `${HOME}/release/v1`,
        externalParameters: { version, command: "npm run release" },
        resolvedDependencies: [{ uri: "git+.", digest: { gitCommit: revision } }, ...lockedPackages()],
      },
      runDetails: { builder: { id: `${HOME}/scripts/release.ts` } },
    },
  };
}

function lockedPackages(): readonly object[] {
  const lock = v.parse(LockSchema, JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")));
  return Object.entries(lock.packages).flatMap(([path, { version, integrity = "" }]) => {
    const sha512 = /^sha512-([A-Za-z0-9+/=]+)$/.exec(integrity)?.[1];
    if (version === undefined || sha512 === undefined) return [];
    const name = path.replace(/^.*node_modules\//, "");
    return [
      {
        uri: `pkg:npm/${name}@${version}`,
        digest: { sha512: Buffer.from(sha512, "base64").toString("hex") },
      },
    ];
  });
}
