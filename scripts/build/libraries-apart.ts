import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Libraries that few runs load, in groups that share code. Bytecode is four times as large as what it is made from: these lie in the
 * binary as they are, and are parsed when somebody needs them.
 */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  aws: ["@aws-sdk/client-ecr", "@aws-sdk/client-ecr-public", "@aws-sdk/credential-provider-node"],
  azure: ["@azure/identity"],
  google: ["google-auth-library"],
  re2: ["re2js"],
  socks: ["socks-proxy-agent"],
  nacl: ["tweetnacl"],
  curves: ["@noble/curves/ed25519.js"],
  bcrypt: ["bcryptjs"],
  xz: ["xz-decompress"],
};

/** What the sources ask of a library, so that the rest can be left out. */
type Exports = readonly string[] | "all";

/**
 * Bundles each group into a file in `directory`, and gives the plugin that replaces imports of their libraries by ones of those files,
 * which `bun build` embeds.
 */
export async function bundleApart(root: string, directory: string): Promise<Bun.BunPlugin> {
  mkdirSync(directory, { recursive: true });
  const replacements = new Map<string, string>();
  const sources = readSources(join(root, "src"));
  for (const [group, names] of Object.entries(GROUPS)) {
    const libraries = names.map((name) => [name, exportsAskedFor(name, sources)] as const);
    const file = await bundleGroup(root, directory, group, libraries);
    const modules: Readonly<Record<string, object>> = await import(file);
    for (const [index, [library, wanted]] of libraries.entries()) {
      const exports = wanted === "all" ? Object.keys(modules[memberName(index)] ?? {}) : wanted;
      replacements.set(library, replacement(file, index, exports));
    }
  }
  return {
    name: "libraries-apart",
    setup(build) {
      build.onResolve({ filter: /^[@a-z]/ }, ({ path }) =>
        replacements.has(path) ? { path, namespace: "apart" } : undefined,
      );
      build.onLoad({ filter: /./, namespace: "apart" }, ({ path }) => ({
        contents: replacements.get(path) ?? "",
        loader: "js",
      }));
    },
  };
}

function readSources(directory: string): string {
  const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
  const texts = files
    .toSorted()
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(directory, name), "utf8"));
  return texts.join("\n");
}

/** The names in `const { a, b } = await import("library")`; all of them where any import has another form. */
function exportsAskedFor(library: string, sources: string): Exports {
  const call = `import("${library}")`;
  const imports = sources
    .split(call)
    .slice(0, -1)
    .filter((before) => !before.endsWith("typeof "));
  const lists = imports.map((before) => /\{ (\w+(?:, \w+)*) \} = await $/.exec(before)?.[1]?.split(", "));
  if (lists.length === 0) throw new Error(`nobody imports ${library}`);
  return lists.every((list) => list !== undefined) ? [...new Set(lists.flat())] : "all";
}

async function bundleGroup(
  root: string,
  directory: string,
  group: string,
  libraries: readonly (readonly [library: string, exports: Exports])[],
): Promise<string> {
  const modules = await Promise.all(
    libraries.map(async ([library, exports], index) => {
      const source = JSON.stringify(Bun.resolveSync(library, root));
      if (exports === "all") return `export * as ${memberName(index)} from ${source};\n`;
      const module = join(directory, `${group}.${memberName(index)}.js`);
      await Bun.write(module, `export { ${exports.join(", ")} } from ${source};\n`);
      return `export * as ${memberName(index)} from ${JSON.stringify(module)};\n`;
    }),
  );
  const entry = join(directory, `${group}.entry.js`);
  await Bun.write(entry, modules.join(""));
  const file = join(directory, `${group}.js`);
  await Bun.build({
    entrypoints: [entry],
    outdir: directory,
    naming: `${group}.js`,
    target: "bun",
    minify: true,
  });
  return file;
}

function memberName(index: number): string {
  return `library${index}`;
}

/** A module with the same exports as the library at `index` of the group in `file`. */
function replacement(file: string, index: number, names: readonly string[]): string {
  const named = names.filter((name) => name !== "default");
  return [
    `import path from ${JSON.stringify(file)} with { type: "file" };`,
    `const { ${memberName(index)}: library } = await import(path);`,
    ...(named.length === 0 ? [] : [`export const { ${named.join(", ")} } = library;`]),
    ...(names.includes("default") ? ["export default library.default;"] : []),
  ].join("\n");
}
