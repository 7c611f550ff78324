import type { FoundCredentials } from "../config/auth-file.ts";
import type { ConfigurationListener } from "../config/listener.ts";
import type { Environment } from "../config/locations.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { ImageAccess } from "./image-access.ts";

/** Whose credentials are looked for. */
export interface LookupTarget {
  /** `host` or `host:port`. */
  readonly registry: string;
  readonly repository: string | undefined;
}

export interface LookupOptions extends ConfigurationListener, OperationOptions {
  readonly environment: Environment;
  /** The `credential-helpers` of registries.conf. */
  readonly helpers: readonly string[];
}

/**
 * The credentials for a repository, and where they come from: the command line, then the files and helpers of this machine.
 * @throws {ImageError} CONFIG_INVALID, UNAUTHORIZED
 */
export async function lookUpCredentials(
  target: LookupTarget,
  access: ImageAccess,
  options: LookupOptions,
): Promise<FoundCredentials | undefined> {
  if (access.credentials !== undefined)
    return { credentials: access.credentials, source: "the command line" };
  if (access.anonymous) return undefined;
  const { findCredentials } = await import("../config/auth-file.ts");
  return await findCredentials({ ...options, explicitFile: access.authFile }, target);
}
