/** How many requests a server still allows, as far as it says. */
export interface RateLimit {
  readonly remaining: number;
  /** How many it allows in all. */
  readonly limit?: number | undefined;
  /** The time that the limit is for, in seconds. */
  readonly window?: number | undefined;
  /** Until the next ones are allowed, in seconds. */
  readonly reset?: number | undefined;
}

/** `100;w=21600`, and `"default";q=100;w=10` with the number as a parameter. RFC 8941, section 3.3. */
interface Item {
  readonly value: number | undefined;
  readonly parameters: ReadonlyMap<string, number>;
}

/**
 * The budget that the headers of an answer tell of: in Docker Hub's words and those of older drafts (`RateLimit-Remaining`), in
 * those of draft-ietf-httpapi-ratelimit-headers-10 (`RateLimit`), or in GitHub's and GitLab's (`X-RateLimit-Remaining`).
 */
export function parseRateLimit(headers: Headers, now: number = Date.now()): RateLimit | undefined {
  const current = parseItem(headers.get("ratelimit"));
  const policy = parseItem(headers.get("ratelimit-policy"));
  const remaining = parseItem(headers.get("ratelimit-remaining") ?? headers.get("x-ratelimit-remaining"));
  const limit = parseItem(headers.get("ratelimit-limit") ?? headers.get("x-ratelimit-limit"));
  const left = current?.parameters.get("r") ?? remaining?.value;
  if (left === undefined) return undefined;
  return {
    remaining: left,
    limit: policy?.parameters.get("q") ?? limit?.value,
    window: (policy ?? remaining)?.parameters.get("w") ?? limit?.parameters.get("w"),
    reset: current?.parameters.get("t") ?? resetSeconds(headers, now),
  };
}

/** A time since 1970 in GitHub's header, seconds from now elsewhere. */
function resetSeconds(headers: Headers, now: number): number | undefined {
  const seconds = parseItem(headers.get("ratelimit-reset") ?? headers.get("x-ratelimit-reset"))?.value;
  if (seconds === undefined) return undefined;
  return seconds > 1e9 ? Math.max(0, Math.round(seconds - now / 1000)) : seconds;
}

/** The first item of a list: the limit that is nearest to be reached. */
function parseItem(text: string | null): Item | undefined {
  const first = text?.split(",")[0];
  if (first === undefined) return undefined;
  const [value, ...parameters] = first.split(";").map((part) => part.trim());
  const pairs = parameters.flatMap((part): [string, number][] => {
    const [, name, number] = /^([a-z]+)=(\d{1,15})$/.exec(part) ?? [];
    return name === undefined ? [] : [[name, Number(number)]];
  });
  return {
    value: /^\d{1,15}$/.test(value ?? "") ? Number(value) : undefined,
    parameters: new Map(pairs),
  };
}
