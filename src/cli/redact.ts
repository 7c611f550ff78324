const MASK = "***";

/** A word in plain prose after "Basic" or "Bearer" is no credential. */
const CREDENTIAL =
  /\b(Basic|Bearer)\s+(?![A-Z]?[a-z]+(?![A-Za-z0-9+/_.~=-]))(?![a-z_]+=)[A-Za-z0-9+/_.~-]+=*/gi;
const HEADER = /\b((?:proxy-)?authorization["']?\s*[:=]\s*["']?)(?:(Basic|Bearer)\s+)?[^\s"',;]+/gi;
const ASSIGNMENT = /\b((?:[a-z]+_)*(?:password|passwd|secret|token)=)(?:"[^"]*"|[^\s&,;"]+)/gi;
const JSON_MEMBER = /("(?:[a-z]+[_-]?)*(?:password|passwd|secret|token|auth)"\s*:\s*)"(?:[^"\\]|\\.)*"/gi;
const URL_USER = /\b(https?:\/\/)[^\s/@"']+@/gi;

/**
 * `text` without anything that opens a registry: values of Authorization headers, passwords and tokens in queries
 * and JSON, the user part of URLs. Everything that is logged goes through here, though nothing secret should reach it.
 */
export function redact(text: string): string {
  return text
    .replace(HEADER, (_, name: string, scheme?: string) => `${name}${scheme ? `${scheme} ` : ""}${MASK}`)
    .replace(CREDENTIAL, `$1 ${MASK}`)
    .replace(JSON_MEMBER, `$1"${MASK}"`)
    .replace(ASSIGNMENT, `$1${MASK}`)
    .replace(URL_USER, `$1${MASK}@`);
}
