import { describe, expect, test } from "bun:test";
import {
  formatDockerName,
  formatFamiliarName,
  parseDockerName,
  withDefaultTag,
} from "../../src/core/docker-name.ts";

const HEX = "a".repeat(64);

describe("parseDockerName", () => {
  const valid: readonly (readonly [text: string, meaning: string])[] = [
    ["busybox", "docker.io/library/busybox:latest"],
    ["user/app:1", "docker.io/user/app:1"],
    ["localhost/app", "localhost/app:latest"],
    ["host:5000/app", "host:5000/app:latest"],
    ["host:5000", "docker.io/library/host:5000"],
    ["index.docker.io/busybox", "docker.io/library/busybox:latest"],
    ["myhost/app", "docker.io/myhost/app:latest"],
    ["Reg.example.com/a__b/c--d.e_f:T.1", "Reg.example.com/a__b/c--d.e_f:T.1"],
    ["[::1]:5000/app:1", "[::1]:5000/app:1"],
    ["[2001:db8::A]/app", "[2001:db8::A]/app:latest"],
    [`reg.example/app@sha256:${HEX}`, `reg.example/app@sha256:${HEX}`],
    [`reg.example:5000/app:1@sha256:${HEX}`, `reg.example:5000/app:1@sha256:${HEX}`],
  ];
  for (const [text, meaning] of valid) {
    test(`reads ${text} as ${meaning}`, () => {
      expect(formatDockerName(withDefaultTag(parseDockerName(text)))).toBe(meaning);
    });
  }

  const invalid: readonly (readonly [text: string, message: string])[] = [
    ["", "invalid reference format"],
    ["app/", "invalid reference format"],
    ["a//b", "invalid reference format"],
    ["-app", "invalid reference format"],
    ["app:", "invalid reference format"],
    ["app@", "invalid reference format"],
    ["a___b", "invalid reference format"],
    ["a..b", "invalid reference format"],
    ["app:bad tag", "invalid reference format"],
    [`app:${"t".repeat(129)}`, "invalid reference format"],
    ["[::1/x", "invalid reference format"],
    ["[12]:5000/x", "invalid reference format"],
    ["FOO/bar", "invalid reference format: repository name must be lowercase"],
    ["reg.example/UPPER", "invalid reference format: repository name must be lowercase"],
    [HEX, `invalid repository name (${HEX}), cannot specify 64-byte hexadecimal strings`],
    [`app@sha256:${"a".repeat(31)}`, "invalid reference format"],
    [`app@sha256:${"a".repeat(40)}`, "invalid checksum digest length"],
    [`app@sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
    [`app@md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
    [`reg.example/${"a".repeat(250)}`, "repository name must not be more than 255 characters"],
  ];
  for (const [text, message] of invalid) {
    test(`refuses ${JSON.stringify(text.slice(0, 40))}: ${message}`, () => {
      expect(() => parseDockerName(text)).toThrow(message);
    });
  }
});

test("the familiar form drops what Docker Hub adds", () => {
  expect(formatFamiliarName(parseDockerName("docker.io/library/busybox:1"))).toBe("busybox:1");
  expect(formatFamiliarName(parseDockerName("docker.io/library/a/b:1"))).toBe("library/a/b:1");
  expect(formatFamiliarName(parseDockerName("user/app"))).toBe("user/app");
  expect(formatFamiliarName(parseDockerName("quay.io/library/app"))).toBe("quay.io/library/app");
});
