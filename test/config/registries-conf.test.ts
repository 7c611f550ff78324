import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Environment } from "../../src/config/locations.ts";
import { loadRegistriesConf } from "../../src/config/registries-conf.ts";
import { errorMessage, ImageError } from "../../src/core/errors.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";
import { confCases } from "./registries-conf-cases.ts";

const directory = mkdtempSync(join(tmpdir(), "registries-conf-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const home = join(directory, "home");
// FreeBSD's directory for system configuration does not exist on the systems these tests run on.
const environment: Environment = { env: {}, home, platform: "freebsd", uid: 1000 };
const userFolder = join(home, ".config", "containers");
const dropIn = (name: string): string => join(userFolder, "registries.conf.d", name);

beforeEach(() => rmSync(home, { recursive: true, force: true }));

function write(path: string, text: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

async function problemOf(file?: string): Promise<string | undefined> {
  try {
    await loadRegistriesConf({ environment, file });
    return undefined;
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "CONFIG_INVALID") throw error;
    return errorMessage(error);
  }
}

describe("checking registries.conf", () => {
  const file = join(directory, "case.conf");
  const prefix = `loading registries configuration "${file}": `;
  for (const { conf, error } of confCases) {
    const name = conf.trim().replace(/\s*\n\s*/g, "; ");
    test(`${error === undefined ? "accepts" : "refuses"} ${name}`, async () => {
      write(file, conf);
      const problem = await problemOf(file);
      if (error === undefined) expect(problem).toBeUndefined();
      else expect(problem).toStartWith(`${prefix}${error}`);
    });
  }

  test.skipIf(realSkopeo === undefined)(
    "agrees with real skopeo on every case",
    async () => {
      const image = "docker://127.0.0.1:1/a/b:t";
      for (const { conf, error, ownWords } of confCases) {
        write(file, conf);
        const parameters = ["--registries-conf", file, "inspect", "--raw", image];
        const { fatal } = await runRealSkopeo(parameters, { HOME: home });
        const real = fatal.split(`loading registries configuration: ${prefix}`)[1];
        expect({ conf, loads: real === undefined }).toEqual({ conf, loads: error === undefined });
        if (real === undefined || ownWords) continue;
        expect(await problemOf(file)).toBe(`${prefix}${real}`);
      }
    },
    60_000,
  );
});

describe("loading registries.conf", () => {
  test("without any file gives the defaults", async () => {
    expect(await loadRegistriesConf({ environment })).toEqual({
      registries: [],
      unqualifiedSearchRegistries: [],
      credentialHelpers: ["containers-auth.json"],
      shortNameMode: "permissive",
      aliases: new Map(),
      additionalLayerStoreAuthHelper: undefined,
      origin: `/usr/local/etc/containers/registries.conf or ${userFolder}/registries.conf.d`,
      files: [],
      tableFiles: new Map(),
      aliasFiles: new Map(),
    });
  });

  test("an explicit file must exist and be readable", async () => {
    const missing = join(directory, "missing.conf");
    expect(await problemOf(missing)).toBe(
      `loading registries configuration "${missing}": open ${missing}: no such file or directory`,
    );
    expect(await problemOf(directory)).toBe(
      `loading registries configuration "${directory}": read ${directory}: is a directory`,
    );
  });

  test("reads the user's main file and the drop-ins beside it, and tells so", async () => {
    write(join(userFolder, "registries.conf"), 'unqualified-search-registries = ["a"]');
    write(dropIn("2.conf"), 'short-name-mode = "disabled"');
    write(dropIn("1.conf"), "");
    write(dropIn("3.conf.bak"), "not read");
    const messages: string[] = [];
    const conf = await loadRegistriesConf({ environment, debug: (message) => messages.push(message) });
    expect(conf.unqualifiedSearchRegistries).toEqual(["a"]);
    expect(conf.shortNameMode).toBe("disabled");
    expect(conf.origin).toBe(`${userFolder}/registries.conf or ${userFolder}/registries.conf.d`);
    expect(messages).toEqual(
      ["registries.conf", "registries.conf.d/1.conf", "registries.conf.d/2.conf"].map(
        (name) => `Loading registries configuration "${userFolder}/${name}"`,
      ),
    );
  });

  test("an explicit main file goes with the user's drop-ins", async () => {
    write(dropIn("1.conf"), 'short-name-mode = "disabled"');
    const file = write(join(directory, "explicit.conf"), 'short-name-mode = "enforcing"');
    expect((await loadRegistriesConf({ environment, file })).shortNameMode).toBe("disabled");
  });

  test("later files replace registries by prefix, aliases by name and other settings whole", async () => {
    write(
      join(userFolder, "registries.conf"),
      `unqualified-search-registries = ["a", "b"]
       credential-helpers = ["one"]
       short-name-mode = "enforcing"
       additional-layer-store-auth-helper = "program"
       [aliases]
       x = "a.b/x"
       y = "a.b/y"
       z = "a.b/z"
       [[registry]]
       prefix = "p"
       location = "first"
       insecure = true
       [[registry]]
       location = "q"
       [[registry]]
       prefix = "p"
       location = "ignored"`,
    );
    write(
      dropIn("1.conf"),
      `unqualified-search-registries = []
       short-name-mode = ""
       [aliases]
       x = "c.d/x"
       y = ""
       [[registry]]
       prefix = "p"
       location = "second"
       [[registry.mirror]]
       location = "m/"
       pull-from-mirror = "tag-only"`,
    );
    write(dropIn("2.conf"), "credential-helpers = []");
    const conf = await loadRegistriesConf({ environment });
    expect(conf.unqualifiedSearchRegistries).toEqual([]);
    expect(conf.credentialHelpers).toEqual(["containers-auth.json"]);
    expect(conf.shortNameMode).toBe("enforcing");
    expect(conf.additionalLayerStoreAuthHelper).toBe("program");
    expect([...conf.aliases]).toEqual([
      ["x", "c.d/x"],
      ["z", "a.b/z"],
    ]);
    expect(conf.registries).toEqual([
      {
        prefix: "p",
        location: "second",
        insecure: false,
        blocked: false,
        mirrors: [{ location: "m", insecure: false, pull: "tag-only" }],
      },
      { prefix: "q", location: "q", insecure: false, blocked: false, mirrors: [] },
    ]);
  });

  test("version 1 becomes version 2", async () => {
    write(
      join(userFolder, "registries.conf"),
      `[registries.search]
       registries = ["s1", "s2/"]
       [registries.insecure]
       registries = ["i", "both/"]
       [registries.block]
       registries = ["both"]`,
    );
    const conf = await loadRegistriesConf({ environment });
    expect(conf.unqualifiedSearchRegistries).toEqual(["s1", "s2"]);
    expect(conf.registries).toEqual([
      { prefix: "both", location: "both", insecure: true, blocked: true, mirrors: [] },
      { prefix: "i", location: "i", insecure: true, blocked: false, mirrors: [] },
    ]);
  });

  test("a drop-in cannot be of version 1", async () => {
    const path = write(dropIn("1.conf"), '[registries.search]\nregistries = ["a"]');
    expect(await problemOf()).toBe(
      `loading drop-in registries configuration "${path}": registry must be in v2 format but is in v1`,
    );
  });

  test("an error in a drop-in names it and the line", async () => {
    const path = write(dropIn("1.conf"), "\n\n= 1");
    expect(await problemOf()).toStartWith(
      `loading drop-in registries configuration "${path}": toml: line 3, column `,
    );
  });

  test("directories and dangling links among the drop-ins are passed over", async () => {
    mkdirSync(dropIn("directory.conf"), { recursive: true });
    symlinkSync("/nonexistent", dropIn("dangling.conf"));
    expect(await problemOf()).toBeUndefined();
  });
});
