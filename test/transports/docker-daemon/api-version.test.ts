import { expect, test } from "bun:test";
import { chooseApiVersion, fixedApiVersion } from "../../../src/transports/docker-daemon/api-version.ts";

const CHOICES: readonly (readonly [told: string | null, chosen: string])[] = [
  ["1.41", "1.41"],
  ["1.51", "1.51"],
  ["1.52", "1.51"],
  ["1.100", "1.51"],
  ["1.9", "1.9"],
  ["2.0", "1.51"],
  [" 1.44 ", "1.44"],
  [null, "1.24"],
  ["", "1.24"],
  ["latest", "1.24"],
  ["1.41/../..", "1.24"],
];

for (const [told, chosen] of CHOICES) {
  test(`a daemon that tells ${JSON.stringify(told)} is spoken to in ${chosen}`, () => {
    expect(chooseApiVersion(told)).toBe(chosen as ReturnType<typeof chooseApiVersion>);
  });
}

test("DOCKER_API_VERSION is taken as it is, but for a leading v", () => {
  expect(fixedApiVersion({})).toBeUndefined();
  expect(fixedApiVersion({ DOCKER_API_VERSION: "" })).toBeUndefined();
  expect(fixedApiVersion({ DOCKER_API_VERSION: "1.41" })).toBe("1.41");
  expect(fixedApiVersion({ DOCKER_API_VERSION: "v1.999" })).toBe("1.999");
});

for (const text of ["x", "1", "1.41/images", "1.41?", "1.2.3"]) {
  test(`DOCKER_API_VERSION "${text}" is no version`, () => {
    expect(() => fixedApiVersion({ DOCKER_API_VERSION: text })).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: `invalid DOCKER_API_VERSION "${text}": it must be a version such as 1.51, or unset`,
      }),
    );
  });
}
