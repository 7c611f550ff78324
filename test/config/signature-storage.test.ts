import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { chooseSignatureStorage, readSignatureStorage } from "../../src/config/signature-storage.ts";
import { parseDockerName } from "../../src/core/docker-name.ts";
import { temporary } from "../support/images.ts";

const environment = { env: {}, home: "/home/jo", platform: "linux", uid: 1000 } as const;

function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = temporary("registries-d");
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  return directory;
}

const directory = directoryOf({
  "default.yaml": "default-docker:\n  sigstore: https://old.example\n  lookaside-staging: file:///staging\n",
  "team.yaml": `docker:
  registry.example.com:5000/team:
    lookaside: file:///team
  registry.example.com:5000/team/app:
    use-sigstore-attachments: true
  registry.example.com:5000/team/app:v1:
    lookaside: https://v1.example
  "*.example.org":
    lookaside: https://org.example
`,
  "ignored.txt": "nonsense: [",
});

describe("signatures are kept", () => {
  const cases: Readonly<Record<string, readonly [read: string, write: string, attached: boolean]>> = {
    "registry.example.com:5000/team/app:v1": ["https://v1.example", "https://v1.example", true],
    "registry.example.com:5000/team/app:v2": ["file:///team", "file:///team", true],
    "registry.example.com:5000/team/other": ["file:///team", "file:///team", false],
    "registry.example.com:5000/else": ["https://old.example", "file:///staging", false],
    "eu.example.org:443/a": ["https://org.example", "https://org.example", false],
    "example.org/a": ["https://old.example", "file:///staging", false],
  };
  for (const [name, [read, write, attached]] of Object.entries(cases)) {
    test(`for ${name} at ${read}`, async () => {
      const storage = await readSignatureStorage(environment, directory);
      const choice = chooseSignatureStorage(storage, parseDockerName(name), environment);
      expect([choice.read.value, choice.write.value, choice.useSigstoreAttachments.value]).toEqual([
        read,
        write,
        attached,
      ]);
    });
  }

  test("in the user's own place where nothing says otherwise", async () => {
    const storage = await readSignatureStorage(environment, "/nowhere");
    const choice = chooseSignatureStorage(storage, parseDockerName("a"), environment);
    expect(choice.read).toEqual({
      value: "file:///home/jo/.local/share/containers/sigstore",
      file: undefined,
    });
  });
});

describe("registries.d is refused", () => {
  test("when two files define the same namespace", async () => {
    const twice = directoryOf({
      "a.yaml": "docker:\n  x.example: {}\n",
      "b.yaml": "docker:\n  x.example: {}\n",
    });
    await expect(readSignatureStorage(environment, twice)).rejects.toThrow(
      `Error parsing signature storage configuration: "docker" namespace "x.example" defined both in "${twice}/a.yaml" and "${twice}/b.yaml"`,
    );
  });

  test("when it is no YAML, or a value has another type", async () => {
    for (const content of ["docker: [", "docker:\n  x:\n    use-sigstore-attachments: maybe\n"]) {
      const broken = directoryOf({ "a.yaml": content });
      await expect(readSignatureStorage(environment, broken)).rejects.toThrow(`parsing ${broken}/a.yaml: `);
    }
  });
});
