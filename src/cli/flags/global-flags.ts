import { VERSION } from "../../version.ts";
import { FlagError } from "../command.ts";
import type { FlagTableOf, FlagValues } from "../flag.ts";

/** The flags that every command takes, before or after its name. cli.md 2. */
export type GlobalFlagTable = FlagTableOf<{
  "command-timeout": "duration";
  debug: "boolean";
  help: "help";
  "insecure-policy": "boolean";
  "override-arch": "string";
  "override-os": "string";
  "override-variant": "string";
  policy: "string";
  "registries.d": "string";
  "registries-conf": "string";
  "require-signed": "boolean";
  "stall-timeout": "duration";
  "tls-details": "string";
  tmpdir: "string";
  "user-agent": "string";
  "user-agent-prefix": "string";
}>;

/** The flags that stand only before a command. */
export type RootFlagTable = GlobalFlagTable &
  FlagTableOf<{ "tls-verify": "optional-boolean"; version: "boolean" }>;

const group = "Global";

export const globalFlags: GlobalFlagTable = {
  "command-timeout": {
    kind: "duration",
    group,
    summary: "end the command with an error after this time, such as 30s or 5m",
  },
  debug: { kind: "boolean", group, summary: "tell what is done, with every request" },
  help: { kind: "help", short: "h", group, summary: "show help; =all explains every flag" },
  "insecure-policy": { kind: "boolean", group, summary: "accept every image; read no trust policy" },
  "override-arch": {
    kind: "string",
    group,
    placeholder: "ARCH",
    summary: "choose images for this architecture",
  },
  "override-os": {
    kind: "string",
    group,
    placeholder: "OS",
    summary: "choose images for this operating system",
  },
  "override-variant": {
    kind: "string",
    group,
    placeholder: "VARIANT",
    summary: "choose images for this variant of the architecture",
  },
  policy: { kind: "string", group, placeholder: "PATH", summary: "trust policy file" },
  "registries.d": {
    kind: "string",
    group,
    placeholder: "DIR",
    summary: "configuration of where signatures are",
  },
  "registries-conf": {
    kind: "string",
    group,
    placeholder: "PATH",
    summary: "registries configuration file",
    hidden: true,
  },
  "require-signed": {
    kind: "boolean",
    group,
    summary: "refuse images that the policy would accept without a verified signature",
  },
  "stall-timeout": {
    kind: "duration",
    group,
    summary: "take a transfer that moved no byte for this long for broken, and retry it (default 1m)",
  },
  "tls-details": {
    kind: "string",
    group,
    placeholder: "PATH",
    summary: "YAML file that restricts TLS: minVersion, cipherSuites, namedGroups",
  },
  tmpdir: {
    kind: "string",
    group,
    placeholder: "DIR",
    summary: "directory for large temporary files (default /var/tmp)",
  },
  "user-agent": {
    kind: "string",
    group,
    placeholder: "TEXT",
    summary: "send this as User-Agent in place of skopeo's own",
  },
  "user-agent-prefix": {
    kind: "string",
    group,
    placeholder: "TEXT",
    summary: "put this before skopeo's own User-Agent",
  },
};

export const rootFlags: RootFlagTable = {
  ...globalFlags,
  "tls-verify": { kind: "optional-boolean", group, summary: "verify certificates", hidden: true },
  version: { kind: "boolean", short: "v", group, summary: "show the version" },
};

/** The global flags as values. A path or name that was not given is undefined, and its consumer has a default. */
export interface GlobalOptions {
  /** Milliseconds; 0 and less mean no limit. */
  readonly commandTimeout: number;
  /** Milliseconds without a byte after which a transfer counts as broken; undefined means the built-in time. */
  readonly stallTimeout: number | undefined;
  readonly debug: boolean;
  readonly insecurePolicy: boolean;
  readonly requireSigned: boolean;
  readonly policyPath: string | undefined;
  readonly platform: PlatformOverride;
  /** `--registries.d` */
  readonly signatureStorageDirectory: string | undefined;
  readonly registriesConf: string | undefined;
  /** The file of `--tls-details`. */
  readonly tlsDetails: string | undefined;
  readonly temporaryDirectory: string | undefined;
  /** The complete User-Agent header. */
  readonly userAgent: string;
  /** The deprecated flag before the command; a flag of the command wins over it. */
  readonly tlsVerify: boolean | undefined;
}

/** What images are chosen for; undefined means as the host is. */
export interface PlatformOverride {
  readonly os: string | undefined;
  readonly architecture: string | undefined;
  readonly variant: string | undefined;
}

/** @throws {FlagError} for flags that exclude each other */
export function readGlobalOptions(flags: FlagValues<RootFlagTable>): GlobalOptions {
  if (flags["insecure-policy"] && flags["require-signed"]) {
    throw new FlagError("--insecure-policy and --require-signed are mutually exclusive");
  }
  return {
    commandTimeout: flags["command-timeout"],
    stallTimeout: flags["stall-timeout"] > 0 ? flags["stall-timeout"] : undefined,
    debug: flags.debug,
    insecurePolicy: flags["insecure-policy"],
    requireSigned: flags["require-signed"],
    policyPath: flags.policy,
    platform: {
      os: flags["override-os"],
      architecture: flags["override-arch"],
      variant: flags["override-variant"],
    },
    signatureStorageDirectory: flags["registries.d"],
    registriesConf: flags["registries-conf"],
    tlsDetails: flags["tls-details"],
    temporaryDirectory: flags.tmpdir,
    userAgent: userAgent(flags),
    tlsVerify: flags["tls-verify"],
  };
}

function userAgent(flags: FlagValues<GlobalFlagTable>): string {
  const own = `skopeo/${VERSION}`;
  const { "user-agent": whole, "user-agent-prefix": prefix } = flags;
  if (whole !== undefined && prefix !== undefined) {
    throw new FlagError("--user-agent and --user-agent-prefix are mutually exclusive");
  }
  return whole ?? (prefix === undefined ? own : `${prefix} ${own}`);
}
