import * as v from "valibot";
import { ImageError } from "../core/errors.ts";
import type { TlsRestrictions, TlsVersion } from "../runtime/http.ts";
import { readRequiredFile, yamlProblem } from "./configuration-file.ts";

/** The suites of TLS 1.2 and older by their IANA names, with what OpenSSL calls them. RFC 5246, 5289, 7905. */
const CIPHER_SUITES: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
  TLS_RSA_WITH_AES_256_GCM_SHA384: "AES256-GCM-SHA384",
  TLS_RSA_WITH_AES_128_CBC_SHA: "AES128-SHA",
  TLS_RSA_WITH_AES_256_CBC_SHA: "AES256-SHA",
};

/** No client can choose among these: they may be named, and are all offered. RFC 8446, appendix B.4. */
const FIXED_SUITES: ReadonlySet<string> = new Set([
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
]);

/** Groups for the key exchange by their IANA names in lower case, with what OpenSSL calls them. RFC 8446, 4.2.7. */
const GROUPS: Readonly<Record<string, string>> = {
  secp256r1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
  x25519: "X25519",
  x25519mlkem768: "X25519MLKEM768",
};

const VERSIONS: Readonly<Record<string, TlsVersion>> = {
  "1.0": "TLSv1",
  "1.1": "TLSv1.1",
  "1.2": "TLSv1.2",
  "1.3": "TLSv1.3",
};

const DetailsSchema = v.strictObject({
  minVersion: v.optional(v.string()),
  cipherSuites: v.optional(v.array(v.string())),
  namedGroups: v.optional(v.array(v.string())),
});

/**
 * What the file of `--tls-details` restricts TLS to. containers-tls-details.yaml(5).
 * @throws {ImageError} CONFIG_INVALID, naming the file and what is wrong in it
 */
export async function readTlsDetails(path: string): Promise<TlsRestrictions> {
  try {
    const text = new TextDecoder().decode(await readRequiredFile(path));
    const { parse } = await import("yaml");
    // Versions are words: unquoted 1.3 would be a number otherwise.
    return restrictionsOf(
      v.parse(DetailsSchema, parse(text, { schema: "failsafe", logLevel: "error" }) ?? {}),
    );
  } catch (error) {
    const reason = v.isValiError(error) ? describeIssue(error.issues[0]) : yamlProblem(error);
    throw new ImageError("CONFIG_INVALID", `reading TLS details ${JSON.stringify(path)}: ${reason}`, {
      cause: error,
    });
  }
}

function restrictionsOf(details: v.InferOutput<typeof DetailsSchema>): TlsRestrictions {
  const { minVersion, cipherSuites, namedGroups } = details;
  const suites = cipherSuites?.map(suiteName).filter((name) => name !== undefined);
  const version = minVersion === undefined ? undefined : choose(VERSIONS, minVersion, "minVersion");
  const groups = namedGroups?.map((name) => choose(GROUPS, name.toLowerCase(), "named group"));
  if (groups?.length === 0) throw new Error("namedGroups is empty: there would be no key exchange");
  return {
    // Without a suite for older versions only TLS 1.3 remains.
    minVersion: suites?.length === 0 ? "TLSv1.3" : version,
    ciphers: suites === undefined || suites.length === 0 ? undefined : suites.join(":"),
    groups: groups?.join(":"),
  };
}

function suiteName(name: string): string | undefined {
  return FIXED_SUITES.has(name) ? undefined : choose(CIPHER_SUITES, name, "cipher suite");
}

function choose<T>(table: Readonly<Record<string, T>>, name: string, what: string): T {
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  if (found !== undefined) return found;
  throw new Error(`unknown ${what} ${JSON.stringify(name)}; known are ${Object.keys(table).join(", ")}`);
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const key = v.getDotPath(issue);
  if (issue.type === "strict_object")
    return `unknown key ${issue.received === "never" ? key : issue.received}`;
  return `${key ?? "the file"}: expected ${issue.expected}, found ${issue.received}`;
}
