import { mkdirSync, writeFileSync } from "node:fs";
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
  bcrypt: ["bcryptjs"],
  xz: ["xz-decompress"],
};

/**
 * Bundles each group into a file in `directory`, and gives the plugin that replaces imports of their libraries by ones of those files,
 * which `bun build` embeds.
 */
export async function bundleApart(root: string, directory: string): Promise<Bun.BunPlugin> {
  mkdirSync(directory, { recursive: true });
  const replacements = new Map<string, string>();
  for (const [group, libraries] of Object.entries(GROUPS)) {
    const file = await bundleGroup(root, directory, group, libraries);
    const modules: Readonly<Record<string, object>> = await import(file);
    for (const [index, library] of libraries.entries())
      replacements.set(library, replacement(file, index, Object.keys(modules[memberName(index)] ?? {})));
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

async function bundleGroup(
  root: string,
  directory: string,
  group: string,
  libraries: readonly string[],
): Promise<string> {
  const entry = join(directory, `${group}.entry.js`);
  const lines = libraries.map(
    (library, index) =>
      `export * as ${memberName(index)} from ${JSON.stringify(Bun.resolveSync(library, root))};\n`,
  );
  writeFileSync(entry, lines.join(""));
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
