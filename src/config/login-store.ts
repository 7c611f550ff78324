import type { OperationOptions } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import { errorMessage, ImageError } from "../core/errors.ts";
import { AUTH_FILES_HELPER } from "./auth-file.ts";
import type { AuthFileTarget, LoginTarget } from "./auth-file-target.ts";
import {
  type AuthDocument,
  readAuthDocument,
  updateAuthFile,
  withLogin,
  withoutLogin,
} from "./auth-file-update.ts";
import { type HelperAction, runHelper } from "./credential-helper.ts";
import type { Environment } from "./locations.ts";

/** Where logins are kept: one file, and the helpers that it and registries.conf name. */
export interface LoginStoreOptions extends OperationOptions {
  readonly target: AuthFileTarget;
  readonly environment: Environment;
  /** `credential-helpers` of registries.conf; not used for a file in Docker's format. */
  readonly helpers: readonly string[];
}

/** Stores a login with the first helper that takes it, or in the file. Tells where. cli.md 7.5. @throws {ImageError} */
export async function storeLogin(
  { key }: LoginTarget,
  credentials: Credentials,
  options: LoginStoreOptions,
): Promise<string> {
  const failures: unknown[] = [];
  for (const helper of stores(options)) {
    try {
      return helper === AUTH_FILES_HELPER
        ? await storeInFile(key, credentials, options)
        : await storeWith(helper, key, credentials, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(error);
    }
  }
  throw joined(failures, "saving credentials");
}

async function storeInFile(
  key: string,
  credentials: Credentials,
  options: LoginStoreOptions,
): Promise<string> {
  const { target } = options;
  const helper = helperFor(await readAuthDocument(target.path), key);
  if (helper !== undefined) return await storeWith(helper, key, credentials, options);
  await updateAuthFile(target, (document) => withLogin(document, key, credentials, target.format), options);
  return target.path;
}

async function storeWith(
  helper: string,
  key: string,
  { username, password }: Credentials,
  options: LoginStoreOptions,
): Promise<string> {
  checkNoNamespace(helper, key);
  await ask(
    helper,
    "store",
    JSON.stringify({ ServerURL: key, Username: username, Secret: password }),
    options,
  );
  return `credential helper: ${helper}`;
}

/**
 * Removes a login from the file and from all helpers. Whether there was one. cli.md 7.6.
 * @throws {ImageError} when a helper that has it does not give it up
 */
export async function removeLogin({ key }: LoginTarget, options: LoginStoreOptions): Promise<boolean> {
  let isFound = false;
  const failures: unknown[] = [];
  for (const helper of stores(options)) {
    try {
      if (helper === AUTH_FILES_HELPER) isFound = (await removeFromFile(key, options)) || isFound;
      else if (!key.includes("/")) {
        await ask(helper, "erase", key, options);
        isFound = true;
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      failures.push(
        new ImageError(
          "UNAUTHORIZED",
          `removing credentials for ${key} from credential helper ${helper}: ${errorMessage(error)}`,
          { cause: error },
        ),
      );
    }
  }
  if (failures.length > 0 && !isFound) throw joined(failures, `updating "${options.target.path}"`);
  return isFound;
}

async function removeFromFile(key: string, options: LoginStoreOptions): Promise<boolean> {
  const { target } = options;
  const current = await readAuthDocument(target.path);
  const helper = helperFor(current, key);
  if (helper !== undefined) {
    await ask(helper, "erase", key, options);
    return true;
  }
  if (withoutLogin(current, key, target.format) === undefined) return false;
  await updateAuthFile(target, (document) => withoutLogin(document, key, target.format) ?? document, options);
  return true;
}

/** The helper that a file names for a registry, which may be called `constructor`. */
function helperFor({ credHelpers }: AuthDocument, key: string): string | undefined {
  return credHelpers && Object.hasOwn(credHelpers, key) ? credHelpers[key] : undefined;
}

/** Removes every login of the file, and what the helpers hold that it names for registries. @throws {ImageError} */
export async function removeAllLogins(options: LoginStoreOptions): Promise<void> {
  const { target } = options;
  await updateAuthFile(
    target,
    async ({ credHelpers, ...document }) => {
      for (const [registry, helper] of Object.entries(credHelpers ?? {})) {
        await ask(helper, "erase", registry, options);
      }
      return { ...document, auths: {} };
    },
    options,
  );
}

function stores({ target, helpers }: LoginStoreOptions): readonly string[] {
  return target.format === "docker" ? [AUTH_FILES_HELPER] : helpers;
}

function checkNoNamespace(helper: string, key: string): void {
  if (!key.includes("/")) return;
  throw new ImageError("CONFIG_INVALID", `namespaced key is not supported for credential helper ${helper}`);
}

async function ask(
  helper: string,
  action: HelperAction,
  input: string,
  { environment, signal }: LoginStoreOptions,
): Promise<void> {
  const { failure, output } = await runHelper(helper, action, input, { environment, signal });
  if (failure === undefined) return;
  const verb = action === "store" ? "storing" : "erasing";
  throw new ImageError(
    "UNAUTHORIZED",
    `error ${verb} credentials - err: ${failure}, out: \`${output.trim()}\``,
  );
}

function joined(failures: readonly unknown[], context: string): ImageError {
  const [first] = failures;
  if (failures.length === 1 && first instanceof ImageError) return first;
  const text = failures.map(errorMessage).join("; ");
  const code = first instanceof ImageError ? first.code : "CONFIG_INVALID";
  return new ImageError(code, `${context}: ${text}`, { cause: first });
}
