import { afterAll, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { temporary } from "../support/images.ts";
import { mustRun } from "../support/run.ts";

const SOURCES = resolve(import.meta.dir, "..", "..", "src");
const folder = temporary("import");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What is loaded with a file: files of ours, and packages. */
async function loadedWith(entry: string): Promise<{ files: Set<string>; packages: Set<string> }> {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = async (file: string): Promise<void> => {
    if (files.has(file)) return;
    files.add(file);
    for (const { kind, path } of transpiler.scanImports(await Bun.file(join(SOURCES, file)).text())) {
      if (kind !== "import-statement") continue;
      if (path.startsWith(".")) await visit(relative(SOURCES, resolve(SOURCES, dirname(file), path)));
      else if (!path.startsWith("node:")) packages.add(path);
    }
  };
  await visit(entry);
  return { files, packages };
}

test("importing the library loads little: the rest comes with the first call", async () => {
  const { files, packages } = await loadedWith("index.ts");
  expect(files.size).toBeGreaterThan(20);
  expect(files.size).toBeLessThan(45);
  expect([...packages]).toEqual([]);
});

test("a bundle has only what is used of the library", async () => {
  const program = join(folder, "program.ts");
  writeFileSync(
    program,
    `import { parseDigest } from ${JSON.stringify(join(SOURCES, "entries", "formats.ts"))};
console.log(parseDigest("sha256:${"0".repeat(64)}"));`,
  );
  const result = await Bun.build({ entrypoints: [program], target: "node", outdir: folder });
  const [bundle] = result.outputs;
  expect(bundle?.size).toBeLessThan(2500);
  const stdout = await mustRun([process.execPath, bundle?.path ?? ""]);
  expect(stdout).toStartWith("sha256:");
});
