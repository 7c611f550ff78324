/** Runs of characters as keys, tokens and signatures are made of; no word of a sentence is as long. */
const TOKEN = /[A-Za-z0-9+_=~-]{32,}(?:\.[A-Za-z0-9+/_=~-]+)*/g;
/** Variables that hold a secret, and not the path or address of one. */
const SECRET_NAME = /SECRET|TOKEN|PASSWORD|_KEY$/i;
const PLACE_NAME = /(?:_FILE|_PATH|_URI|_URL|_ENDPOINT|_ID)$/i;
/** Names of tenants and applications: no secrets, and what a user looks for. */
const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Shorter ones would blacken ordinary words. */
const SHORTEST_SECRET = 4;
/** A service's own words; in characters. */
const LONGEST = 400;

/** The secrets among environment variables. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const entries = Object.entries(env).filter(
    ([name]) => SECRET_NAME.test(name) && (!PLACE_NAME.test(name) || name === "AWS_ACCESS_KEY_ID"),
  );
  return entries.flatMap(([, value]) => (value === undefined ? [] : [value]));
}

/** What a service or library said, on one line, without `secrets` in any usual form and whatever looks like one. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const forms = secrets
    .filter((secret) => secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [
      secret,
      encodeURIComponent(secret),
      JSON.stringify(secret).slice(1, -1),
      base64(secret),
    ]);
  const longestFirst = [...new Set(forms)].toSorted((a, b) => b.length - a.length);
  const line = longestFirst.reduce((rest, form) => rest.replaceAll(form, "(withheld)"), text);
  const short = line
    .replace(TOKEN, (run) => (GUID.test(run) ? run : "(withheld)"))
    .replace(/\s+/g, " ")
    .trim();
  return short.length > LONGEST ? `${short.slice(0, LONGEST)}…` : short;
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64").replace(/=+$/, "");
}
