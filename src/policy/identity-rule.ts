import { parseDockerName } from "../core/docker-name.ts";
import { errorMessage, ImageError } from "../core/errors.ts";
import type { IdentityRule } from "../signing/trust.ts";
import { invalid, type JsonMembers, readMembers, readType, requireMembers } from "./json-members.ts";

const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const PREFIX = new RegExp(`^${LABEL}(?:\\.${LABEL})*(?::[0-9]+)?(?:/${COMPONENT})*$`);

/** What a requirement without `signedIdentity` means. */
const DEFAULT_RULE: IdentityRule = { type: "matchRepoDigestOrExact" };

/** The identity rule of a requirement for signatures. @throws {ImageError} CONFIG_INVALID */
export function readSignedIdentity(members: JsonMembers): IdentityRule {
  return members.has("signedIdentity") ? parseIdentityRule(members.value("signedIdentity")) : DEFAULT_RULE;
}

/** @throws {ImageError} CONFIG_INVALID */
export function parseIdentityRule(value: unknown): IdentityRule {
  const type = readType(value);
  switch (type) {
    case "matchExact":
    case "matchRepoDigestOrExact":
    case "matchRepository":
    case "matchDigestOnly":
      readMembers(value, ["type"]);
      return { type };
    case "exactReference":
      return { type, dockerReference: readReference(value) };
    case "exactRepository":
      return { type, dockerRepository: readName(value, "dockerRepository") };
    case "remapIdentity": {
      const members = readMembers(value, ["type", "prefix", "signedPrefix"]);
      requireMembers(members, ["prefix", "signedPrefix"]);
      return {
        type,
        prefix: checkPrefix(members.text("prefix")),
        signedPrefix: checkPrefix(members.text("signedPrefix")),
      };
    }
    default:
      throw invalid(`Unknown policy reference match type ${JSON.stringify(type)}`);
  }
}

function readReference(value: unknown): string {
  const text = readName(value, "dockerReference");
  const { tag, digest } = parseDockerName(text);
  if (tag !== undefined || digest !== undefined) return text;
  throw invalid(`dockerReference "${text}" contains neither a tag nor digest`);
}

function readName(value: unknown, key: "dockerReference" | "dockerRepository"): string {
  const members = readMembers(value, ["type", key]);
  requireMembers(members, [key]);
  const text = members.text(key);
  try {
    parseDockerName(text);
    return text;
  } catch (error) {
    throw new ImageError("CONFIG_INVALID", `Invalid format of ${key} "${text}": ${errorMessage(error)}`, {
      cause: error,
    });
  }
}

/** A host, or a host and a path below it. */
function checkPrefix(prefix: string): string {
  if (PREFIX.test(prefix)) return prefix;
  throw invalid(`prefix "${prefix}" is not valid`);
}
