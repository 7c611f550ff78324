import type { OperationOptions } from "../../core/byte-stream.ts";
import { SigningError, type SigningFailure, type SimpleSigner } from "../simple/signer.ts";
import { type GpgOptions, type GpgOutcome, runGpg } from "./process.ts";

/** A key of the user, and what is needed to use it. */
export interface GpgSignerOptions extends GpgOptions {
  /** What gpg finds keys by: a fingerprint, a key ID, or a part of a user ID such as an e-mail address. */
  readonly identity: string;
  /** Without one, or with an empty one, gpg's agent has the passphrase or asks for it. */
  readonly passphrase?: string | undefined;
}

/** A key as gpg lists it. */
interface ListedKey {
  readonly fingerprint: string;
  /** Whether this key, or a subkey of it, can sign now. */
  readonly canSign: boolean;
  /** gpg's letter: `e` is expired, `r` revoked. */
  readonly validity: string;
}

/** The low half of what gpg calls a failure, and what it means. libgpg-error, "Error Values". */
const FAILURES: ReadonlyMap<number, SigningFailure> = new Map([
  [11, "bad-passphrase"],
  [17, "unknown-key"],
  [54, "unusable-key"],
]);

/**
 * A signer with a key of the user's keyring, by the gpg program and its agent. That the key exists and may sign is
 * checked at once; whether the passphrase is the right one shows when it signs, unless `tryPassphrase` is called.
 * Signing reference 2.3 and 5.4.
 * @throws {SigningError} no-gpg, unknown-key, ambiguous-key, unusable-key, timed-out
 */
export async function openGpgSigner(options: GpgSignerOptions): Promise<SimpleSigner> {
  const { identity, passphrase = "" } = options;
  if (identity === "" || identity.includes("\0")) throw new SigningError("unknown-key", "Invalid value");
  if (passphrase.includes("\n")) {
    throw new SigningError("bad-passphrase", "invalid passphrase: it must not contain a line break");
  }
  const key = chooseKey(await listSecretKeys(options), identity);
  // An exclamation mark picks a subkey; all else has led to this key.
  const localUser = identity.endsWith("!") ? identity : key.fingerprint;
  return {
    fingerprint: key.fingerprint,
    sign: async (payload, { signal }: OperationOptions = {}) =>
      await sign(payload, localUser, passphrase, { ...options, signal: signal ?? options.signal }),
  };
}

/**
 * Signs something that nobody will see, so that a wrong passphrase is found out before anything is written.
 * @throws {SigningError}
 */
export async function tryPassphrase(signer: SimpleSigner, options: OperationOptions = {}): Promise<void> {
  await signer.sign(new TextEncoder().encode("trial of a passphrase"), options);
}

/** The passphrase in the content of a `--sign-passphrase-file`: its first line. */
export function readPassphrase(content: Uint8Array): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(content);
  const newline = text.indexOf("\n");
  return newline < 0 ? text : text.slice(0, newline);
}

async function sign(
  payload: Uint8Array,
  localUser: string,
  passphrase: string,
  options: GpgOptions,
): Promise<Uint8Array> {
  // gpg reads the passphrase up to the line break, and what follows it is the payload.
  const loopback = passphrase === "" ? [] : ["--pinentry-mode", "loopback", "--passphrase-fd", "0"];
  const input =
    passphrase === "" ? payload : Buffer.concat([new TextEncoder().encode(`${passphrase}\n`), payload]);
  const parameters = [
    ...loopback,
    // A user's gpg.conf may have set the opposite.
    "--no-armor",
    "--no-textmode",
    "--no-for-your-eyes-only",
    "--digest-algo",
    "SHA512",
    "--local-user",
    localUser,
    "--output",
    "-",
    "--sign",
  ];
  const outcome = await runGpg(parameters, input, options);
  if (outcome.status === 0 && /^\[GNUPG:\] SIG_CREATED /m.test(outcome.messages)) return outcome.output;
  throw signingFailure(outcome);
}

function signingFailure({ messages, status }: GpgOutcome): SigningError {
  const code = Number(/^\[GNUPG:\] FAILURE \S+ (\d+)/m.exec(messages)?.[1] ?? 0) & 0xffff;
  const failure = FAILURES.get(code) ?? "failed";
  const lines = messages.split("\n").filter((line) => line.startsWith("gpg: "));
  const told = lines.map((line) => /^gpg: (?:\S+: )?signing failed: (.+)$/.exec(line)?.[1]).find(Boolean);
  const text = told ?? lines.at(-1)?.slice("gpg: ".length) ?? `gpg ended with status ${status ?? "unknown"}`;
  return new SigningError(failure, text);
}

async function listSecretKeys(options: GpgSignerOptions): Promise<readonly ListedKey[]> {
  const parameters = ["--with-colons", "--fixed-list-mode", "--list-secret-keys", "--", options.identity];
  const outcome = await runGpg(parameters, new Uint8Array(), options);
  return parseKeyList(new TextDecoder().decode(outcome.output));
}

/** Fields are separated by colons; the fingerprint is in the record after that of the key. GnuPG, doc/DETAILS. */
function parseKeyList(text: string): readonly ListedKey[] {
  const records = text.split("\n").map((line) => line.split(":"));
  return records.flatMap(([type, validity = "", ...rest], index) => {
    if (type !== "sec") return [];
    const fingerprint = records.slice(index + 1).find(([next]) => next === "fpr")?.[9] ?? "";
    return [{ fingerprint, validity, canSign: (rest[9] ?? "").includes("S") }];
  });
}

function chooseKey(keys: readonly ListedKey[], identity: string): ListedKey {
  const [first] = keys;
  if (first === undefined) {
    throw new SigningError("unknown-key", `key ${JSON.stringify(identity)} not found`);
  }
  // Expired and revoked ones do not count where there is one that is neither.
  const [key, ...others] = keys.filter(({ canSign }) => canSign);
  if (key === undefined) {
    throw new SigningError("unusable-key", `Unusable secret key: ${identity} ${whyUnusable(first)}`);
  }
  if (others.length > 0) {
    throw new SigningError("ambiguous-key", `Ambiguous name: ${identity} is in ${others.length + 1} keys`);
  }
  return key;
}

function whyUnusable({ validity }: ListedKey): string {
  if (validity === "e") return "has expired";
  if (validity === "r") return "is revoked";
  return "cannot sign";
}
