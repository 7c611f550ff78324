import { afterEach, describe, expect, test } from "bun:test";
import { parseArguments } from "../../../src/cli/arguments.ts";
import { completeFlagValues } from "../../../src/cli/flag-values.ts";
import { copyFlags } from "../../../src/cli/flags/copy-flags.ts";
import { readCopyAccess } from "../../../src/cli/flags/copy-options.ts";
import {
  type GlobalOptions,
  globalFlags,
  readGlobalOptions,
  rootFlags,
} from "../../../src/cli/flags/global-flags.ts";
import {
  authFileFlags,
  type ImageAccessOptions,
  readImageAccess,
  registryFlags,
  storageFlags,
} from "../../../src/cli/flags/image-flags.ts";
import { errorMessage } from "../../../src/core/errors.ts";
import { realSkopeo, runRealSkopeo } from "../../support/real-skopeo.ts";

const imageFlags = { ...authFileFlags, ...registryFlags, ...storageFlags };

function globalOptions(words: readonly string[] = []): GlobalOptions {
  return readGlobalOptions(completeFlagValues(rootFlags, parseArguments(rootFlags, words).given));
}

function accessOf(words: readonly string[], globals: GlobalOptions = globalOptions()): ImageAccessOptions {
  const { given } = parseArguments({ ...imageFlags, ...globalFlags }, words);
  return readImageAccess(completeFlagValues(imageFlags, given), globals);
}

function sidesOf(
  words: readonly string[],
  globals: GlobalOptions = globalOptions(),
): ReturnType<typeof readCopyAccess> {
  return readCopyAccess(completeFlagValues(copyFlags, parseArguments(copyFlags, words).given), globals);
}

function failure(operation: () => unknown): string {
  try {
    operation();
    return "";
  } catch (error) {
    return errorMessage(error);
  }
}

const environment = process.env.REGISTRY_AUTH_FILE;
afterEach(() => {
  if (environment === undefined) delete process.env.REGISTRY_AUTH_FILE;
  else process.env.REGISTRY_AUTH_FILE = environment;
});

const conflicts: readonly (readonly [words: readonly string[], message: string])[] = [
  [["--creds=a", "--no-creds"], "creds and no-creds cannot be specified at the same time"],
  [["--creds=", "--no-creds"], "creds and no-creds cannot be specified at the same time"],
  [["--creds=a", "--no-creds", "--username=x"], "creds and no-creds cannot be specified at the same time"],
  [["--username=x", "--no-creds"], "username and no-creds cannot be specified at the same time"],
  [["--username=x", "--creds=b"], "creds and username cannot be specified at the same time"],
  [["--username=x", "--password=y", "--creds=b"], "creds and username cannot be specified at the same time"],
  [["--username=x"], "password must be specified when username is specified"],
  [["--username="], "password must be specified when username is specified"],
  [["--password=x"], "username must be specified when password is specified"],
  [["--password=x", "--creds=b"], "username must be specified when password is specified"],
  [["--password=x", "--no-creds"], "username must be specified when password is specified"],
  [["--creds="], "credentials can't be empty"],
  [["--creds=:x"], "username can't be empty"],
];

describe("flags that contradict each other", () => {
  for (const [words, message] of conflicts) {
    test(`${words.join(" ")} on an image`, () => {
      expect(failure(() => accessOf(words))).toBe(message);
    });
    for (const side of ["src-", "dest-"]) {
      test(`${words.join(" ")} on a copy's ${side} side, whose name the message leaves out`, () => {
        expect(failure(() => sidesOf(words.map((word) => word.replace("--", `--${side}`))))).toBe(message);
      });
    }
  }

  test.skipIf(realSkopeo === undefined)(
    "are called the same by real skopeo",
    async () => {
      const real = await Promise.all(
        conflicts.map(([words]) => runRealSkopeo(["inspect", ...words, "docker://localhost:1/a"])),
      );
      expect(real.map(({ fatal }) => fatal)).toEqual(conflicts.map(([, message]) => message));
    },
    60_000,
  );

  test("are told of the source first", () => {
    expect(failure(() => sidesOf(["--dest-creds=", "--src-creds=:x"]))).toBe("username can't be empty");
  });
});

describe("credentials", () => {
  const cases: readonly (readonly [words: readonly string[], expected: Partial<ImageAccessOptions>])[] = [
    [[], { credentials: undefined, anonymous: false, registryToken: undefined }],
    [["--creds=u:p:q"], { credentials: { username: "u", password: "p:q" } }],
    [["--creds=u"], { credentials: { username: "u", password: "" } }],
    [["--username=u", "--password="], { credentials: { username: "u", password: "" } }],
    [["--username=", "--password=p"], { credentials: { username: "", password: "p" } }],
    [["--no-creds"], { credentials: undefined, anonymous: true }],
    [["--registry-token=t", "--no-creds"], { registryToken: "t", anonymous: true }],
  ];
  for (const [words, expected] of cases) {
    test(`come from ${words.join(" ") || "nowhere"}`, () => {
      expect(accessOf(words)).toMatchObject(expected);
    });
  }
});

test("each side of a copy has flags of its own", () => {
  const { source, destination } = sidesOf([
    ...["--src-creds=a:1", "--dcreds=b:2", "--src-cert-dir=/s", "--dest-shared-blob-dir=/d"],
    ...["--src-daemon-host=unix:///x", "--dest-no-creds=false", "--dest-registry-token=t"],
  ]);
  expect(source).toMatchObject({
    credentials: { username: "a", password: "1" },
    certDir: "/s",
    sharedBlobDir: undefined,
    daemonHost: "unix:///x",
    registryToken: undefined,
  });
  expect(destination).toMatchObject({
    credentials: { username: "b", password: "2" },
    certDir: undefined,
    sharedBlobDir: "/d",
    daemonHost: undefined,
    registryToken: "t",
  });
});

describe("the credential file", () => {
  test("is that of the side, else that of both, else that of the environment", () => {
    process.env.REGISTRY_AUTH_FILE = "/env";
    expect(accessOf([]).authFile).toBe("/env");
    expect(accessOf(["--authfile=/both"]).authFile).toBe("/both");
    const { source, destination } = sidesOf(["--authfile=/both", "--src-authfile=/src"]);
    expect([source.authFile, destination.authFile]).toEqual(["/src", "/both"]);
  });

  test("of a side may be given empty, to search the usual places", () => {
    process.env.REGISTRY_AUTH_FILE = "/env";
    expect(sidesOf(["--src-authfile="]).source.authFile).toBeUndefined();
  });
});

describe("TLS verification", () => {
  test("has three states", () => {
    expect(accessOf([]).tlsVerify).toBeUndefined();
    expect(accessOf(["--tls-verify"]).tlsVerify).toBe(true);
    expect(accessOf(["--tls-verify=false"]).tlsVerify).toBe(false);
  });

  test("is the command's flag's, else that of the deprecated flag before it", () => {
    const globals = globalOptions(["--tls-verify=false"]);
    expect(accessOf([], globals).tlsVerify).toBe(false);
    expect(accessOf(["--tls-verify"], globals).tlsVerify).toBe(true);
  });

  test("of a copy is the side's, else that of both sides, else that before the command", () => {
    const globals = globalOptions(["--tls-verify"]);
    const { source, destination } = sidesOf(["--tls-verify=false", "--src-tls-verify"], globals);
    expect([source.tlsVerify, destination.tlsVerify]).toEqual([true, false]);
    expect(sidesOf([], globals).source.tlsVerify).toBe(true);
  });
});
