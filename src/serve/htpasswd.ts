import { decodeBase64 } from "../core/base64.ts";
import { computeDigest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";

/** How entries of other kinds begin, and what they are. */
const OTHER_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^\$apr1\$/, "MD5 ($apr1$)"],
  [/^\{SHA\}/, "SHA-1 ({SHA})"],
  [/^\$[56]\$/, "SHA-2 crypt"],
];
const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

/**
 * Reads an htpasswd file: lines of `user:hash`, comments with `#`. Gives the hash of each user.
 * @throws {ImageError} CONFIG_INVALID listing every entry whose hash is not bcrypt
 */
export function parseHtpasswd(text: string, path: string): ReadonlyMap<string, string> {
  const users = new Map<string, string>();
  const problems: string[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const hash = line.slice(colon + 1);
    const problem = colon <= 0 ? "is not of the form user:hash" : findProblem(line.slice(0, colon), hash);
    if (problem === undefined) users.set(line.slice(0, colon), hash);
    else problems.push(`line ${index + 1} ${problem}`);
  }
  if (problems.length > 0) {
    throw new ImageError(
      "CONFIG_INVALID",
      `${path}: only bcrypt passwords, as made by "htpasswd -B", are supported: ${problems.join("; ")}`,
    );
  }
  if (users.size === 0) throw new ImageError("CONFIG_INVALID", `${path}: there are no users in it`);
  return users;
}

/**
 * Checks Basic credentials against bcrypt hashes. A pair that was right once is remembered by a keyed hash, so that
 * only the first of many requests takes the time that bcrypt takes on purpose.
 */
export async function createBasicAuthentication(
  users: ReadonlyMap<string, string>,
): Promise<(request: Request) => Promise<boolean>> {
  const { compare } = await import("bcryptjs");
  const secret = crypto.randomUUID();
  const accepted = new Map<string, Promise<boolean>>();
  // An unknown user takes as long as a known one with a wrong password.
  const [decoy = ""] = users.values();

  const verify = async (user: string, password: string): Promise<boolean> => {
    const hash = users.get(user);
    return (await compare(password, hash ?? decoy)) && hash !== undefined;
  };

  return async (request) => {
    const credentials = readBasic(request.headers.get("Authorization"));
    if (credentials === undefined) return false;
    const { user, password } = credentials;
    const key = computeDigest(new TextEncoder().encode(JSON.stringify([secret, user, password])));
    const known = accepted.get(key);
    if (known !== undefined) return await known;
    // Kept while it runs, too: a client's first requests come all at once.
    const verdict = verify(user, password);
    accepted.set(key, verdict);
    const isRight = await verdict.catch(() => false);
    if (!isRight) accepted.delete(key);
    return isRight;
  };
}

function findProblem(user: string, hash: string): string | undefined {
  if (BCRYPT.test(hash)) return undefined;
  const kind = OTHER_KINDS.find(([pattern]) => pattern.test(hash))?.[1];
  return `has a password of another kind for user ${JSON.stringify(user)}${kind === undefined ? "" : `: ${kind}`}`;
}

/** RFC 7617 */
function readBasic(header: string | null): { user: string; password: string } | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? "")?.[1];
  if (encoded === undefined) return undefined;
  const text = decodeCredentials(encoded);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decodeCredentials(encoded: string): string | undefined {
  try {
    return new TextDecoder().decode(decodeBase64(encoded));
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}
