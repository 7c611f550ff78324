import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "../../../src/cli/arguments.ts";
import { completeFlagValues } from "../../../src/cli/flag-values.ts";
import { copyFlags } from "../../../src/cli/flags/copy-flags.ts";
import {
  type CopyOptions,
  readCopyAccess,
  readCopyOptions,
  warnOfDeprecatedCopyFlags,
} from "../../../src/cli/flags/copy-options.ts";
import { readGlobalOptions, rootFlags } from "../../../src/cli/flags/global-flags.ts";
import { requestedButUnavailable } from "../../../src/cli/flags/unavailable-flags.ts";
import { createLogger } from "../../../src/cli/log.ts";
import { errorMessage } from "../../../src/core/errors.ts";
import type { ImageReference } from "../../../src/core/image.ts";
import { logMessages } from "../../support/log-messages.ts";
import { realSkopeo, runRealSkopeo } from "../../support/real-skopeo.ts";
import { createCapture } from "../capture.ts";

function referenceTo(transport: string, text: string): ImageReference {
  const reference: ImageReference = {
    transport: { name: transport, parseReference: () => reference },
    text,
    dockerName: undefined,
    policyScopes: [],
  };
  return reference;
}

interface Reading {
  readonly options: CopyOptions | undefined;
  readonly error: string;
  readonly warnings: readonly string[];
}

/** Reads the flags of a copy in the order in which the command does. */
function read(words: readonly string[], destination: ImageReference): Reading {
  const capture = createCapture();
  const log = createLogger(capture);
  const flags = completeFlagValues(copyFlags, parseArguments(copyFlags, words).given);
  const outcome = { options: undefined as CopyOptions | undefined, error: "" };
  try {
    warnOfDeprecatedCopyFlags(flags, log);
    readCopyAccess(flags, readGlobalOptions(completeFlagValues(rootFlags, new Map())));
    outcome.options = readCopyOptions(flags, destination, log);
  } catch (error) {
    outcome.error = errorMessage(error);
  }
  return { ...outcome, warnings: logMessages(capture.text, "warning") };
}

const directory = mkdtempSync(join(tmpdir(), "copy-options-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
const dir = referenceTo("dir", join(directory, "destination"));

const unknownFormat = (text: string): string =>
  `unknown format "${text}". Choose one of the supported formats: 'oci', 'v2s1', or 'v2s2'`;
const unknownChoice = (text: string): string =>
  `unknown multi-arch option "${text}". Choose one of the supported options: 'system', 'all', or 'index-only'`;
const onePassphrase =
  "Only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can be used with " +
  "--sign-passphrase-file";

/** Flags of a copy into a directory, and what is wrong with them: also which of two mistakes is told. */
const mistakes: readonly (readonly [words: readonly string[], message: string])[] = [
  [["--dest-compress-format=xz"], 'cannot find compressor for "xz"'],
  [["--dest-compress-format=GZIP"], 'cannot find compressor for "GZIP"'],
  [["--dest-compress-format=xz", "--dest-creds="], "credentials can't be empty"],
  [["--dest-compress-format=xz", "--additional-tag=a"], 'cannot find compressor for "xz"'],
  [
    ["--additional-tag=UPPER"],
    "error parsing additional-tag 'UPPER': invalid reference format: repository name must be lowercase",
  ],
  [["--additional-tag=a"], "additional-tag 'a' must be a tagged reference"],
  [["--additional-tag=b:1,a"], "additional-tag 'a' must be a tagged reference"],
  [["--additional-tag=a", "--all", "--multi-arch=all"], "additional-tag 'a' must be a tagged reference"],
  [["--all", "--multi-arch=all"], "Cannot use --all and --multi-arch flags together"],
  [["--all", "--multi-arch="], "Cannot use --all and --multi-arch flags together"],
  [["--multi-arch="], unknownChoice("")],
  [["--multi-arch=foo"], unknownChoice("foo")],
  [["--multi-arch=ALL"], unknownChoice("ALL")],
  [["--multi-arch=foo", "--encrypt-layer=1"], unknownChoice("foo")],
  [
    ["--encryption-key=a", "--decryption-key=b"],
    "--encryption-key and --decryption-key cannot be specified together",
  ],
  [
    ["--encryption-key=a", "--decryption-key=b", "--encrypt-layer=1"],
    "--encryption-key and --decryption-key cannot be specified together",
  ],
  [["--encrypt-layer=1"], "--encrypt-layer can only be used with --encryption-key"],
  [["--encryption-key=a"], "Invalid encryption keys: Invalid recipient format"],
  [["--encryption-key=foo:a"], "Invalid encryption keys: Provided protocol not recognized"],
  [["--encryption-key=a", "--sign-identity=a"], "Invalid encryption keys: Invalid recipient format"],
  [["--sign-identity=a"], "Could not parse --sign-identity: repository name must be canonical"],
  [["--sign-identity=docker.io/a:b"], "Could not parse --sign-identity: repository name must be canonical"],
  [["--sign-identity=a:/"], "Could not parse --sign-identity: invalid reference format"],
  [["--sign-identity=a", "--format=x"], "Could not parse --sign-identity: repository name must be canonical"],
  [["--format=x"], unknownFormat("x")],
  [["--format="], unknownFormat("")],
  [["--format=OCI"], unknownFormat("OCI")],
  [["--sign-by=a", "--sign-by-sigstore-private-key=b", "--sign-passphrase-file=c"], onePassphrase],
  [
    ["--sign-by=a", "--sign-by-sigstore-private-key=b", "--sign-passphrase-file=c", "--format=x"],
    unknownFormat("x"),
  ],
  [
    ["--sign-by-sq-fingerprint=x"],
    "Error using --sign-by-sq-fingerprint: Sequoia-PGP support is not enabled in this build",
  ],
  [
    ["--dest-compress", "--dest-decompress"],
    `initializing destination dir:${dir.text}: Cannot compress and decompress at the same time`,
  ],
];

describe("mistakes in a copy's flags", () => {
  for (const [words, message] of mistakes) {
    test(words.join(" "), () => {
      expect(read(words, dir).error).toBe(message);
    });
  }

  test.skipIf(realSkopeo === undefined)(
    "are called the same by real skopeo",
    async () => {
      const real = await Promise.all(
        mistakes.map(([words]) =>
          runRealSkopeo(["--insecure-policy", "copy", ...words, `dir:${directory}/none`, `dir:${dir.text}`]),
        ),
      );
      expect(real.map(({ fatal }) => fatal)).toEqual(mistakes.map(([, message]) => message));
    },
    60_000,
  );

  test("in platforms say how platforms are written", () => {
    for (const text of ["linux/", "linux/arm64/v8/x", "linux/amd64,all", "/amd64", "linux/amd64,"]) {
      expect(read([`--multi-arch=${text}`], dir).error).toStartWith(`unknown multi-arch option "${text}". `);
      expect(read([`--multi-arch=${text}`], dir).error).toContain("linux/amd64,linux/arm64/v8");
    }
  });

  test("in the progress style name the styles", () => {
    expect(read(["--progress=dots"], dir).error).toBe(
      `unknown progress style "dots". Choose one of 'auto', 'plain', 'bars', or 'json'`,
    );
  });

  test("a forced compression format has to be named", () => {
    expect(read(["--dest-force-compress-format"], dir).error).toBe(
      "cannot use ForceCompressionFormat with undefined default compression format",
    );
  });
});

const warnings: readonly (readonly [words: readonly string[], expected: readonly string[]])[] = [
  [["--dest-compress"], ["--dest-compress can only be used if the destination transport is 'dir'"]],
  [
    ["--dest-decompress", "--dest-compress"],
    [
      "--dest-compress can only be used if the destination transport is 'dir'",
      "--dest-decompress can only be used if the destination transport is 'dir'",
    ],
  ],
  [
    ["--tls-verify=false", "--dest-compress", "--format=x"],
    [
      "'--tls-verify' is deprecated, instead use: --src-tls-verify, --dest-tls-verify",
      "--dest-compress can only be used if the destination transport is 'dir'",
    ],
  ],
  [["--src-tls-verify=false"], []],
];

describe("warnings", () => {
  const oci = referenceTo("oci", join(directory, "layout"));
  for (const [words, expected] of warnings) {
    test(`of ${words.join(" ")}`, () => {
      expect(read(words, oci).warnings).toEqual(expected);
    });
  }

  test.skipIf(realSkopeo === undefined)(
    "are those of real skopeo",
    async () => {
      const real = await Promise.all(
        warnings.map(([words]) =>
          runRealSkopeo([
            "--insecure-policy",
            "copy",
            ...words,
            `dir:${directory}/none`,
            `oci:${directory}/o:x`,
          ]),
        ),
      );
      expect(real.map((run) => run.warnings)).toEqual(warnings.map(([, expected]) => expected));
    },
    60_000,
  );

  test("do not stop the copy", () => {
    expect(read(["--dest-compress", "--dest-decompress"], oci).error).toBe("");
  });
});

describe("what this release cannot do is refused, with the flag's name", () => {
  const cases: readonly (readonly [words: readonly string[], flag: string, feature: string])[] = [
    [["--encryption-key=jwe:a", "--encrypt-layer=0"], "--encryption-key", "encrypting layers"],
    [["--decryption-key=a"], "--decryption-key", "decrypting layers"],
  ];
  for (const [words, flag, feature] of cases) {
    test(words.join(" "), () => {
      const { error, options } = read(words, dir);
      expect(error).toMatch(/^--\S+ cannot be used: .* is not supported by skopeo \S+$/);
      expect(error).toStartWith(`${flag} cannot be used: ${feature} `);
      expect(options).toBeUndefined();
    });
  }

  test("but nothing is, of a copy without such flags", () => {
    const flags = completeFlagValues(copyFlags, new Map());
    expect(requestedButUnavailable(flags)).toEqual([]);
  });
});

describe("the options of a copy", () => {
  const cases: readonly (readonly [words: readonly string[], expected: Partial<CopyOptions>])[] = [
    [[], { instances: { kind: "system" }, format: undefined, parallelCopies: 0, progressStyle: "auto" }],
    [["--multi-arch=system"], { instances: { kind: "system" } }],
    [["--multi-arch=all"], { instances: { kind: "all" } }],
    [["-a"], { instances: { kind: "all" } }],
    [["--multi-arch=index-only"], { instances: { kind: "index-only" } }],
    [
      ["--multi-arch=linux/amd64, linux/arm/v7"],
      {
        instances: {
          kind: "platforms",
          platforms: [
            { os: "linux", architecture: "amd64" },
            { os: "linux", architecture: "arm", variant: "v7" },
          ],
        },
      },
    ],
    [["-f", "v2s2"], { format: "v2s2" }],
    [["--preserve-digests", "--remove-signatures"], { preserveDigests: true, removeSignatures: true }],
    [["--image-parallel-copies=3", "-q"], { parallelCopies: 3, quiet: true }],
    [["--digestfile=d", "--progress=json"], { digestFile: "d", progressStyle: "json" }],
    [[], { compression: { layers: "preserve" } }],
    [
      ["--dest-compress-format=zstd", "--dest-force-compress-format"],
      { compression: { layers: "preserve" } },
    ],
    [["--dest-decompress"], { compression: { layers: "decompress" } }],
    [
      ["--dest-compress", "--dest-compress-format=zstd", "--dest-compress-level=0"],
      { compression: { layers: "compress", format: "zstd", level: 0, isForced: false } },
    ],
    [["--dest-precompute-digests"], { precomputeDigests: false }],
  ];
  for (const [words, expected] of cases) {
    test(`from ${words.join(" ") || "no flags"}`, () => {
      const { options, error } = read(words, dir);
      expect(error).toBe("");
      expect(options).toMatchObject(expected);
    });
  }
});
