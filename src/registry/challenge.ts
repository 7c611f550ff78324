/** What a server asks for in WWW-Authenticate. RFC 9110, section 11.6.1; distribution "Token Authentication". */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const SCHEME = /^[A-Za-z][A-Za-z0-9-]*/;
const PARAMETER = /^\s*([A-Za-z0-9_.-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*/;

/** The challenges of a WWW-Authenticate header, of which several may have been joined by commas. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let rest = header.trim();
  while (rest !== "") {
    const scheme = SCHEME.exec(rest)?.[0];
    if (scheme === undefined) break;
    const parsed = parseParameters(rest.slice(scheme.length));
    challenges.push({ scheme: scheme.toLowerCase(), parameters: parsed.parameters });
    rest = parsed.rest;
  }
  return challenges;
}

/** The challenge to answer: the first of a scheme that this client knows. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  return challenges.find(({ scheme }) => scheme === "bearer" || scheme === "basic");
}

function parseParameters(text: string): { parameters: Record<string, string>; rest: string } {
  const parameters: Record<string, string> = {};
  let rest = text;
  for (;;) {
    rest = rest.replace(/^[\s,]+/, "");
    const match = PARAMETER.exec(rest);
    if (match === null) return { parameters, rest };
    const [whole, name = "", quoted, token] = match;
    parameters[name.toLowerCase()] = quoted === undefined ? (token ?? "") : quoted.replace(/\\(.)/g, "$1");
    rest = rest.slice(whole.length);
  }
}
