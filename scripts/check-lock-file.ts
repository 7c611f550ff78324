import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Fails if the lock file would install anything that is not from the npm registry, has no checksum, or runs at its installation. */
interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

const ROOT = join(import.meta.dirname, "..");
const REGISTRY = "https://registry.npmjs.org/";

const lock: { packages: Readonly<Record<string, LockedPackage>> } = read("package-lock.json");
const { allowScripts = {} }: { allowScripts?: Readonly<Record<string, boolean>> } = read("package.json");

const problems = Object.entries(lock.packages).flatMap(([path, entry]) =>
  path === "" ? [] : problemsOf(path.replace(/^.*node_modules\//, ""), entry),
);
for (const problem of problems) console.error(problem);
console.log(`${Object.keys(lock.packages).length - 1} packages locked, ${problems.length} problems`);
if (problems.length > 0) process.exit(1);

function problemsOf(name: string, entry: LockedPackage): readonly string[] {
  const { version = "", resolved, integrity = "", hasInstallScript = false } = entry;
  const problems: string[] = [];
  if (resolved !== undefined && !resolved.startsWith(REGISTRY)) problems.push(`comes from ${resolved}`);
  if (!integrity.startsWith("sha512-")) problems.push("has no SHA-512 checksum");
  if (hasInstallScript && allowScripts[`${name}@${version}`] !== true)
    problems.push("runs a script when it is installed");
  return problems.map((problem) => `${name}@${version} ${problem}`);
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(ROOT, file), "utf8"));
}
