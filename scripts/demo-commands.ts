import { createInterface } from "node:readline";

/** What a command left. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
}

/** Runs one program in one directory, and shows each command with what it said as a terminal would. */
export interface Commands extends AsyncDisposable {
  /** Shows and runs a command. @throws when it ends otherwise than with `exitCode`, which is 0 unless given */
  show(words: readonly string[], exitCode?: number): Promise<CommandResult>;
  /** Runs a command unseen. @throws when it fails */
  ask(words: readonly string[]): Promise<string>;
  /** Shows and starts a server, and gives the host that it says it listens on. It ends with these commands. */
  serve(words: readonly string[]): Promise<string>;
}

const LISTENING = /^Listening on https?:\/\/(\S+)$/;
const isPlain = !process.stdout.isTTY || Boolean(process.env.NO_COLOR);

export function bold(text: string): string {
  return isPlain ? text : `\x1b[1m${text}\x1b[0m`;
}

export function dim(text: string): string {
  return isPlain ? text : `\x1b[2m${text}\x1b[0m`;
}

export function green(text: string): string {
  return isPlain ? text : `\x1b[32m${text}\x1b[0m`;
}

/** Commands of `program`, with nothing of the user's configuration. */
export function commandsOf(program: string, directory: string): Commands {
  const servers: Bun.Subprocess[] = [];
  const options = { cwd: directory, env: { PATH: process.env.PATH ?? "", HOME: directory } };
  const run = async (words: readonly string[]): Promise<CommandResult & { readonly stderr: string }> => {
    const child = Bun.spawn([program, ...words], {
      ...options,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr, exitCode] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { stdout, stderr, exitCode };
  };
  return {
    async show(words, expected = 0) {
      console.log(`  ${bold(`$ skopeo ${words.join(" ")}`)}`);
      const start = performance.now();
      const { exitCode, stdout, stderr } = await run(words);
      const milliseconds = Math.round(performance.now() - start);
      for (const line of `${stderr}${stdout}`.trimEnd().split("\n"))
        if (line !== "") console.log(`    ${line}`);
      console.log(dim(`    ${exitCode === 0 ? "" : `exit code ${exitCode}, `}${milliseconds} ms`));
      if (exitCode !== expected) throw new Error(`that should have ended with exit code ${expected}`);
      return { exitCode, stdout };
    },
    async ask(words) {
      const { exitCode, stdout, stderr } = await run(words);
      if (exitCode !== 0) throw new Error(`skopeo ${words.join(" ")} ended with ${exitCode}: ${stderr}`);
      return stdout;
    },
    async serve(words) {
      console.log(`  ${bold(`$ skopeo serve ${words.join(" ")} &`)}`);
      const child = Bun.spawn([program, "serve", ...words], {
        ...options,
        stdin: "ignore",
        stdout: "pipe",
        stderr: "inherit",
      });
      servers.push(child);
      const host = await hostOf(child.stdout);
      console.log(`    Listening on http://${host}`);
      return host;
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) server.kill("SIGTERM");
      await Promise.all(servers.map((server) => server.exited));
    },
  };
}

/** Reads the line by which a server says where it is. */
async function hostOf(stdout: ReadableStream<Uint8Array>): Promise<string> {
  const { Readable } = await import("node:stream");
  for await (const line of createInterface({ input: Readable.fromWeb(stdout) })) {
    const host = LISTENING.exec(line)?.[1];
    if (host !== undefined) return host;
  }
  throw new Error("the registry ended before it listened");
}
