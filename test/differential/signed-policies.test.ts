import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expected, FIXTURES, fixture } from "../signing/fixtures.ts";
import { temporary } from "../support/images.ts";
import { fatalMessage, runOurs } from "../support/run.ts";

/** What real skopeo 1.22 decided of signed images, as it was recorded: ours must decide the same for the same reason. */

/** The image that the case is about, in a directory of its own where signatures are put beside it. */
function imageOf({ image, signatures = [] }: (typeof expected.cases)[number]): string {
  if (image !== undefined) return join(FIXTURES, "images", image);
  const directory = join(temporary("signed"), "image");
  cpSync(join(FIXTURES, "images", "unsigned"), directory, { recursive: true });
  for (const [index, name] of signatures.entries()) {
    writeFileSync(join(directory, `signature-${index + 1}`), fixture(`blobs/${name}`));
  }
  return directory;
}

/** Where upstream shows a dump of its library, or says no more than `No data`, ours goes on; it also tells the place of a mistake. */
function expectReason(reason: string, recorded: string): void {
  const [before = "", details] = recorded.split("<details>");
  const ours = reason.replace(/ \(line \d+(?:, column \d+)?\)$/, "");
  if (details === undefined && !before.endsWith("No data")) expect(ours).toBe(before);
  else expect(ours).toStartWith(before);
}

describe("what a policy makes of signatures", () => {
  expect(expected.cases.length).toBe(104);
  for (const entry of expected.cases) {
    const { policy, image, signatures = [], copyArgs = [], accept, message = "" } = entry;
    const title = `${policy} ${accept ? "accepts" : "refuses"} ${image ?? signatures.join(", ")}`;
    test.concurrent(title, async () => {
      const source = imageOf(entry);
      const destination = join(temporary("verified"), "image");
      const file = join(FIXTURES, "policies", `${policy}.json`);
      const outcome = await runOurs([
        "--policy",
        file,
        "copy",
        ...copyArgs,
        `dir:${source}`,
        `dir:${destination}`,
      ]);
      expect(outcome.exitCode).toBe(accept ? 0 : 1);
      expect(existsSync(join(destination, "manifest.json"))).toBe(accept);
      if (accept) return;
      const reason = fatalMessage(outcome)
        .replaceAll(source, "<image>")
        .replaceAll(join(FIXTURES, "images"), "<images>");
      expectReason(reason, message.replace(`<images>/${image}`, "<image>"));
    });
  }
});

describe("a policy that cannot be loaded", () => {
  expect(expected.invalidPolicies.length).toBe(13);
  for (const { policy, message } of expected.invalidPolicies) {
    test.concurrent(policy, async () => {
      const file = join(FIXTURES, "policies-invalid", `${policy}.json`);
      const outcome = await runOurs(["--policy", file, "copy", "dir:nowhere", "dir:neither"]);
      expect(outcome.exitCode).toBe(1);
      expectReason(fatalMessage(outcome).replaceAll(file, "<policy>"), message);
    });
  }
});
