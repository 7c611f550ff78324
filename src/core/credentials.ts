import type { OperationOptions } from "./byte-stream.ts";

/** What proves a user to a registry. Never printed. */
export interface Credentials {
  /** "" where there is only an identity token. */
  readonly username: string;
  /** Or what stands for one: a token, an access key. */
  readonly password: string;
  /** An OAuth 2 refresh token; where it is set, it is used instead of the password. */
  readonly identityToken?: string | undefined;
  /** Nobody has asked to use these: where they are refused, the registry is asked as by a stranger. */
  readonly isOffered?: boolean | undefined;
}

/** Whether these prove nothing: stores hold such entries for registries that need no login. */
export function isEmptyCredentials(credentials: Credentials): boolean {
  return credentials.username === "" && credentials.password === "" && !credentials.identityToken;
}

/** Finds the credentials for a repository when its registry asks for some; undefined means anonymous access. */
export type CredentialsProvider = (
  repository: string | undefined,
  options?: OperationOptions,
) => Promise<Credentials | undefined>;
