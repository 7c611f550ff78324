/** The desktop's program that opens a URL, by what Node calls the platform. */
const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/**
 * Has the desktop open a web page, and waits for nothing but the start of its program. No shell reads the URL.
 * Rejects when there is no such program.
 */
export async function openBrowser(url: string): Promise<void> {
  const { spawn } = process.getBuiltinModule("node:child_process");
  const [program, ...words] = OPENERS[process.platform] ?? ["xdg-open"];
  const child = spawn(program, [...words, url], { stdio: "ignore", detached: true });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
}
