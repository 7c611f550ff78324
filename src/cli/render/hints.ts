import { errorMessage, ImageError, type ImageErrorCode } from "../../core/errors.ts";
import type { Command } from "../command.ts";

/** What a hint is chosen by. */
interface Failing {
  readonly error: unknown;
  readonly text: string;
  readonly command: Command | undefined;
}

/** What to do next, after an error that people meet often; undefined where nothing general can be said. */
export function hintFor(error: unknown, command: Command | undefined): string | undefined {
  const failing = { error, text: errorMessage(error), command };
  const code = error instanceof ImageError ? error.code : undefined;
  const byCode = code === undefined ? undefined : BY_CODE[code]?.(failing);
  // Certificates of signatures are the policy's business.
  if (byCode !== undefined || code === "SIGNATURE_INVALID" || code === "POLICY_REJECTED") return byCode;
  for (const [pattern, hint] of BY_TEXT) {
    const match = pattern.exec(failing.text);
    if (match !== null) return hint(match, failing);
  }
  return undefined;
}

const BY_CODE: Partial<Record<ImageErrorCode, (failing: Failing) => string | undefined>> = {
  UNAUTHORIZED: ({ command }) =>
    command?.name === "login" || command?.name === "logout"
      ? undefined
      : `log in with skopeo login, or with ${flagNames(command, "creds", " USER:PASSWORD")}, or name a file of credentials with --authfile`,
  DENIED: ({ command }) =>
    command?.name === "login" || command?.name === "logout"
      ? undefined
      : "the login may lack the right to do this, or the repository may not exist; skopeo config check shows which login is used",
  NO_MATCHING_INSTANCE: () =>
    "choose another platform with --override-os, --override-arch and --override-variant",
  POLICY_REJECTED: ({ command }) =>
    command?.name === "policy" ? undefined : "skopeo policy check IMAGE tells which requirement refused it",
};

type TextHint = (match: RegExpExecArray, failing: Failing) => string;

const BY_TEXT: readonly (readonly [pattern: RegExp, hint: TextHint])[] = [
  [
    /certificate signed by unknown authority/,
    (_, { command }) =>
      `trust its authority with ${flagNames(command, "cert-dir", " DIR")}, or any certificate with ${flagNames(command, "tls-verify", "=false")}`,
  ],
  [
    /x509: certificate is not valid for/,
    (_, { command }) =>
      `use a name that the certificate is for, or accept any with ${flagNames(command, "tls-verify", "=false")}`,
  ],
  [
    /server gave HTTP response to HTTPS client/,
    (_, { command }) =>
      `if the registry speaks plain HTTP, allow that with ${flagNames(command, "tls-verify", "=false")}`,
  ],
  [
    /connection refused|no such host/,
    () => "check the name and the port; skopeo config check IMAGE shows the mirrors and the proxy in use",
  ],
  [
    /reading manifest sha256:\S+ in (\S+): manifest unknown/,
    (match) =>
      `the repository does not hold this digest; skopeo list-tags docker://${match[1]} shows its tags`,
  ],
  [
    /reading manifest \S+ in (\S+): manifest unknown/,
    (match) => `skopeo list-tags docker://${match[1]} shows the tags that there are`,
  ],
  [
    /repository name not known to registry/,
    () => "check the name of the repository; it is written in full, as in docker.io/library/alpine",
  ],
  [
    /Invalid image name "(\.{0,2}\/[^"]*)", expected colon-separated/,
    (match) => `for an image in a directory, write oci:${match[1]} or dir:${match[1]}`,
  ],
  [
    /Invalid image name "(\w[\w./-]*)", expected colon-separated/,
    (match) => `for an image in a registry, write docker://${withHub(match[1] ?? "")}`,
  ],
  [
    /docker: image reference (\S+) does not start with \/\//,
    (match) => `write docker://${withHub(match[1] ?? "")}`,
  ],
  [
    /does not support copying multiple images as a group/,
    () => "leave out --all to copy the image of one platform; oci-archive:, oci: and dir: hold all of them",
  ],
  [/Instructed to preserve digests/, () => "leave out --preserve-digests, or what asks for a change"],
  [
    /no space left on device|disk quota exceeded/,
    () => "make room, or name another directory for temporary files with --tmpdir",
  ],
  [
    /(?:index|manifest)\.json: no such file or directory/,
    () =>
      "check the path: oci: is a directory with an OCI layout, dir: one with manifest.json, as skopeo copy makes them",
  ],
];

/** A name in full: short ones are Docker Hub's. */
function withHub(name: string): string {
  const [first = "", ...rest] = name.split("/");
  if (rest.length > 0 && /[.:]|^localhost$/.test(first)) return name;
  return `docker.io/${rest.length > 0 ? "" : "library/"}${name}`;
}

/** `--cert-dir DIR`, or `--src-cert-dir DIR or --dest-cert-dir DIR` where the command has two sides. */
function flagNames(command: Command | undefined, name: string, value: string): string {
  const names = [`src-${name}`, `dest-${name}`].filter((key) => Object.hasOwn(command?.flags ?? {}, key));
  return (names.length === 0 ? [name] : names).map((key) => `--${key}${value}`).join(" or ");
}
