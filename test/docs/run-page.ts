import { expect } from "bun:test";
import { freePort } from "../support/docker-registry.ts";
import { type Block, readBlocks } from "./blocks.ts";
import { createSandbox, type Sandbox } from "./sandbox.ts";

/** What a page takes for granted: images, keys, files. */
export interface Setup {
  prepare?(sandbox: Sandbox): Promise<void>;
  /** Texts of the page that cannot stand as they are, such as paths outside the home, and what stands for them. */
  replace?(sandbox: Sandbox): Readonly<Record<string, string>>;
  /** Variables that the page's commands expect. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is to hold when all blocks have run. */
  check?(sandbox: Sandbox): Promise<void>;
}

/** Whether the blocks of a page run here at all. */
export function isRun({ language, mark }: Block): boolean {
  return language === "sh" && mark?.kind !== "illustrative" && mark?.kind !== "tested-by";
}

/** Writes the files that a page shows and runs its commands, in the page's order, and compares what they print. */
export async function runPage(page: string, setup: Setup = {}): Promise<void> {
  await using sandbox = await createSandbox();
  await setup.prepare?.(sandbox);
  const ports = new Ports();
  const replacements = Object.entries(setup.replace?.(sandbox) ?? {});
  const exports = Object.entries(setup.env ?? {}).map(([name, value]) => `export ${name}='${value}'\n`);
  const local = async (text: string): Promise<string> =>
    await ports.replace(replacements.reduce((result, [from, to]) => result.replaceAll(from, to), text));
  for (const block of readBlocks(page)) {
    const text = await local(block.text);
    if (block.file !== undefined) sandbox.write(block.file, text);
    if (!isRun(block)) continue;
    if (block.mark?.kind === "in-background") {
      for (const line of text.trim().split("\n")) await sandbox.start(line);
      continue;
    }
    const expected = block.mark?.kind === "exit-code" ? block.mark.code : 0;
    const { exitCode, stdout, stderr } = await sandbox.run(exports.join("") + text);
    expect({ place: `${page}:${block.line}`, exitCode, stdout, stderr }).toMatchObject({
      exitCode: expected,
    });
    if (block.output !== undefined) expectOutput(stdout, await local(block.output));
  }
  await setup.check?.(sandbox);
}

/** Compares output with what a page shows, where `…` stands for anything, and digests are not told apart. */
function expectOutput(actual: string, shown: string): void {
  const anonymous = (text: string): string =>
    text.trimEnd().replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:DIGEST");
  const pattern = anonymous(shown).split("…").map(RegExp.escape).join("[^]*?");
  if (!new RegExp(`^${pattern}$`).test(anonymous(actual))) expect(anonymous(actual)).toBe(anonymous(shown));
}

/** Free ports in place of those that pages name, 5000 and the like. */
class Ports {
  readonly #ports = new Map<string, number>();

  async replace(text: string): Promise<string> {
    for (const [port = ""] of text.matchAll(/(?<=:)50\d\d(?![0-9a-f])/g)) {
      if (!this.#ports.has(port)) this.#ports.set(port, await freePort());
    }
    return text.replaceAll(/(?<=:)50\d\d(?![0-9a-f])/g, (port) => String(this.#ports.get(port)));
  }
}
