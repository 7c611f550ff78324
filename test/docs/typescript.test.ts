import { expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/run.ts";
import { PAGES, ROOT, readBlocks } from "./blocks.ts";

/** What the pages' programs take from the program around them. */
const GIVEN = `
declare global {
  const from: string;
  const to: string;
  const secrets: Readonly<Record<string, string>>;
  const companyAuthority: string;
  const idToken: string;
}
export {};
`;

test("the programs in the pages have the types of the library", async () => {
  const blocks = PAGES.flatMap(readBlocks).filter(({ language }) => language === "ts");
  expect(blocks.length).toBeGreaterThan(4);
  // Within the repository, so that the modules' types are found; git ignores the folder.
  const directory = join(ROOT, "dist", `docs-${process.pid}`);
  mkdirSync(directory, { recursive: true });
  try {
    writeFileSync(join(directory, "given.d.ts"), GIVEN);
    for (const { page, line, text } of blocks)
      writeFileSync(join(directory, `${page.replaceAll(/\W/g, "-")}-${line}.ts`), `${text}export {};\n`);
    const paths = { "skopeo-ts": ["../../src/index.ts"], "skopeo-ts/*": ["../../src/entries/*.ts"] };
    const compilerOptions = { paths, noUnusedLocals: false, isolatedDeclarations: false, declaration: false };
    const project = {
      extends: "../../tsconfig.json",
      compilerOptions,
      include: ["*.ts", "../../src/**/*.d.ts"],
    };
    writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(project));
    const { exitCode, stdout } = await run([join(ROOT, "node_modules", ".bin", "tsc"), "-p", directory]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 60_000);
