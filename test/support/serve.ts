import { startOurs } from "./run.ts";

/** Our own registry, with everything in memory. */
export async function startServe(
  address: string = "127.0.0.1:0",
): Promise<{ readonly host: string } & AsyncDisposable> {
  const program = startOurs(["serve", "--memory", "--addr", address]);
  for await (const chunk of program.stdout) {
    const host = /http:\/\/(\S+)/.exec(new TextDecoder().decode(chunk))?.[1];
    if (host === undefined) continue;
    return {
      host,
      [Symbol.asyncDispose]: async () => {
        program.kill();
        await program.exited;
      },
    };
  }
  throw new Error(await new Response(program.stderr).text());
}
