import { findCredentials } from "../../config/auth-file.ts";
import {
  type AuthFileTarget,
  chooseAuthFile,
  isDockerOwnFile,
  type LoginTarget,
  parseLoginTarget,
} from "../../config/auth-file-target.ts";
import { hostEnvironment } from "../../config/locations.ts";
import { storeLogin } from "../../config/login-store.ts";
import type { Credentials } from "../../core/credentials.ts";
import { ImageError, inContext, isAbort, withContext } from "../../core/errors.ts";
import type { ImageEnvironment } from "../../environment/image-environment.ts";
import { type Command, defineCommand, FlagError, type Invocation, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";
import { type LoginFileFlagTable, loginFileFlags } from "../flags/login-flags.ts";
import { askLine, askSecret, readAllInput } from "../prompt.ts";
import { createEnvironment } from "../session.ts";

type LoginFlagTable = LoginFileFlagTable &
  FlagTableOf<{
    username: "string";
    password: "string";
    "password-stdin": "boolean";
    "get-login": "boolean";
    verbose: "boolean";
    "cert-dir": "string";
  }>;

const group = "Login";

const flags: LoginFlagTable = {
  username: { kind: "string", short: "u", group, placeholder: "USER", summary: "user name for the registry" },
  password: {
    kind: "string",
    short: "p",
    group,
    placeholder: "PASSWORD",
    summary: "password; others on the machine can see it, unlike with --password-stdin",
  },
  "password-stdin": { kind: "boolean", group, summary: "read the password from standard input" },
  "get-login": { kind: "boolean", group, summary: "only print who is logged in" },
  verbose: { kind: "boolean", short: "v", group, summary: "tell where the login was stored" },
  ...loginFileFlags,
  "cert-dir": {
    kind: "string",
    group: "Registry access",
    placeholder: "DIR",
    summary: "directory of certificates for the connection: *.crt, *.cert, *.key",
  },
};

export const command: Command = defineCommand({
  name: "login",
  synopsis: "REGISTRY",
  summary: "Log in to a registry",
  description:
    "Checks the user name and password with the registry and stores them, for this command as for podman and buildah; with --compat-auth-file for docker. REGISTRY is HOST[:PORT], or with a namespace HOST/NAMESPACE. What is not given is asked for.",
  examples: [
    { purpose: "asking for user and password", command: "login registry.example.com" },
    {
      purpose: "in a script",
      command: "login --username ci --password-stdin registry.example.com < password-file",
    },
  ],
  flags,
  run,
});

type LoginInvocation = Invocation<LoginFlagTable>;

async function run(invocation: LoginInvocation): Promise<void> {
  const [text, ...others] = invocation.arguments;
  const { flags: values, stdout, log, signal } = invocation;
  if (others.length > 0) throw new UsageError("login accepts only one registry to log in to");
  if (values.authfile && values["compat-auth-file"]) chooseTarget(invocation);
  if (text === undefined) throw new UsageError("please provide a registry to log in to");
  const login = parseLoginTarget(text);
  const environment = createEnvironment(invocation);
  const stored = await findStored(invocation, environment, login);
  if (values["get-login"]) {
    if (stored === undefined) throw new ImageError("UNAUTHORIZED", `not logged into ${login.key}`);
    stdout.write(`${stored.username}\n`);
    return;
  }
  if (stored?.identityToken) {
    throw new ImageError("UNAUTHORIZED", "currently logged in, auth file contains an Identity token");
  }
  const given = await readGiven(invocation);
  if (stored !== undefined && given.username === undefined && given.password === undefined) {
    stdout.write(`Authenticating with existing credentials for ${login.key}\n`);
    if (await isAccepted(invocation, environment, login, stored)) {
      stdout.write(`Existing credentials are valid. Already logged in to ${login.registry}\n`);
      return;
    }
    stdout.write("Existing credentials are invalid, please enter valid username and password\n");
  }
  const credentials = await complete(invocation, given, stored?.username);
  await check(invocation, environment, login, credentials);
  const target = chooseTarget(invocation);
  if (target.format === "containers" && isDockerOwnFile(target.path, hostEnvironment())) {
    log.warn("saving credentials to ~/.docker/config.json, but not using Docker-compatible file format");
  }
  const helpers = await environment.credentialHelpers();
  const place = await storeLogin(login, credentials, {
    ...{ target, helpers, signal },
    environment: hostEnvironment(),
  });
  if (values.verbose) stdout.write(`Used:  ${place}\n`);
  stdout.write("Login Succeeded!\n");
}

function chooseTarget({ flags: values }: LoginInvocation): AuthFileTarget {
  return chooseAuthFile(
    { authFile: values.authfile, compatAuthFile: values["compat-auth-file"] },
    hostEnvironment(),
  );
}

async function findStored(
  { flags: values, log, signal }: LoginInvocation,
  environment: ImageEnvironment,
  { registry, repository }: LoginTarget,
): Promise<Credentials | undefined> {
  const found = await findCredentials(
    {
      context: "get credentials",
      environment: hostEnvironment(),
      explicitFile: values.authfile || values["compat-auth-file"] || undefined,
      helpers: await environment.credentialHelpers(),
      signal,
      debug: (message) => log.debug(message),
      warning: (message) => log.warn(message),
    },
    { registry, repository },
  );
  return found?.credentials;
}

type GivenCredentials = Partial<Pick<Credentials, "username" | "password">>;

async function readGiven({ flags: values }: LoginInvocation): Promise<GivenCredentials> {
  const { username, password } = values;
  if (!values["password-stdin"]) {
    return {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    };
  }
  if (password !== undefined) throw new FlagError("can't specify both --password-stdin and --password");
  if (username === undefined) throw new FlagError("must provide --username with --password-stdin");
  return { username, password: (await readAllInput()).replace(/[\r\n]/g, "") };
}

/** Asks for what is missing. Enter keeps the user name that is stored. */
async function complete(
  invocation: LoginInvocation,
  given: GivenCredentials,
  storedName: string | undefined,
): Promise<Credentials> {
  return await inContext("getting username and password", async () => {
    const username = given.username ?? (await askName(invocation, storedName));
    const password =
      given.password ??
      (await inContext("reading password", () => askSecret(invocation, "Password: "), "UNAUTHORIZED"));
    return { username, password };
  });
}

async function askName(invocation: LoginInvocation, storedName: string | undefined): Promise<string> {
  const question = storedName === undefined ? "Username: " : `Username (${storedName}): `;
  const name = await inContext("reading username", () => askLine(invocation, question), "UNAUTHORIZED");
  return name === "" ? (storedName ?? "") : name;
}

async function isAccepted(
  invocation: LoginInvocation,
  environment: ImageEnvironment,
  login: LoginTarget,
  credentials: Credentials,
): Promise<boolean> {
  try {
    await check(invocation, environment, login, credentials);
    return true;
  } catch (error) {
    if (isAbort(error)) throw error;
    return false;
  }
}

async function check(
  { flags: values, globals, signal }: LoginInvocation,
  environment: ImageEnvironment,
  { key, registry }: LoginTarget,
  credentials: Credentials,
): Promise<void> {
  const access = { certDir: values["cert-dir"], tlsVerify: values["tls-verify"] ?? globals.tlsVerify };
  try {
    await environment.checkLogin(registry, credentials, access, { signal });
  } catch (error) {
    if (error instanceof ImageError && error.code === "UNAUTHORIZED") {
      throw new ImageError("UNAUTHORIZED", `logging into "${key}": invalid username/password`, {
        cause: error,
      });
    }
    throw withContext(`authenticating creds for "${key}"`, error);
  }
}
