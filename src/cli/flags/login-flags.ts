import type { FlagTableOf } from "../flag.ts";

/** Which file a login is kept in. cli.md 7.1. */
export type LoginFileFlagTable = FlagTableOf<{
  authfile: "string";
  "compat-auth-file": "string";
  "tls-verify": "optional-boolean";
}>;

const group = "Login";

export const loginFileFlags: LoginFileFlagTable = {
  authfile: {
    kind: "string",
    group,
    placeholder: "PATH",
    summary: "credential file to change (default $REGISTRY_AUTH_FILE, then the usual one)",
  },
  "compat-auth-file": {
    kind: "string",
    group,
    placeholder: "PATH",
    summary: "change this file as the docker command would",
  },
  "tls-verify": {
    kind: "optional-boolean",
    group: "Registry access",
    summary: "require HTTPS and a valid certificate; =false allows plain HTTP and any certificate",
  },
};
