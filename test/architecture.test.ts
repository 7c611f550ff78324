import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const SOURCES = resolve(import.meta.dir, "..", "src");

/** Which folder may import which folders or files. `docs/architecture.md` shows the same table. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  core: ["runtime"],
  format: ["core"],
  registry: ["core", "format", "runtime"],
  config: ["core", "runtime"],
  signing: ["compression", "core", "format", "registry/network-error.ts", "runtime"],
  policy: ["core", "config", "signing"],
  compression: ["core", "runtime"],
  tar: ["compression", "core", "runtime"],
  "blob-cache": ["core", "runtime"],
  "transports/docker": ["core", "format", "registry", "runtime"],
  "transports/docker-tar": ["compression", "core", "format", "runtime", "tar"],
  "transports/docker-archive": ["compression", "core", "format", "runtime", "tar", "transports/docker-tar"],
  "transports/docker-daemon": ["core", "registry", "runtime", "tar", "transports/docker-tar"],
  "transports/oci": ["core", "format", "runtime"],
  "transports/oci-archive": ["compression", "core", "format", "runtime", "tar", "transports/oci"],
  "transports/dir": ["core", "format", "runtime"],
  "transports/tarball": ["compression", "core", "format", "runtime", "tar"],
  inspect: ["core", "format"],
  copy: ["compression", "core", "format", "runtime"],
  sync: ["copy", "core", "format", "runtime"],
  serve: ["core", "format", "runtime", "transports/oci/layout.ts", "transports/oci/layout-index.ts"],
  cloud: ["core", "registry", "runtime"],
  environment: [
    "cloud",
    "compression",
    "config",
    "core",
    "registry",
    "runtime",
    "transports/docker",
    "transports/docker-archive",
    "transports/docker-daemon",
    "transports/oci",
    "transports/oci-archive",
    "transports/dir",
    "transports/tarball",
  ],
  library: [
    "blob-cache",
    "compression",
    "copy",
    "core",
    "environment",
    "format",
    "inspect",
    "policy",
    "registry",
    "runtime",
    "sync",
    "tar",
  ],
  cli: [
    "blob-cache",
    "compression",
    "config",
    "copy",
    "core",
    "environment",
    "format",
    "inspect",
    "policy",
    "registry",
    "runtime",
    "serve",
    "signing",
    "sync",
  ],
};

/** The longest file that can still be one thing. */
const MOST_LINES = 400;

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => ({ name: name.replaceAll("\\", "/"), text: readFileSync(join(SOURCES, name), "utf8") }));

/** "" for what users of the library import. */
function folderOf(file: string): string {
  const parts = file.split("/");
  if (parts[0] === "transports") return parts.slice(0, 2).join("/");
  return parts.length === 1 || parts[0] === "entries" ? "" : (parts[0] ?? "");
}

function importsOf(file: { name: string; text: string }): readonly string[] {
  const specifiers = file.text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...specifiers].map((match) =>
    relative(SOURCES, resolve(SOURCES, dirname(file.name), match[1] ?? "")).replaceAll("\\", "/"),
  );
}

describe("import layers", () => {
  test("every folder has its row", () => {
    const folders = new Set(files.map(({ name }) => folderOf(name)).filter((folder) => folder !== ""));
    expect([...folders].toSorted()).toEqual(Object.keys(LAYERS).toSorted());
  });

  test("what users of the library import knows nothing of the command line", () => {
    const entries = files.filter(({ name }) => folderOf(name) === "");
    expect(entries.length).toBeGreaterThan(0);
    const outside = entries.flatMap(importsOf).filter((imported) => folderOf(imported) === "cli");
    expect(outside).toEqual([]);
  });

  for (const file of files) {
    const folder = folderOf(file.name);
    if (folder === "") continue;
    test(`${file.name} imports only what ${folder} may`, () => {
      const allowed = LAYERS[folder] ?? [];
      const outside = importsOf(file).filter((imported) => {
        const other = folderOf(imported);
        return other !== folder && other !== "" && !allowed.includes(other) && !allowed.includes(imported);
      });
      expect(outside).toEqual([]);
    });
  }
});

test("only the runtime folder knows which runtime it is on", () => {
  const knowing = files.filter(
    ({ name, text }) => !name.startsWith("runtime/") && /\bBun\b\s*[.!=]|typeof Bun\b/.test(text),
  );
  expect(knowing.map(({ name }) => name)).toEqual([]);
});

test("exports have names", () => {
  const nameless = files.filter(({ text }) => /^\s*export\s+default\b|\bas default\b/m.test(text));
  expect(nameless.map(({ name }) => name)).toEqual([]);
});

test("no file is too long to be one thing", () => {
  const long = files.filter(({ text }) => text.split("\n").length > MOST_LINES);
  expect(long.map(({ name }) => name)).toEqual([]);
});
