import { ImageError } from "../../core/errors.ts";

/**
 * Refuses what is no URL at all; whether it can be reached shows when it is used.
 * @throws {ImageError} CONFIG_INVALID `parsing NAME "URL": parse "URL": …`
 */
export function checkUrl(name: string, url: string): void {
  const problem = findProblem(url);
  if (problem === undefined) return;
  const shown = JSON.stringify(url);
  throw new ImageError("CONFIG_INVALID", `parsing ${name} ${shown}: parse ${shown}: ${problem}`);
}

function findProblem(url: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(url)) return "net/url: invalid control character in URL";
  if (url.startsWith(":")) return "missing protocol scheme";
  const broken = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(url.replace(/[?#].*$/, ""))?.[0];
  return broken === undefined ? undefined : `invalid URL escape ${JSON.stringify(broken)}`;
}
