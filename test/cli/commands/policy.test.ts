import { describe, expect, test } from "bun:test";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DIGEST, FIXTURES } from "../../signing/fixtures.ts";
import { temporary } from "../../support/images.ts";
import { fatalMessage, type Outcome, runOurs } from "../../support/run.ts";

/** `policy check` tells which requirement applies, where it stands, and what comes of it. */

async function check(
  policy: string | object,
  image: string,
  flags: readonly string[] = [],
): Promise<Outcome> {
  return await runOurs(["--policy", fileOf(policy), "policy", "check", ...flags, `dir:${image}`]);
}

function fileOf(policy: string | object): string {
  if (typeof policy === "string") return join(FIXTURES, "policies", `${policy}.json`);
  const file = join(temporary("policy"), "policy.json");
  writeFileSync(file, JSON.stringify(policy, undefined, 2));
  return file;
}

const imageOf = (name: string): string => join(FIXTURES, "images", name);

describe("policy check", () => {
  test("tells the section, the line of each requirement, and that an image is accepted", async () => {
    const outcome = await check("gpg-plain", imageOf("signed-gpg"));
    expect(outcome).toMatchObject({ exitCode: 0, stderr: "" });
    expect(outcome.stdout.split("\n")).toEqual([
      `Image        dir:${imageOf("signed-gpg")}`,
      `Policy       ${fileOf("gpg-plain")}`,
      "Applies      default section",
      "Requires     line 3: signedBy: keys in the policy, exactReference",
      `Accepted     ${DIGEST}`,
      "",
    ]);
  });

  test("tells why an image is refused, with exit code 1", async () => {
    const outcome = await check("gpg-wrong-reference", imageOf("signed-gpg"));
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stdout).toContain(
      `Refused      ${DIGEST}: Signature for identity "example.com/fixtures/signed:v1" is not accepted\n`,
    );
    expect(fatalMessage(outcome)).toBe("the policy refuses 1 of 1 images");
  });

  test("judges the images of an index by their own signatures", async () => {
    const directory = join(temporary("index"), "image");
    cpSync(imageOf("signed-multi"), directory, { recursive: true });
    const one = await check("gpg-plain", directory, ["--override-arch=amd64"]);
    expect(one.stdout.match(/^(Accepted|Refused) /gm)).toEqual(["Accepted "]);
    const all = await check("gpg-plain", directory, ["--all"]);
    expect(all).toMatchObject({ exitCode: 0 });
    expect(all.stdout.match(/^(Accepted|Refused) /gm)).toEqual(["Accepted ", "Accepted "]);
    writeFileSync(join(directory, `${DIGEST.slice("sha256:".length)}.signature-1`), "garbage");
    const refused = await check("gpg-plain", directory, ["--all"]);
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toContain(`Refused      ${DIGEST}: parsing signature "`);
    expect(fatalMessage(refused)).toBe("the policy refuses 1 of 2 images");
  });

  test("asks all requirements of the most specific scope, and no others", async () => {
    const directory = imageOf("signed-gpg");
    const policy = {
      default: [{ type: "reject" }],
      transports: {
        dir: {
          [FIXTURES]: [{ type: "reject" }],
          [directory]: [{ type: "insecureAcceptAnything" }, { type: "insecureAcceptAnything" }],
        },
      },
    };
    const outcome = await check(policy, directory, ["--json"]);
    expect(outcome.exitCode).toBe(0);
    const report = JSON.parse(outcome.stdout);
    expect(report).toMatchObject({
      section: `section "${directory}" for dir`,
      images: [{ digest: DIGEST, accepted: true, reason: null }],
    });
    expect(report.requirements.map(({ line }: { line: number }) => line)).toEqual([15, 18]);
    const strict = await runOurs([
      "--policy",
      fileOf(policy),
      "--require-signed",
      "policy",
      "check",
      `dir:${directory}`,
    ]);
    expect(strict.exitCode).toBe(1);
    expect(strict.stdout).toContain("No signature verification policy found for image dir:");
  });

  test("without a policy says that every image is accepted", async () => {
    const outcome = await runOurs(["--insecure-policy", "policy", "check", `dir:${imageOf("unsigned")}`]);
    expect(outcome.stdout).toContain("Policy       no file: every image is accepted\n");
    expect(outcome.exitCode).toBe(0);
  });

  const misuse: readonly (readonly [readonly string[], string])[] = [
    [["policy"], 'The only thing that "policy" does is "policy check IMAGE"'],
    [["policy", "show", "dir:x"], 'The only thing that "policy" does is "policy check IMAGE"'],
    [["policy", "check"], "Exactly one image expected"],
    [["policy", "check", "dir:x", "dir:y"], "Exactly one image expected"],
    [["policy", "check", "nothing:x"], "nothing"],
    [["policy", "check", "dir:/missing/image"], "/missing/image"],
  ];
  for (const [words, reason] of misuse) {
    test(`refuses ${words.join(" ")}`, async () => {
      const outcome = await runOurs(words);
      expect(outcome.exitCode).toBe(1);
      expect(fatalMessage(outcome)).toContain(reason);
    });
  }
});

test("a mistake in a policy is told with its line", async () => {
  const file = join(temporary("policy"), "policy.json");
  writeFileSync(
    file,
    '{\n  "default": [\n    { "type": "reject" },\n    { "type": "reject", "color": "red" }\n  ]\n}\n',
  );
  const outcome = await runOurs(["--policy", file, "policy", "check", `dir:${imageOf("unsigned")}`]);
  expect(fatalMessage(outcome)).toBe(
    `Error loading trust policy: invalid policy in "${file}": Unknown key "color" (line 4)`,
  );
});
