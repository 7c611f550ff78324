import { mkdirSync } from "node:fs";
import { join } from "node:path";

/**
 * Libraries that few runs load, in groups that share code. Bytecode is four times as large as what it is made from: these lie in the
 * binary as they are, and are parsed when somebody needs them.
 */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Exports>>>> = {
  aws: {
    "@aws-sdk/client-ecr": ["ECRClient", "GetAuthorizationTokenCommand"],
    "@aws-sdk/client-ecr-public": ["ECRPUBLICClient", "GetAuthorizationTokenCommand"],
    "@aws-sdk/credential-provider-node": ["defaultProvider"],
  },
  azure: { "@azure/identity": "all" },
  google: { "google-auth-library": ["GoogleAuth"] },
  re2: { re2js: ["RE2JS"] },
  socks: { "socks-proxy-agent": ["SocksProxyAgent"] },
  nacl: { tweetnacl: "all" },
  curves: { "@noble/curves/ed25519.js": ["ed25519ph"] },
  bcrypt: { bcryptjs: ["compare"] },
  xz: { "xz-decompress": "all" },
};

/** What a library is asked for; the rest of it is left out. A name that is missing here fails the build. */
type Exports = readonly string[] | "all";

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
    for (const [index, [library, wanted]] of Object.entries(libraries).entries()) {
      const names = wanted === "all" ? Object.keys(modules[memberName(index)] ?? {}) : wanted;
      replacements.set(library, replacement(file, index, names));
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

async function bundleGroup(
  root: string,
  directory: string,
  group: string,
  libraries: Readonly<Record<string, Exports>>,
): Promise<string> {
  const modules = await Promise.all(
    Object.entries(libraries).map(async ([library, exports], index) => {
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
