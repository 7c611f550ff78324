import { ImageError } from "../../core/errors.ts";

/** A version of the Engine API such as `1.51`, without the `v` of its path. */
export type ApiVersion = `${number}.${number}`;

/** The newest version whose operations are known here. */
export const NEWEST_API_VERSION: ApiVersion = "1.51";

/** What a daemon speaks that answers a ping without telling its version. */
export const UNTOLD_API_VERSION: ApiVersion = "1.24";

const VERSION = /^\d{1,6}\.\d{1,6}$/;

/**
 * The version to speak with a daemon that answered a ping; `told` is its `Api-Version` header. An unreadable one
 * counts as absent. transports.md 5.2.
 */
export function chooseApiVersion(told: string | null): ApiVersion {
  const version = told?.trim() ?? "";
  if (!isApiVersion(version)) return UNTOLD_API_VERSION;
  return isOlder(version, NEWEST_API_VERSION) ? version : NEWEST_API_VERSION;
}

/**
 * The version that $DOCKER_API_VERSION fixes, with or without a leading `v`; undefined where it is not set.
 * @throws {ImageError} CONFIG_INVALID
 */
export function fixedApiVersion(
  environment: Readonly<Record<string, string | undefined>>,
): ApiVersion | undefined {
  const text = environment.DOCKER_API_VERSION;
  if (!text) return undefined;
  const version = text.replace(/^v/, "");
  if (isApiVersion(version)) return version;
  throw new ImageError(
    "CONFIG_INVALID",
    `invalid DOCKER_API_VERSION ${JSON.stringify(text)}: it must be a version such as ${NEWEST_API_VERSION}, or unset`,
  );
}

function isApiVersion(text: string): text is ApiVersion {
  return VERSION.test(text);
}

function isOlder(version: ApiVersion, other: ApiVersion): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major === otherMajor ? minor < otherMinor : major < otherMajor;
}
