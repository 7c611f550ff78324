import { compileAsUsualSoon } from "../runtime/jit-policy.ts";
import { VERSION } from "../version.ts";

/**
 * Runs the program with the words that stand behind its name, and gives its exit code.
 * The version is answered before anything else is loaded: it is asked for often, and costs what a greeting costs.
 */
export async function main(words: readonly string[]): Promise<number> {
  if (words.length === 1 && (words[0] === "--version" || words[0] === "-v")) {
    // biome-ignore lint/suspicious/noConsole: the only way to standard output that needs no module
    console.log(`skopeo version ${VERSION}`);
    return 0;
  }
  compileAsUsualSoon();
  const { runProgram } = await import("./program.ts");
  return await runProgram(words);
}
