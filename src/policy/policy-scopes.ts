/**
 * Whether a scope of a policy could ever match an image of a transport. Scopes of unknown transports are not judged.
 * The empty scope, which covers a whole transport, needs no check. Signing reference 1.4.
 */
export function isPossibleScope(transport: string, scope: string): boolean {
  return CHECKS.get(transport)?.(scope) ?? true;
}

const CHECKS: ReadonlyMap<string, (scope: string) => boolean> = new Map([
  ["docker", () => true],
  ["atomic", isOpenShiftScope],
  ["docker-daemon", isNoDigest],
  ["dir", isCleanPath],
  ["oci", isCleanPath],
  ["oci-archive", isCleanPath],
  ["sif", isCleanPath],
  ["docker-archive", () => false],
  ["tarball", () => false],
  ["containers-storage", isStorageScope],
]);

const HEX = "[0-9a-f]{64}";
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/;
const IMAGE_ID = new RegExp(`^${HEX}$`);

/** `host`, `host/namespace`, `host/namespace/stream` or `host/namespace/stream:tag`. */
function isOpenShiftScope(scope: string): boolean {
  return /^[^/]*(?:\/[^:/]*(?:\/[^:/]*(?::[^:/]*)?)?)?$/.test(scope);
}

/** Images of a daemon have names as scopes; those known by their ID only have none. */
function isNoDigest(scope: string): boolean {
  return !DIGEST.test(scope);
}

/** Images in files are known by absolute paths without `.`, `..`, `//` or a slash at the end. */
function isCleanPath(scope: string): boolean {
  const parts = scope.split("/");
  return (
    parts[0] === "" && parts.length > 1 && parts.slice(1).every((part) => !["", ".", ".."].includes(part))
  );
}

/** `[driver@/root]` or `[/root]`, alone or before a name that may end in `@digest`, `@id` or both. */
function isStorageScope(scope: string): boolean {
  const match = /^\[(?:[^@\]]+@)?\/[^\]]*\](.*)$/s.exec(scope);
  if (match === null) return false;
  const [, ...parts] = (match[1] ?? "").split("@");
  switch (parts.length) {
    case 0:
      return true;
    case 1:
      return isDigestOrId(parts[0]);
    case 2:
      return DIGEST.test(parts[0] ?? "") && IMAGE_ID.test(parts[1] ?? "");
    default:
      return false;
  }
}

function isDigestOrId(text: string | undefined): boolean {
  return text !== undefined && (DIGEST.test(text) || IMAGE_ID.test(text));
}
