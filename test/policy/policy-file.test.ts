import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/config/locations.ts";
import { errorMessage, ImageError } from "../../src/core/errors.ts";
import { parsePolicy, readPolicyFile } from "../../src/policy/policy-file.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";
import { policyCases } from "./policy-cases.ts";
import { writeTinyImage } from "./tiny-image.ts";

const directory = mkdtempSync(join(tmpdir(), "policy-file-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function problemOf(policy: string): string | undefined {
  try {
    parsePolicy(Buffer.from(policy));
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(ImageError);
    if (error instanceof ImageError) expect(error.code).toBe("CONFIG_INVALID");
    return errorMessage(error);
  }
}

describe("parsing a trust policy", () => {
  for (const { policy, error } of policyCases) {
    const name = policy.replace(/\s+/g, " ");
    if (error === undefined) test(`accepts ${name}`, () => expect(problemOf(policy)).toBeUndefined());
    else test(`refuses ${name}`, () => expect(problemOf(policy)).toStartWith(error));
  }

  test("gives requirements in the order of the file, and their data decoded", () => {
    const policy = parsePolicy(
      Buffer.from(`{"default":[{"type":"reject"},
        {"type":"signedBy","keyType":"GPGKeys","keyPaths":["/a","b"],"signedIdentity":{"type":"matchExact"}},
        {"type":"sigstoreSigned","keyDatas":["YQ==","Yg=="],"rekorPublicKeyPath":"/r"}],
        "transports":{"docker":{"":[{"type":"reject"}],"__proto__":[{"type":"insecureAcceptAnything"}]}}}`),
    );
    expect(policy.default).toEqual([
      { type: "reject" },
      {
        type: "signedBy",
        keyType: "GPGKeys",
        keys: { kind: "paths", paths: ["/a", "b"] },
        signedIdentity: { type: "matchExact" },
      },
      {
        type: "sigstoreSigned",
        authority: { kind: "keys", keys: { kind: "data", data: [Uint8Array.of(97), Uint8Array.of(98)] } },
        rekorKeys: { kind: "paths", paths: ["/r"] },
        signedIdentity: { type: "matchRepoDigestOrExact" },
      },
    ]);
    expect([...(policy.transports.get("docker") ?? [])]).toEqual([
      ["", [{ type: "reject" }]],
      ["__proto__", [{ type: "insecureAcceptAnything" }]],
    ]);
  });

  test("refuses nesting that would exhaust the stack", () => {
    expect(problemOf(`{"default":${"[".repeat(100_000)}`)).toStartWith("nested more than 100 levels deep");
  });

  test("takes a long key without effort", () => {
    const data = Buffer.alloc(2_000_000, 7).toString("base64");
    expect(problemOf(`{"default":[{"type":"sigstoreSigned","keyData":"${data}"}]}`)).toBeUndefined();
  });

  test.skipIf(realSkopeo === undefined)(
    "agrees with real skopeo on every case",
    async () => {
      const image = join(directory, "image");
      writeTinyImage(image);
      const file = join(directory, "case.json");
      const prefix = `Error loading trust policy: invalid policy in ${JSON.stringify(file)}: `;
      for (const { policy, error, ownWords } of policyCases) {
        writeFileSync(file, policy);
        const { fatal } = await runRealSkopeo([
          "--policy",
          file,
          "copy",
          `dir:${image}`,
          `dir:${join(directory, "copy")}`,
        ]);
        const real = fatal.startsWith(prefix) ? fatal.slice(prefix.length) : undefined;
        expect({ policy, loads: real === undefined }).toEqual({ policy, loads: error === undefined });
        if (real === undefined || ownWords) continue;
        expect(problemOf(policy)?.replace(/ \(line \d+(?:, column \d+)?\)$/, "")).toBe(real);
      }
    },
    60_000,
  );
});

describe("finding the policy file", () => {
  const home = join(directory, "home");
  const environment: Environment = { env: {}, home, platform: "linux", uid: 1000 };
  const reject = '{"default":[{"type":"reject"}]}';

  test("prefers the user's file to the system's", async () => {
    const folder = join(home, ".config", "containers");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "policy.json"), reject);
    const loaded = await readPolicyFile({ environment });
    expect(loaded?.path).toBe(join(folder, "policy.json"));
    expect(loaded?.policy.default).toEqual([{ type: "reject" }]);
  });

  test("reads the explicit file alone", async () => {
    const file = join(directory, "explicit.json");
    writeFileSync(file, reject);
    expect((await readPolicyFile({ environment, file }))?.path).toBe(file);
  });

  test("an explicit file that is missing, a directory or invalid is an error that names it", async () => {
    const bad = join(directory, "bad.json");
    writeFileSync(bad, '{"default":[]}');
    const problems: [file: string, message: string][] = [
      [
        "/nonexistent/p.json",
        "Error loading trust policy: open /nonexistent/p.json: no such file or directory",
      ],
      [directory, `Error loading trust policy: read ${directory}: is a directory`],
      [
        bad,
        `Error loading trust policy: invalid policy in "${bad}": List of verification policy requirements must not be empty`,
      ],
    ];
    for (const [file, message] of problems) {
      await expect(readPolicyFile({ environment, file })).rejects.toThrow(
        expect.objectContaining({ message, code: "CONFIG_INVALID" }),
      );
      if (realSkopeo === undefined) continue;
      const { fatal } = await runRealSkopeo(["--policy", file, "copy", "dir:a", "dir:b"]);
      expect(fatal).toBe(message);
    }
  });
});
