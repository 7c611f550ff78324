import { describe, expect, test } from "bun:test";
import packageFile from "../../package.json" with { type: "json" };
import { type Command, defineCommand, type Invocation, UsageError } from "../../src/cli/command.ts";
import type { CommandEntry } from "../../src/cli/command-table.ts";
import { command as manifestDigest } from "../../src/cli/commands/manifest-digest.ts";
import type { FlagTableOf } from "../../src/cli/flag.ts";
import { BrokenPipeError } from "../../src/cli/output.ts";
import { ImageError } from "../../src/core/errors.ts";
import { ImageNotFoundError } from "../../src/core/not-found.ts";
import { VERSION } from "../../src/version.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";
import { type CapturedRun, entryOf, runCaptured } from "./capture.ts";

type EchoFlags = FlagTableOf<{ loud: "boolean"; word: "list" }>;
const echoFlags: EchoFlags = {
  loud: { kind: "boolean", short: "l", group: "Echoing", summary: "shout" },
  word: { kind: "list", group: "Echoing", summary: "say this too" },
};

let lastInvocation: Invocation<EchoFlags> | undefined;

const echo: Command = defineCommand({
  name: "echo",
  synopsis: "WORD",
  summary: "Say a word",
  flags: echoFlags,
  helpOnMisuse: true,
  async run(invocation) {
    lastInvocation = invocation;
    if (invocation.arguments.length !== 1) throw new UsageError("Exactly one word expected");
    invocation.stdout.write(`${invocation.arguments[0]}\n`);
  },
});

/** A command that fails with `error`. */
function failing(error: unknown): CommandEntry {
  return entryOf(
    defineCommand({
      name: "fail",
      synopsis: "",
      summary: "Fail",
      flags: {},
      run: () => Promise.reject(error),
    }),
  );
}

const names = ["copy", "delete", "inspect", "list-tags"];
const commands: readonly CommandEntry[] = [
  ...names.map((name) => ({ ...entryOf(echo), name })),
  { ...entryOf(echo), hidden: true },
  entryOf(manifestDigest),
];

const run = (...words: readonly string[]): Promise<CapturedRun> => runCaptured(words, commands);

test("the version is that of the package", () => {
  expect(VERSION).toBe(packageFile.version);
});

describe("without a command", () => {
  for (const words of [["--version"], ["-v"], ["--debug", "--version"], ["--version=true"]]) {
    test(`${words.join(" ")} prints the version`, async () => {
      expect(await run(...words)).toMatchObject({
        exitCode: 0,
        stdout: `skopeo version ${VERSION}\n`,
        stderr: "",
      });
    });
  }

  for (const words of [["--help"], ["-h"], ["help"], ["help", "help"], ["-h", "copy"], ["-vh"]]) {
    test(`${words.join(" ")} prints the program's help on standard output`, async () => {
      const result = await run(...words);
      expect(result).toMatchObject({ exitCode: 0, stderr: "" });
      expect(result.stdout).toContain("skopeo COMMAND [FLAGS] ARGUMENTS");
      expect(result.stdout).toContain("manifest-digest");
      expect(result.stdout).not.toContain("  echo");
    });
  }

  test("help for an unknown topic says so on standard error and is no failure", async () => {
    const result = await run("help", "nosuch");
    expect(result).toMatchObject({ exitCode: 0, stdout: "" });
    expect(result.stderr).toStartWith("Unknown help topic [`nosuch`]\n");
  });
});

const usageErrors: readonly (readonly [words: readonly string[], message: string])[] = [
  [[], "Missing command 'skopeo COMMAND'\nTry 'skopeo --help' for more information"],
  [["--debug"], "Missing command 'skopeo COMMAND'\nTry 'skopeo --help' for more information"],
  [["--version=false"], "Missing command 'skopeo COMMAND'\nTry 'skopeo --help' for more information"],
  [["foo"], "Unrecognized command `skopeo foo`\nTry 'skopeo --help' for more information"],
  [["version"], "Unrecognized command `skopeo version`\nTry 'skopeo --help' for more information"],
  [["a b"], "Unrecognized command `skopeo a b`\nTry 'skopeo --help' for more information"],
  ...[
    ["inspct", "inspect"],
    ["insect", "inspect"],
    ["in", "inspect"],
    ["copyy", "copy"],
    ["COPY", "copy"],
    ["xxpy", "copy"],
    ["dele", "delete"],
    ["list", "list-tags"],
    ["manifest", "manifest-digest"],
  ].map(
    ([typed = "", meant]) =>
      [
        [typed],
        `Unrecognized command \`skopeo ${typed}\`\n\nDid you mean this?\n\t${meant}\n\n` +
          "Try 'skopeo --help' for more information",
      ] as const,
  ),
  [["--nosuch"], "unknown flag: --nosuch"],
  [["--nosuch", "copy", "a", "b"], "unknown flag: --nosuch"],
  [["-Z"], "unknown shorthand flag: 'Z' in -Z"],
  [["-x=1"], "unknown shorthand flag: 'x' in -x=1"],
  [["--command-timeout"], "flag needs an argument: --command-timeout"],
  [
    ["--command-timeout", "5"],
    'invalid argument "5" for "--command-timeout" flag: time: missing unit in duration "5"',
  ],
  [
    ["--command-timeout", "foo", "copy"],
    'invalid argument "foo" for "--command-timeout" flag: time: invalid duration "foo"',
  ],
  [
    ["--tls-verify=maybe", "copy"],
    'invalid argument "maybe" for "--tls-verify" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [
    ["--version=maybe"],
    'invalid argument "maybe" for "-v, --version" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [["inspect", "--version"], "unknown flag: --version"],
  [["manifest-digest"], "Usage: skopeo manifest-digest manifest"],
  [["manifest-digest", "a", "b"], "Usage: skopeo manifest-digest manifest"],
  [["manifest-digest", "--tls-verify=false", "x"], "unknown flag: --tls-verify"],
  [
    ["manifest-digest", "no/file"],
    "Error reading manifest from no/file: open no/file: no such file or directory",
  ],
  [["manifest-digest", "-"], "Error reading manifest from -: open -: no such file or directory"],
  [
    ["manifest-digest", "--", "--nosuch"],
    "Error reading manifest from --nosuch: open --nosuch: no such file or directory",
  ],
  [
    ["--tls-verify", "manifest-digest", "x"],
    "Error reading manifest from x: open x: no such file or directory",
  ],
];

describe("a failure is one fatal record and exit code 1", () => {
  for (const [words, message] of usageErrors) {
    test(JSON.stringify(words), async () => {
      const result = await run(...words);
      expect(result.messages("fatal")).toEqual([message]);
      expect(result).toMatchObject({ exitCode: 1, stdout: "" });
    });
  }

  test.skipIf(realSkopeo === undefined)(
    "with the text and exit code of real skopeo",
    async () => {
      const real = await Promise.all(usageErrors.map(([words]) => runRealSkopeo(words)));
      expect(real.map(({ fatal }) => fatal)).toEqual(usageErrors.map(([, message]) => message));
      expect(new Set(real.map(({ exitCode }) => exitCode))).toEqual(new Set([1]));
    },
    60_000,
  );
});

test("suggests a command by one of its words, too", async () => {
  expect((await run("tags")).messages("fatal")[0]).toContain("\n\tlist-tags\n");
  expect((await run("digest")).messages("fatal")[0]).toContain("\n\tmanifest-digest\n");
});

describe("global flags", () => {
  for (const words of [
    ["--override-arch", "arm64", "--debug", "copy", "x"],
    ["copy", "--override-arch=arm64", "x", "--debug"],
    ["--debug", "copy", "--override-arch", "arm64", "x"],
    ["--override-arch", "s390x", "--debug", "copy", "--override-arch", "arm64", "x"],
  ]) {
    test(`are read from ${words.join(" ")}`, async () => {
      expect(await run(...words)).toMatchObject({ exitCode: 0, stdout: "x\n" });
      expect(lastInvocation?.globals.platform.architecture).toBe("arm64");
      expect(lastInvocation?.globals.debug).toBe(true);
      expect(lastInvocation?.log.isDebug).toBe(true);
    });
  }

  test("after the command take precedence even when they say false", async () => {
    await run("--insecure-policy", "copy", "--insecure-policy=false", "x");
    expect(lastInvocation?.globals.insecurePolicy).toBe(false);
  });

  test("have defaults for what is not given", async () => {
    await run("copy", "x");
    expect(lastInvocation?.globals).toMatchObject({
      commandTimeout: 0,
      debug: false,
      policyPath: undefined,
      userAgent: `skopeo/${VERSION}`,
      tlsVerify: undefined,
      stallTimeout: undefined,
    });
  });

  test("make the User-Agent", async () => {
    await run("copy", "--user-agent-prefix", "ci/7", "x");
    expect(lastInvocation?.globals.userAgent).toBe(`ci/7 skopeo/${VERSION}`);
    await run("--user-agent", "mine/1", "copy", "x");
    expect(lastInvocation?.globals.userAgent).toBe("mine/1");
  });

  test("that exclude each other are refused", async () => {
    const policy = await run("--insecure-policy", "copy", "--require-signed", "x");
    expect(policy.messages("fatal")).toEqual([
      "--insecure-policy and --require-signed are mutually exclusive",
    ]);
    const agent = await run("--user-agent=a", "copy", "--user-agent-prefix=b", "x");
    expect(agent.messages("fatal")).toEqual(["--user-agent and --user-agent-prefix are mutually exclusive"]);
  });

  test("--tls-verify before the command is deprecated and works", async () => {
    const result = await run("--tls-verify=false", "copy", "x");
    expect(result.messages("warning")).toEqual([
      "'--tls-verify' is deprecated, please set this on the specific subcommand",
    ]);
    expect(lastInvocation?.globals.tlsVerify).toBe(false);
  });

  test("--version before a command is ignored", async () => {
    expect(await run("--version", "copy", "x")).toMatchObject({ exitCode: 0, stdout: "x\n" });
  });
});

test("a command gets its own flags by name, and those not given", async () => {
  await run("echo", "-l", "--word", "a,b", "x", "--word=c");
  expect(lastInvocation?.flags).toEqual({ loud: true, word: ["a", "b", "c"] });
  await run("echo", "x");
  expect(lastInvocation?.flags).toEqual({ loud: false, word: [] });
});

describe("help for a command", () => {
  for (const words of [
    ["echo", "--help"],
    ["echo", "-h", "a", "b"],
    ["help", "echo"],
    ["help", "echo", "more"],
  ]) {
    test(`${words.join(" ")} goes to standard output`, async () => {
      const result = await run(...words);
      expect(result).toMatchObject({ exitCode: 0, stderr: "" });
      expect(result.stdout).toContain("skopeo echo [FLAGS] WORD\n");
    });
  }

  test("is short, unless all of it is asked for", async () => {
    const short = await run("echo", "--help");
    const whole = await run("echo", "--help=all");
    expect(whole).toMatchObject({ exitCode: 0, stderr: "" });
    for (const flag of ["--loud", "--word"]) {
      expect(short.stdout).toContain(flag);
      expect(whole.stdout).toContain(flag);
    }
    expect(short.stdout).not.toContain("--stall-timeout");
    expect(whole.stdout).toContain("--stall-timeout");
    expect(await run("echo", "--help=some")).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('invalid argument \\"some\\" for \\"-h, --help\\" flag'),
    });
  });

  test("comes on standard error, before the record, where a command wants it on misuse", async () => {
    const result = await run("echo", "a", "b");
    expect(result).toMatchObject({ exitCode: 1, stdout: "" });
    expect(result.stderr.indexOf("skopeo echo [FLAGS] WORD")).toBeGreaterThan(0);
    expect(result.stderr.trimEnd().split("\n").at(-1)).toContain(
      'level=fatal msg="Exactly one word expected"',
    );
  });

  test("does not come where flags are wrong", async () => {
    expect((await run("echo", "--nosuch")).stderr).not.toContain("Usage:");
    expect((await run("manifest-digest")).stderr).not.toContain("Global flags");
  });
});

describe("exit codes", () => {
  const missing = new ImageNotFoundError("manifest unknown");
  const wrapped = new ImageError("NOT_FOUND", "reading manifest: manifest unknown", { cause: missing });
  const cases: readonly (readonly [what: string, error: unknown, exitCode: number])[] = [
    ["an image that is not there", missing, 2],
    ["the same with context", wrapped, 2],
    ["something else that is not there", new ImageError("NOT_FOUND", "name unknown"), 1],
    ["any other failure", new Error("disk on fire"), 1],
    ["something thrown that is no error", "what", 1],
  ];
  for (const [what, error, exitCode] of cases) {
    test(`${exitCode} for ${what}`, async () => {
      const result = await runCaptured(["fail"], [failing(error)]);
      expect(result.exitCode).toBe(exitCode);
      expect(result.messages("fatal")).toEqual([error instanceof Error ? error.message : String(error)]);
    });
  }

  test("141 and not a word when nobody reads the output", async () => {
    const result = await runCaptured(["fail"], [failing(new BrokenPipeError("broken pipe"))]);
    expect(result).toMatchObject({ exitCode: 141, stderr: "" });
  });

  test("1 when the command timeout has passed, whatever the command made of it", async () => {
    const slow = defineCommand({
      name: "slow",
      synopsis: "",
      summary: "Wait",
      flags: {},
      run: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(new Error("copying blob: stream closed")));
        }),
    });
    const result = await runCaptured(["slow", "--command-timeout=20ms"], [entryOf(slow)]);
    expect(result.exitCode).toBe(1);
    expect(result.messages("fatal")[0]).toEndWith(": context deadline exceeded");
  });
});

describe("hints", () => {
  const twoSided = { "src-tls-verify": echoFlags.loud, "dest-tls-verify": echoFlags.loud };
  const cases: readonly (readonly [error: Error, hint: string])[] = [
    [
      new ImageError("NETWORK_FAILURE", "Get x: tls: x509: certificate signed by unknown authority"),
      "--cert-dir DIR",
    ],
    [
      new ImageError("NETWORK_FAILURE", "http: server gave HTTP response to HTTPS client"),
      "--tls-verify=false",
    ],
    [new ImageError("UNAUTHORIZED", "authentication required"), "--creds USER:PASSWORD"],
    [new ImageError("NO_MATCHING_INSTANCE", "no image found in image index"), "--override-arch"],
  ];
  for (const [error, hint] of cases) {
    test(`come after "${error.message}"`, async () => {
      const [message = ""] = (await runCaptured(["fail"], [failing(error)])).messages("fatal");
      expect(message).toStartWith(`${error.message}\nHint: `);
      expect(message).toContain(hint);
    });
  }

  test("name both sides' flags where a command has two", async () => {
    const error = new ImageError("NETWORK_FAILURE", "http: server gave HTTP response to HTTPS client");
    const { command } = await failing(error).load();
    const result = await runCaptured(["fail"], [entryOf({ ...command, flags: twoSided })]);
    expect(result.messages("fatal")[0]).toEndWith("--src-tls-verify=false or --dest-tls-verify=false");
  });
});

test("--debug tells where a failure came from, in a record of its own", async () => {
  const result = await runCaptured(["--debug", "fail"], [failing(new Error("disk on fire"))]);
  expect(result.messages("debug")[0]).toContain("disk on fire");
  expect(result.messages("fatal")).toEqual(["disk on fire"]);
});
