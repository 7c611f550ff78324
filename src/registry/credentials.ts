/** A login at a registry. An identity token takes the place of the password. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly identityToken?: string | undefined;
}

/** Finds the login for a repository when the registry asks for one; undefined means anonymous access. */
export type CredentialsProvider = (
  repository: string | undefined,
  options?: { readonly signal?: AbortSignal | undefined },
) => Promise<Credentials | undefined>;
