import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ENTRIES, extractApi } from "./api/extract.ts";
import { renderPages } from "./api/pages.ts";

/**
 * What the package exports, in two forms that are kept in the repository: reports of its types in api/, in which a change of them
 * shows, and pages of its docstrings in docs/api/. `npm run api` writes them, `bun scripts/api.ts --check` tells what it would change.
 */
const ROOT = join(import.meta.dirname, "..");
const PACKAGE = join("dist", "api");

process.chdir(ROOT);
const built = spawnSync(join(ROOT, "scripts", "build-library.sh"), [PACKAGE], { encoding: "utf8" });
if (built.status !== 0) fail([`${built.stdout}${built.stderr}`]);

const { reports, models, problems } = extractApi(ROOT, PACKAGE);
rmSync(PACKAGE, { recursive: true });
if (problems.length > 0) fail(problems);

const written = new Map([
  ...reports,
  ...renderPages(ENTRIES, models).map(([name, text]) => [join("docs", "api", name), text] as const),
]);
const changes = [...written].filter(
  ([path, text]) => !existsSync(path) || readFileSync(path, "utf8") !== text,
);
const leftovers = ["api", join("docs", "api")].flatMap((directory) =>
  (existsSync(directory) ? readdirSync(directory) : [])
    .map((name) => join(directory, name))
    .filter((path) => !written.has(path)),
);

if (process.argv.includes("--check")) {
  const stale = [...changes.map(([path]) => path), ...leftovers];
  if (stale.length > 0)
    fail([
      ...stale.map((path) => `${path} does not tell what the package exports now`),
      "If that is meant to change, run `npm run api`, look at the difference, and see docs/versioning.md.",
    ]);
  console.log(`${written.size} files tell what the package exports`);
} else {
  for (const directory of ["api", join("docs", "api")]) mkdirSync(directory, { recursive: true });
  for (const [path, text] of changes) writeFileSync(path, text);
  for (const path of leftovers) rmSync(path);
  console.log(`${changes.length + leftovers.length} of ${written.size} files changed`);
}

function fail(problems: readonly string[]): never {
  for (const problem of problems) console.error(problem);
  process.exit(1);
}
