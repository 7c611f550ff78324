import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { terminalText } from "../../src/cli/terminal-text.ts";
import { buildImage, temporary, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { OURS, run, runOurs } from "../support/run.ts";

/** What servers and images say reaches a terminal as text, whatever it is; a pipe gets it as it is. */
const HOSTILE = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp.exe";

test("unsafe characters become escapes, and others stay", () => {
  expect(terminalText(HOSTILE)).toBe("\\x1b]0;owned\\x07\\x1b[2J\\x9b31m\\u202egnp.exe");
  expect(terminalText("a\tb\ncafé 漢字 🙂 ־")).toBe("a\tb\ncafé 漢字 🙂 ־");
});

/** Runs our command with a terminal as its output. */
async function onTerminal(words: readonly string[], script: string): Promise<string> {
  const command = [...OURS, ...words].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const transcript = join(temporary("terminal"), "transcript");
  await run([script, "--quiet", "--return", "--command", command, transcript], { env: { TERM: "dumb" } });
  return await Bun.file(transcript).text();
}

describe("on a terminal", () => {
  peerTest("labels of an image cannot control it", ["script"], async ([script = ""]) => {
    const layout = writeLayout({ v1: buildImage({ labels: { evil: HOSTILE } }) });
    const words = ["inspect", "--format", '{{index .Labels "evil"}}', `oci:${layout}:v1`];
    expect((await runOurs(words)).stdout).toContain(HOSTILE);
    const shown = await onTerminal(words, script);
    expect(shown).toContain("\\x1b]0;owned\\x07");
    expect(shown).not.toContain("\u001b]0;");
    expect(shown).not.toContain("\u202e");
  });

  peerTest("errors of a server cannot control it", ["script"], async ([script = ""]) => {
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json({ errors: [{ code: "DENIED", message: HOSTILE }] }, { status: 403 }),
    });
    const image = `docker://127.0.0.1:${server.port}/app:1`;
    const shown = await onTerminal(["inspect", "--tls-verify=false", image], script);
    expect(shown).toContain("\\x1b]0;owned\\x07");
    expect(shown).not.toContain("\u001b]0;");
  });

  peerTest("a manifest shown as it is cannot control it", ["script"], async ([script = ""]) => {
    const directory = temporary("raw");
    writeFileSync(join(directory, "manifest.json"), `{"schemaVersion":2,"x":"${HOSTILE}"}`);
    const shown = await onTerminal(["inspect", "--raw", `dir:${directory}`], script);
    expect(shown).not.toContain("\u001b]0;");
  });
});
