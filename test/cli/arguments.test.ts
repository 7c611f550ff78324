import { describe, expect, test } from "bun:test";
import { findCommand, parseArguments } from "../../src/cli/arguments.ts";
import type { FlagTable, FlagValue } from "../../src/cli/flag.ts";
import { completeFlagValues } from "../../src/cli/flag-values.ts";
import { copyFlags } from "../../src/cli/flags/copy-flags.ts";
import { globalFlags, rootFlags } from "../../src/cli/flags/global-flags.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";

const table: FlagTable = { ...copyFlags, ...globalFlags };

function failure(words: readonly string[]): string {
  try {
    parseArguments(table, words);
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function invalid(text: string, flag: string, reason: string): string {
  return `invalid argument "${text}" for "${flag}" flag: ${reason}`;
}

/** Words after `copy`, and what is wrong with them; real skopeo says the same, without suggestions. */
const mistakes: readonly (readonly [words: readonly string[], message: string])[] = [
  [["--nosuch"], "unknown flag: --nosuch"],
  [["--nosuch=1"], "unknown flag: --nosuch"],
  [["--quie"], "unknown flag: --quie"],
  [["--no-quiet"], "unknown flag: --no-quiet"],
  [["--version"], "unknown flag: --version"],
  [["--__proto__"], "unknown flag: --__proto__"],
  [["--constructor=x"], "unknown flag: --constructor"],
  [["-Z"], "unknown shorthand flag: 'Z' in -Z"],
  [["-Zfoo"], "unknown shorthand flag: 'Z' in -Zfoo"],
  [["-Z=foo"], "unknown shorthand flag: 'Z' in -Z=foo"],
  [["-qZ"], "unknown shorthand flag: 'Z' in -Z"],
  [["-qaZf"], "unknown shorthand flag: 'Z' in -Zf"],
  [["-v"], "unknown shorthand flag: 'v' in -v"],
  [["-q="], "unknown shorthand flag: '=' in -="],
  [["-=x"], "unknown shorthand flag: '=' in -=x"],
  [["---a"], "bad flag syntax: ---a"],
  [["--=x"], "bad flag syntax: --=x"],
  [["--="], "bad flag syntax: --="],
  [["---a=x"], "bad flag syntax: ---a=x"],
  [["--format"], "flag needs an argument: --format"],
  [["--screds"], "flag needs an argument: --screds"],
  [["-f"], "flag needs an argument: 'f' in -f"],
  [["-qf"], "flag needs an argument: 'f' in -f"],
  [["--command-timeout"], "flag needs an argument: --command-timeout"],
  [["--nosuch", "--retry-times=x"], "unknown flag: --nosuch"],
  [
    ["--retry-times=x", "--nosuch"],
    invalid("x", "--retry-times", 'strconv.ParseInt: parsing "x": invalid syntax'),
  ],
  [["--help", "--nosuch"], "unknown flag: --nosuch"],
  [
    ["--src-tls-verify=maybe"],
    invalid("maybe", "--src-tls-verify", 'strconv.ParseBool: parsing "maybe": invalid syntax'),
  ],
  [["--tls-verify="], invalid("", "--tls-verify", 'strconv.ParseBool: parsing "": invalid syntax')],
  [["--quiet=yes"], invalid("yes", "-q, --quiet", 'strconv.ParseBool: parsing "yes": invalid syntax')],
  [["-q=maybe"], invalid("maybe", "-q, --quiet", 'strconv.ParseBool: parsing "maybe": invalid syntax')],
  [["-aq=tRue"], invalid("tRue", "-q, --quiet", 'strconv.ParseBool: parsing "tRue": invalid syntax')],
  [["-q=true=1"], invalid("true=1", "-q, --quiet", 'strconv.ParseBool: parsing "true=1": invalid syntax')],
  [
    ["--debug=constructor"],
    invalid("constructor", "--debug", 'strconv.ParseBool: parsing "constructor": invalid syntax'),
  ],
  ...["", " 3", "08", "__1", "0x", "0b2", "1e3", "3.0", "-", "0o8", "1__0", "١"].map(
    (text) =>
      [
        [`--retry-times=${text}`],
        invalid(text, "--retry-times", `strconv.ParseInt: parsing "${text}": invalid syntax`),
      ] as const,
  ),
  ...["9223372036854775808", "-9223372036854775809", "0x8000000000000000"].map(
    (text) =>
      [
        [`--retry-times=${text}`],
        invalid(text, "--retry-times", `strconv.ParseInt: parsing "${text}": value out of range`),
      ] as const,
  ),
  ...["-1", "+1", "x", "0x", ""].map(
    (text) =>
      [
        [`--image-parallel-copies=${text}`],
        invalid(text, "--image-parallel-copies", `strconv.ParseUint: parsing "${text}": invalid syntax`),
      ] as const,
  ),
  [
    ["--image-parallel-copies=18446744073709551616"],
    invalid(
      "18446744073709551616",
      "--image-parallel-copies",
      'strconv.ParseUint: parsing "18446744073709551616": value out of range',
    ),
  ],
  [
    ["--dest-compress-level=x"],
    invalid("x", "--dest-compress-level", 'strconv.ParseInt: parsing "x": invalid syntax'),
  ],
  [["--encrypt-layer=a,1"], invalid("a,1", "--encrypt-layer", 'strconv.Atoi: parsing "a": invalid syntax')],
  [["--encrypt-layer=1,,2"], invalid("1,,2", "--encrypt-layer", 'strconv.Atoi: parsing "": invalid syntax')],
  [["--encrypt-layer=0x1"], invalid("0x1", "--encrypt-layer", 'strconv.Atoi: parsing "0x1": invalid syntax')],
  [
    ["--encrypt-layer=9999999999999999999"],
    invalid(
      "9999999999999999999",
      "--encrypt-layer",
      'strconv.Atoi: parsing "9999999999999999999": value out of range',
    ),
  ],
  ...["5", "1h1", "1..5s", "1.5.5s"].map(
    (text) =>
      [
        [`--retry-delay=${text}`],
        invalid(text, "--retry-delay", `time: missing unit in duration "${text}"`),
      ] as const,
  ),
  ...["", "s", ".", "-", " 1s", "foo", "99999999h", "9223372036854775808ns"].map(
    (text) =>
      [
        [`--retry-delay=${text}`],
        invalid(text, "--retry-delay", `time: invalid duration "${text}"`),
      ] as const,
  ),
  ...[
    ["1d", "d"],
    ["1S", "S"],
    ["1s ", "s "],
    ["3m2day", "day"],
  ].map(
    ([text = "", unit]) =>
      [
        [`--retry-delay=${text}`],
        invalid(text, "--retry-delay", `time: unknown unit "${unit}" in duration "${text}"`),
      ] as const,
  ),
  [["--retry-delay=é"], invalid("é", "--retry-delay", 'time: invalid duration "\\xc3\\xa9"')],
  [
    ["--retry-delay=1\ns"],
    invalid("1\\ns", "--retry-delay", 'time: unknown unit "\\x0as" in duration "1\\x0as"'),
  ],
  [
    ['--additional-tag=a"b'],
    invalid('a\\"b', "--additional-tag", 'parse error on line 1, column 2: bare " in non-quoted-field'),
  ],
  [
    ['--additional-tag="a"b'],
    invalid(
      '\\"a\\"b',
      "--additional-tag",
      'parse error on line 1, column 3: extraneous or missing " in quoted-field',
    ),
  ],
  [
    ['--additional-tag="a'],
    invalid(
      '\\"a',
      "--additional-tag",
      'parse error on line 1, column 3: extraneous or missing " in quoted-field',
    ),
  ],
  [
    ['--additional-tag=x,"y\nzz'],
    invalid(
      'x,\\"y\\nzz',
      "--additional-tag",
      'record on line 1; parse error on line 2, column 3: extraneous or missing " in quoted-field',
    ),
  ],
  [["--additional-tag=\n"], invalid("\\n", "--additional-tag", "EOF")],
];

describe("mistakes in flags", () => {
  for (const [words, message] of mistakes) {
    test(JSON.stringify(words), () => {
      expect(failure(words).split("\n\nDid you mean this?")[0]).toBe(message);
    });
  }

  test.skipIf(realSkopeo === undefined)(
    "are called the same by real skopeo",
    async () => {
      const real = await Promise.all(mistakes.map(([words]) => runRealSkopeo(["copy", ...words])));
      expect(real.map(({ fatal }) => fatal)).toEqual(mistakes.map(([, message]) => message));
    },
    60_000,
  );

  test("name the nearest right flags", () => {
    expect(failure(["--quite"])).toBe("unknown flag: --quite\n\nDid you mean this?\n\t--quiet");
    expect(failure(["--creds=a:b"])).toBe(
      "unknown flag: --creds\n\nDid you mean this?\n\t--src-creds\n\t--dest-creds\n\t--src-no-creds",
    );
    expect(failure(["--insecure"])).toContain("\n\t--insecure-policy");
  });

  test("never name hidden flags", () => {
    expect(failure(["--tls-verif"])).not.toContain("\t--tls-verify");
    expect(failure(["--registries-con"])).not.toContain("\t--registries-conf");
  });
});

/** Words, and the flags that they give. */
const readings: readonly (readonly [words: readonly string[], given: Readonly<Record<string, FlagValue>>])[] =
  [
    [[], {}],
    [["--quiet"], { quiet: true }],
    [["--quiet=false"], { quiet: false }],
    [["-q"], { quiet: true }],
    [["-q=F"], { quiet: false }],
    [["-qa"], { quiet: true, all: true }],
    [["-qa=false"], { quiet: true, all: false }],
    [["-qfoci"], { quiet: true, format: "oci" }],
    [["-qf", "oci"], { quiet: true, format: "oci" }],
    [["-f", "oci"], { format: "oci" }],
    [["-f=oci"], { format: "oci" }],
    [["-foci"], { format: "oci" }],
    [["-f="], { format: "=" }],
    [["-f=="], { format: "=" }],
    [["--format="], { format: "" }],
    [["--format", "--quiet"], { format: "--quiet" }],
    [["--format", "--"], { format: "--" }],
    [["--format", "-q=false"], { format: "-q=false" }],
    [["-q=f", "--all", "-q=t"], { quiet: true, all: true }],
    [["-f=a", "-f", "b"], { format: "b" }],
    [["--src-tls-verify"], { "src-tls-verify": true }],
    [["--policy="], { policy: undefined }],
    [["--screds", "a:b"], { "src-creds": "a:b" }],
    [["--src-creds", "a", "--screds", "b"], { "src-creds": "b" }],
    [["--screds", "b", "--src-creds", "a"], { "src-creds": "a" }],
    [["--retry-times=-0x1f"], { "retry-times": -31 }],
    [["--retry-times", "+3"], { "retry-times": 3 }],
    [["--retry-times", "010"], { "retry-times": 8 }],
    [["--retry-times", "0_1"], { "retry-times": 1 }],
    [["--retry-times", "0"], { "retry-times": 0 }],
    [["--retry-times", "1_000"], { "retry-times": 1000 }],
    [["--retry-times", "0B11"], { "retry-times": 3 }],
    [["--retry-times", "0o17"], { "retry-times": 15 }],
    [["--retry-times", "0x_A"], { "retry-times": 10 }],
    [["--image-parallel-copies", "0x10"], { "image-parallel-copies": 16 }],
    [["--dest-compress-level", "0x5"], { "dest-compress-level": 5 }],
    [["--encrypt-layer=010,-1", "--encrypt-layer=+2"], { "encrypt-layer": [10, -1, 2] }],
    [["--retry-delay=1m30s"], { "retry-delay": 90_000 }],
    [["--retry-delay=1.5h"], { "retry-delay": 5_400_000 }],
    [["--retry-delay=-.5s"], { "retry-delay": -500 }],
    [["--retry-delay=+1.s300ms"], { "retry-delay": 1300 }],
    [["--retry-delay=250us"], { "retry-delay": 0.25 }],
    [["--retry-delay=250µs"], { "retry-delay": 0.25 }],
    [["--retry-delay=250μs"], { "retry-delay": 0.25 }],
    [["--retry-delay=0"], { "retry-delay": 0 }],
    [["--retry-delay=-0"], { "retry-delay": 0 }],
    [["--additional-tag="], { "additional-tag": [] }],
    [["--additional-tag=a,b", "--additional-tag", "c"], { "additional-tag": ["a", "b", "c"] }],
    [['--additional-tag="a,b",c'], { "additional-tag": ["a,b", "c"] }],
    [['--additional-tag=a,"b""c"'], { "additional-tag": ["a", 'b"c'] }],
    [["--additional-tag=a,"], { "additional-tag": ["a", ""] }],
    [["--additional-tag=\n\na\nb"], { "additional-tag": ["a"] }],
    [['--additional-tag="a\nb",c'], { "additional-tag": ["a\nb", "c"] }],
  ];

describe("flags are read", () => {
  for (const [words, given] of readings) {
    test(JSON.stringify(words), () => {
      expect(Object.fromEntries(parseArguments(table, words).given)).toEqual({ ...given });
    });
  }
});

test("other words keep their order among flags, and all behind -- are such words", () => {
  const { given, positionals } = parseArguments(table, ["a", "-q", "b", "-", "--", "--all", "--", "c"]);
  expect(positionals).toEqual(["a", "b", "-", "--all", "--", "c"]);
  expect([...given.keys()]).toEqual(["quiet"]);
});

test("a boolean never takes the next word", () => {
  const { given, positionals } = parseArguments(table, ["--tls-verify", "false", "-q", "docker://x"]);
  expect(given.get("tls-verify")).toBe(true);
  expect(positionals).toEqual(["false", "docker://x"]);
});

test("flags that are not given have the value of their kind", () => {
  const values = completeFlagValues(copyFlags, new Map());
  expect(values.quiet).toBe(false);
  expect(values.format).toBeUndefined();
  expect(values["src-tls-verify"]).toBeUndefined();
  expect(values["additional-tag"]).toEqual([]);
  expect(values["encrypt-layer"]).toEqual([]);
  expect(values["retry-times"]).toBe(0);
  expect(values["image-parallel-copies"]).toBe(0);
  expect(values["retry-delay"]).toBe(0);
  expect(values["dest-compress-level"]).toBeUndefined();
});

test("the command is the first word that is neither a flag nor the value of one", () => {
  const cases: readonly (readonly [words: readonly string[], index: number])[] = [
    [["copy", "a"], 0],
    [["--debug", "copy", "a"], 1],
    [["--override-arch", "arm64", "copy"], 2],
    [["--override-arch=arm64", "copy"], 1],
    [["--tls-verify", "copy"], 1],
    [["-v", "copy"], 1],
    [["--policy"], -1],
    [[], -1],
  ];
  for (const [words, index] of cases) expect(findCommand(rootFlags, words)).toBe(index);
});
