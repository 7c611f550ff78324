import type { CloudContext } from "./cloud-context.ts";
import type { CloudCredentials } from "./cloud-credentials.ts";

/** The tokens that GitHub Actions and GitHub's own command line use. */
const VARIABLES = ["GITHUB_TOKEN", "GH_TOKEN"] as const;

/** The GitHub container registry takes a token as the password of any user. */
export function findGithubCredentials({ env }: Pick<CloudContext, "env">): CloudCredentials | undefined {
  const variable = VARIABLES.find((name) => env[name]);
  const password = variable === undefined ? undefined : env[variable];
  if (variable === undefined || !password) return undefined;
  const username = env.GITHUB_ACTOR || "x-access-token";
  return {
    credentials: { username, password },
    source: `GitHub container registry (${variable})`,
  };
}
