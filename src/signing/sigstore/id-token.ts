import * as v from "valibot";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { parseStrictJson } from "../../core/strict-json.ts";

/** What an ID token says; nobody has verified it. OpenID Connect Core 1.0, section 2. */
export interface TokenClaims {
  readonly iss?: string | null | undefined;
  readonly sub?: string | null | undefined;
  readonly aud?: string | readonly string[] | null | undefined;
  /** Seconds since 1970. */
  readonly exp?: number | null | undefined;
  readonly nonce?: string | null | undefined;
  readonly email?: string | null | undefined;
  readonly email_verified?: boolean | string | null | undefined;
}

const ClaimsSchema = v.object({
  iss: v.nullish(v.string()),
  sub: v.nullish(v.string()),
  aud: v.nullish(v.union([v.string(), v.array(v.string())])),
  exp: v.nullish(v.number()),
  nonce: v.nullish(v.string()),
  email: v.nullish(v.string()),
  email_verified: v.nullish(
    v.union([v.boolean(), v.picklist(["true", "false"])], "invalid value for boolean"),
  ),
});

/**
 * Reads a token without verifying it: who gets it verifies it. Nothing of it reaches an error's message.
 * @throws {ImageError} UNAUTHORIZED
 */
export function parseIdToken(token: string): TokenClaims {
  const parts = token.split(".");
  if (parts.length !== 3) throw unusable("go-jose/go-jose: compact JWS format must have three parts");
  for (const part of parts) {
    const problem = part.search(/[^A-Za-z0-9_-]/);
    if (problem >= 0 || part.length % 4 === 1) {
      throw unusable(`illegal base64 data at input byte ${problem >= 0 ? problem : part.length - 1}`);
    }
  }
  const result = v.safeParse(ClaimsSchema, parseJson(Buffer.from(parts[1] ?? "", "base64url")));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue);
  if (path === "email_verified") throw unusable(issue.message);
  throw unusable(path === null ? "the claims are no object" : `claim ${path} is of the wrong type`);
}

/**
 * Whom a token is about, as Fulcio sees it. Signing reference 3.7.
 * @throws {ImageError} UNAUTHORIZED
 */
export function tokenSubject(claims: TokenClaims): string {
  const { email, email_verified, sub } = claims;
  if (email) {
    if (email_verified !== true && email_verified !== "true") {
      throw unusable("not verified by identity provider");
    }
    return email;
  }
  if (!sub) throw unusable("no subject found in claims");
  return sub;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return parseStrictJson(bytes, { code: "UNAUTHORIZED" });
  } catch (error) {
    throw unusable(errorMessage(error));
  }
}

function unusable(message: string): ImageError {
  return new ImageError("UNAUTHORIZED", message);
}
