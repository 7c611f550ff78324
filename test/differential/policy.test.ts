import { expect } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildImage, buildMultiArch, temporary, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { fatalMessage, run, runOurs } from "../support/run.ts";

/** What a policy refuses to real skopeo, it refuses to us, in the same words; of an index, each image is judged. */
const POLICIES: Readonly<Record<string, object>> = {
  "refuses all": { default: [{ type: "reject" }] },
  "wants a signature": { default: [{ type: "signedBy", keyType: "GPGKeys", keyPath: "/nowhere.gpg" }] },
};
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  "one image": [],
  "the image of a platform": ["--override-os", "linux", "--override-arch", "amd64"],
  "all images of an index": ["--all"],
};

for (const [policyTitle, policy] of Object.entries(POLICIES)) {
  for (const [title, flags] of Object.entries(FLAGS)) {
    peerTest(`a policy that ${policyTitle}: ${title}`, ["skopeo 1.16"], async ([skopeo = ""]) => {
      const directory = temporary("policy");
      const file = join(directory, "policy.json");
      writeFileSync(file, JSON.stringify(policy));
      const layout = writeLayout({
        v1: title === "one image" ? buildImage({ seed: "policy" }) : buildMultiArch("policy"),
      });
      const words = ["--policy", file, "copy", ...flags, `oci:${layout}:v1`];
      const ours = await runOurs([...words, `dir:${join(directory, "ours")}`]);
      const theirs = await run([skopeo, ...words, `dir:${join(directory, "theirs")}`]);
      expect([ours.exitCode, theirs.exitCode]).toEqual([1, 1]);
      // Which image comes first is left to chance: ours looks at several at a time.
      const reason = (text: string): string => text.replace(/image \d/, "image N");
      expect(reason(fatalMessage(ours))).toBe(reason(fatalMessage(theirs)));
      expect(existsSync(join(directory, "ours", "manifest.json"))).toBe(false);
    });
  }
}
