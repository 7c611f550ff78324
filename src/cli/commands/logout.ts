import { existsSync } from "node:fs";
import { findCredentials } from "../../config/auth-file.ts";
import {
  type AuthFileChoice,
  type AuthFileTarget,
  chooseAuthFile,
  parseLoginTarget,
} from "../../config/auth-file-target.ts";
import { hostEnvironment } from "../../config/locations.ts";
import { type LoginStoreOptions, removeAllLogins, removeLogin } from "../../config/login-store.ts";
import { ImageError, inContext, withContext } from "../../core/errors.ts";
import { type Command, defineCommand, FlagError, type Invocation, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";
import { type LoginFileFlagTable, loginFileFlags } from "../flags/login-flags.ts";
import { createEnvironment } from "../session.ts";

type LogoutFlagTable = LoginFileFlagTable & FlagTableOf<{ all: "boolean" }>;

const flags: LogoutFlagTable = {
  all: { kind: "boolean", short: "a", group: "Login", summary: "remove the logins for all registries" },
  ...loginFileFlags,
};

export const command: Command = defineCommand({
  name: "logout",
  synopsis: "REGISTRY",
  summary: "Log out of a registry",
  description:
    "Removes what login stored, from the file and from credential helpers. Only the very name is removed: a login for HOST/NAMESPACE stays when HOST goes.",
  examples: [{ purpose: "one registry", command: "logout registry.example.com" }],
  flags,
  run,
});

async function run(invocation: Invocation<LogoutFlagTable>): Promise<void> {
  const { flags: values, stdout, signal } = invocation;
  const [text, ...others] = invocation.arguments;
  if (others.length > 0) throw new UsageError("logout accepts only one registry to log out from");
  if (values.all && text !== undefined) throw new UsageError("--all takes no arguments");
  if (!values.all && text === undefined) throw new UsageError("please provide a registry to log out from");
  const environment = createEnvironment(invocation);
  const target = chooseTarget(invocation, text);
  const store: LoginStoreOptions = {
    ...{ target, signal },
    environment: hostEnvironment(),
    helpers: await environment.credentialHelpers(),
  };
  if (text === undefined) {
    await removeAllLogins(store);
    stdout.write("Removed login credentials for all registries\n");
    return;
  }
  const login = parseLoginTarget(text);
  if (await inContext(`logging out of "${login.key}"`, () => removeLogin(login, store))) {
    stdout.write(`Removed login credentials for ${login.key}\n`);
    return;
  }
  const { registry, repository } = login;
  const elsewhere = await findCredentials(store, { registry, repository });
  if (elsewhere === undefined) throw new ImageError("UNAUTHORIZED", `not logged into ${login.key}`);
  const access = { tlsVerify: values["tls-verify"] ?? invocation.globals.tlsVerify };
  await environment
    .checkLogin(registry, elsewhere.credentials, access, { signal })
    .catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new ImageError("UNAUTHORIZED", `not logged into ${login.key}`, { cause });
    });
  stdout.write(
    `Not logged into ${login.key} with current tool. Existing credentials were established via docker login. ` +
      "Please use docker logout instead.\n",
  );
}

/** A file that was named must be there: a mistyped name would remove nothing. */
function chooseTarget(
  { flags: values }: Invocation<LogoutFlagTable>,
  registry: string | undefined,
): AuthFileTarget {
  const { authfile, "compat-auth-file": compatAuthFile } = values;
  const target = locateFile({ authFile: authfile, compatAuthFile }, registry);
  if (!target.isExplicit || existsSync(target.path)) return target;
  throw new FlagError(
    `credential file is not accessible: faccessat ${target.path}: no such file or directory`,
  );
}

function locateFile(choice: AuthFileChoice, registry: string | undefined): AuthFileTarget {
  try {
    return chooseAuthFile(choice, hostEnvironment());
  } catch (error) {
    throw registry === undefined ? error : withContext(`logging out of "${registry}"`, error);
  }
}
