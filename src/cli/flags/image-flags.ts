import { FlagError } from "../command.ts";
import type { FlagTableOf, FlagValues } from "../flag.ts";
import type { GlobalOptions } from "./global-flags.ts";

/** Access to a registry, for one image. cli.md 3.1. */
type RegistryKinds = {
  creds: "optional-string";
  username: "optional-string";
  password: "optional-string";
  "no-creds": "boolean";
  "registry-token": "optional-string";
  "cert-dir": "string";
  "tls-verify": "optional-boolean";
};
/** Access to the other transports. */
type StorageKinds = { "shared-blob-dir": "string"; "daemon-host": "string" };

export type AuthFileFlagTable = FlagTableOf<{ authfile: "string" }>;
export type RegistryFlagTable = FlagTableOf<RegistryKinds>;
export type StorageFlagTable = FlagTableOf<StorageKinds>;

/** All access flags of one side of a copy: `--src-creds`, `--dest-tls-verify`, with an authfile of its own. */
export type SideFlagTable<Prefix extends SidePrefix> = {
  readonly [Name in keyof SideTable as `${Prefix}${Name}`]: SideTable[Name];
};
type SideTable = RegistryFlagTable & StorageFlagTable & FlagTableOf<{ authfile: "optional-string" }>;
export type SidePrefix = "src-" | "dest-";

const group = "Registry access";

export const authFileFlags: AuthFileFlagTable = {
  authfile: {
    kind: "string",
    group,
    placeholder: "PATH",
    summary: "file of registry credentials (default $REGISTRY_AUTH_FILE, then the usual places)",
  },
};

/** For commands on one image or repository of a registry. */
export const registryFlags: RegistryFlagTable = {
  creds: {
    kind: "optional-string",
    isCommon: true,
    group,
    placeholder: "USER[:PASSWORD]",
    summary: "log in to the registry with these",
  },
  username: { kind: "optional-string", group, placeholder: "USER", summary: "user name for the registry" },
  password: { kind: "optional-string", group, placeholder: "PASSWORD", summary: "password for the registry" },
  "no-creds": { kind: "boolean", group, summary: "access the registry anonymously" },
  "registry-token": {
    kind: "optional-string",
    group,
    placeholder: "TOKEN",
    summary: "send this bearer token to the registry",
  },
  "cert-dir": {
    kind: "string",
    group,
    placeholder: "DIR",
    summary: "directory of certificates for the connection: *.crt, *.cert, *.key",
  },
  "tls-verify": {
    kind: "optional-boolean",
    isCommon: true,
    group,
    summary: "require HTTPS and a valid certificate; =false allows plain HTTP and any certificate",
  },
};

/** For commands on one image of any transport, besides `registryFlags`. */
export const storageFlags: StorageFlagTable = {
  "shared-blob-dir": {
    kind: "string",
    group,
    placeholder: "DIR",
    summary: "directory of blobs shared by several OCI layouts (oci: only)",
  },
  "daemon-host": {
    kind: "string",
    group,
    placeholder: "URL",
    summary: "address of the Docker daemon (docker-daemon: only)",
  },
};

/** The access flags of one side of a copy, under the heading `group`. `alias` is an old name of its `creds`. */
export function sideFlags<Prefix extends SidePrefix>(
  prefix: Prefix,
  group: string,
  alias: string,
): SideFlagTable<Prefix> {
  const table: SideTable = {
    authfile: {
      kind: "optional-string",
      group,
      placeholder: "PATH",
      summary: "file of registry credentials for this side, instead of --authfile",
    },
    ...registryFlags,
    creds: { ...registryFlags.creds, aliases: [alias] },
    ...storageFlags,
  };
  const entries = Object.entries(table).map(([name, flag]) => [
    `${prefix}${name}`,
    // There are twice as many of them.
    { ...flag, group, isCommon: false },
  ]);
  // Each name of `SideFlagTable` is a name of `SideTable` behind the prefix, with the same kind of flag.
  return Object.fromEntries(entries) as SideFlagTable<Prefix>;
}

/**
 * How an image may be reached, as the user asked for it. Of several ways to log in the first wins: `registryToken`,
 * `credentials`, `anonymous`, what credential files and helpers hold.
 */
export interface ImageAccessOptions {
  readonly authFile: string | undefined;
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  readonly anonymous: boolean;
  readonly registryToken: string | undefined;
  readonly certDir: string | undefined;
  /** Undefined means: as the registries configuration says. */
  readonly tlsVerify: boolean | undefined;
  readonly sharedBlobDir: string | undefined;
  readonly daemonHost: string | undefined;
}

type AccessValues = FlagValues<RegistryFlagTable> & Partial<FlagValues<StorageFlagTable>>;

/** The access flags of a command on one image. @throws {FlagError} for flags that exclude each other */
export function readImageAccess(
  flags: FlagValues<AuthFileFlagTable> & AccessValues,
  globals: GlobalOptions,
): ImageAccessOptions {
  return accessOptions(flags, {
    authFile: commonAuthFile(flags),
    tlsVerify: globals.tlsVerify,
  });
}

/**
 * The access flags of one side of a copy. `tlsVerify` is the deprecated flag for both sides.
 * @throws {FlagError} for flags that exclude each other; messages do not tell the side
 */
export function readSideAccess<Prefix extends SidePrefix>(
  flags: FlagValues<AuthFileFlagTable> & FlagValues<SideFlagTable<Prefix>>,
  prefix: Prefix,
  tlsVerify: boolean | undefined,
): ImageAccessOptions {
  const side = withoutPrefix(flags, prefix);
  return accessOptions(side, {
    authFile: side.authfile === undefined ? commonAuthFile(flags) : side.authfile || undefined,
    tlsVerify,
  });
}

function withoutPrefix(flags: Readonly<Record<string, unknown>>, prefix: SidePrefix): FlagValues<SideTable> {
  const entries = Object.entries(flags).filter(([name]) => name.startsWith(prefix));
  // The caller's type says that the flags of this side are there, which `sideFlags` made of `SideTable`.
  return Object.fromEntries(
    entries.map(([name, value]) => [name.slice(prefix.length), value]),
  ) as FlagValues<SideTable>;
}

function commonAuthFile(flags: FlagValues<AuthFileFlagTable>): string | undefined {
  return flags.authfile || process.env.REGISTRY_AUTH_FILE || undefined;
}

function accessOptions(
  flags: AccessValues,
  fallback: { readonly authFile: string | undefined; readonly tlsVerify: boolean | undefined },
): ImageAccessOptions {
  return {
    authFile: fallback.authFile,
    credentials: readCredentials(flags),
    anonymous: flags["no-creds"],
    registryToken: flags["registry-token"],
    certDir: flags["cert-dir"],
    tlsVerify: flags["tls-verify"] ?? fallback.tlsVerify,
    sharedBlobDir: flags["shared-blob-dir"],
    daemonHost: flags["daemon-host"],
  };
}

function readCredentials(flags: FlagValues<RegistryFlagTable>): ImageAccessOptions["credentials"] {
  const { creds, username, password } = flags;
  const refuse = (reason: string): never => {
    throw new FlagError(reason);
  };
  if (creds !== undefined && flags["no-creds"])
    refuse("creds and no-creds cannot be specified at the same time");
  if (username !== undefined && flags["no-creds"]) {
    refuse("username and no-creds cannot be specified at the same time");
  }
  if (creds !== undefined && username !== undefined) {
    refuse("creds and username cannot be specified at the same time");
  }
  if (username !== undefined && password !== undefined) return { username, password };
  if (username !== undefined) refuse("password must be specified when username is specified");
  if (password !== undefined) refuse("username must be specified when password is specified");
  return creds === undefined ? undefined : splitCredentials(creds);
}

function splitCredentials(creds: string): NonNullable<ImageAccessOptions["credentials"]> {
  if (creds === "") throw new FlagError("credentials can't be empty");
  const colon = creds.indexOf(":");
  if (colon < 0) return { username: creds, password: "" };
  if (colon === 0) throw new FlagError("username can't be empty");
  return { username: creds.slice(0, colon), password: creds.slice(colon + 1) };
}
