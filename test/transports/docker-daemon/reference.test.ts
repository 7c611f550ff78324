import { describe, expect, test } from "bun:test";
import { errorMessage } from "../../../src/core/errors.ts";
import {
  checkDaemonDestination,
  daemonPolicyScopes,
  formatDaemonReference,
  parseDaemonReference,
} from "../../../src/transports/docker-daemon/reference.ts";
import { peerTest } from "../../support/peers.ts";
import { fatalMessage, runReal } from "../../support/run.ts";

const HEX = "0123456789abcdef".repeat(4);
const RESERVED = "The sha256 repository name is reserved for (non-shortened) digest references";

/** What is parsed, and its canonical text. */
const NAMES: readonly (readonly [text: string, canonical: string])[] = [
  ["busybox:1", "busybox:1"],
  ["docker.io/library/busybox:1", "busybox:1"],
  ["index.docker.io/user/app:1", "user/app:1"],
  ["host:5000/some/app:v1", "host:5000/some/app:v1"],
  [`busybox@sha256:${HEX}`, `busybox@sha256:${HEX}`],
  [`busybox@sha512:${HEX}${HEX}`, `busybox@sha512:${HEX}${HEX}`],
  [`sha256:${HEX}`, `sha256:${HEX}`],
  ["sha512:abc", "sha512:abc"],
  ["user/sha256:1", "user/sha256:1"],
  ["localhost/sha256:1", "localhost/sha256:1"],
];

const REFUSED: readonly (readonly [text: string, message: string])[] = [
  ["", "invalid reference format"],
  ["foo:", "invalid reference format"],
  ["foo@sha256:aa", "invalid reference format"],
  ["FOO:1", "invalid reference format: repository name must be lowercase"],
  ["foo", "docker-daemon: reference foo has neither a tag nor a digest"],
  ["docker.io/library/foo", "docker-daemon: reference foo has neither a tag nor a digest"],
  ["host:5000/foo", "docker-daemon: reference host:5000/foo has neither a tag nor a digest"],
  [`foo:1@sha256:${HEX}`, "docker-daemon: references with both a tag and digest are currently not supported"],
  [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
  ...["sha256", "sha256:abc", "sha256:latest", "docker.io/library/sha256:x", `sha256@sha256:${HEX}`].map(
    (text): [string, string] => [text, `Invalid docker-daemon: reference ${text}: ${RESERVED}`],
  ),
  ...[`sha512:${HEX}${HEX}`, `sha384:${HEX}${HEX.slice(32)}`].map((text): [string, string] => [
    text,
    `Invalid docker-daemon: reference ${text}: only digest algorithm sha256 accepted`,
  ]),
];

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toMatchObject({ code: "INVALID_REFERENCE" });
    return errorMessage(error);
  }
  throw new Error("was accepted");
}

for (const [text, canonical] of NAMES) {
  test(`"${text}" is known as "${canonical}"`, () => {
    const reference = parseDaemonReference(text);
    expect(formatDaemonReference(reference)).toBe(canonical);
    expect(parseDaemonReference(canonical)).toEqual(reference);
  });
}

test("an ID is told from a name", () => {
  expect(parseDaemonReference(`sha256:${HEX}`).kind).toBe("id");
  expect(parseDaemonReference(`busybox@sha256:${HEX}`).kind).toBe("name");
});

for (const [text, message] of REFUSED) {
  test(`"${text}" is refused: ${message}`, () => {
    expect(refusal(() => parseDaemonReference(text))).toBe(message);
  });
}

peerTest("real skopeo refuses the same in the same words", ["skopeo 1.16"], async () => {
  for (const [text, message] of REFUSED) {
    const outcome = await runReal(["inspect", `docker-daemon:${text}`]);
    expect(fatalMessage(outcome)).toBe(`Error parsing image name "docker-daemon:${text}": ${message}`);
  }
});

describe("a destination", () => {
  test("is a name with a tag", () => {
    expect(() => checkDaemonDestination(parseDaemonReference("docker.io/library/busybox:1"))).not.toThrow();
  });

  for (const text of [`sha256:${HEX}`, `busybox@sha256:${HEX}`]) {
    test(`is not "${text}"`, () => {
      expect(refusal(() => checkDaemonDestination(parseDaemonReference(text)))).toBe(
        `Invalid destination docker-daemon:${text}: a destination must be a name:tag`,
      );
    });
  }
});

test("the scopes of a policy are those of the name", () => {
  expect(daemonPolicyScopes(parseDaemonReference("busybox:1"))).toEqual([
    ...["docker.io/library/busybox:1", "docker.io/library/busybox", "docker.io/library", "docker.io"],
    "*.io",
  ]);
  expect(daemonPolicyScopes(parseDaemonReference(`reg.example:5000/app@sha256:${HEX}`))).toEqual([
    ...[`reg.example:5000/app@sha256:${HEX}`, "reg.example:5000/app", "reg.example:5000", "*.example"],
  ]);
  expect(daemonPolicyScopes(parseDaemonReference(`sha256:${HEX}`))).toEqual([]);
});
