import { DEFAULT_INFLATION_LIMIT, type InflationLimit } from "../../compression/inflation-limit.ts";
import type { CompressionRequest } from "../../copy/copy-request.ts";
import type { ManifestFormat } from "../../copy/manifest-plan.ts";
import { type Platform, parsePlatform } from "../../core/descriptor.ts";
import { type DockerName, formatDockerName, parseDockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import type { ImageAccess } from "../../environment/image-access.ts";
import { FlagError } from "../command.ts";
import { quote } from "../go-text.ts";
import type { Logger } from "../log.ts";
import { type ProgressStyle, parseProgressStyle } from "../render/progress-style.ts";
import type { CopyFlagValues } from "./copy-flags.ts";
import type { GlobalOptions } from "./global-flags.ts";
import { type ImageAccessOptions, readSideAccess } from "./image-flags.ts";
import { refuseUnavailable } from "./unavailable-flags.ts";

/** Which images of an index to copy. A source that is a single image is copied whatever this says. */
export type InstanceSelection =
  | { readonly kind: "system" }
  | { readonly kind: "all" }
  | { readonly kind: "index-only" }
  | { readonly kind: "platforms"; readonly platforms: readonly Platform[] };

/** What `copy` is asked to do, beside the two images and how to reach them. */
export interface CopyOptions {
  readonly instances: InstanceSelection;
  /** Undefined means: the source's, if the destination takes it. */
  readonly format: ManifestFormat | undefined;
  readonly preserveDigests: boolean;
  readonly removeSignatures: boolean;
  /** The name to sign for, with a tag or digest. */
  readonly signIdentity: string | undefined;
  readonly compression: CompressionRequest;
  /** Only a registry is asked for a blob before it is sent. */
  readonly precomputeDigests: boolean;
  readonly digestFile: string | undefined;
  /** 0 means the built-in limit. */
  readonly parallelCopies: number;
  readonly quiet: boolean;
  readonly progressStyle: ProgressStyle;
}

/** Warns of the flag that once stood for both sides. Comes before anything else is looked at. */
export function warnOfDeprecatedCopyFlags(flags: Pick<CopyFlagValues, "tls-verify">, log: Logger): void {
  if (flags["tls-verify"] === undefined) return;
  log.warn("'--tls-verify' is deprecated, instead use: --src-tls-verify, --dest-tls-verify");
}

/**
 * How to reach both images. Comes when their names have been found valid.
 * @throws {FlagError} the source's mistakes first
 */
export function readCopyAccess(
  flags: CopyFlagValues,
  globals: GlobalOptions,
): { readonly source: ImageAccessOptions; readonly destination: ImageAccess } {
  const tlsVerify = flags["tls-verify"] ?? globals.tlsVerify;
  const source = readSideAccess(flags, "src-", tlsVerify);
  const destination = readSideAccess(flags, "dest-", tlsVerify);
  readCompressionFormat(flags["dest-compress-format"]);
  return {
    source,
    destination: {
      ...destination,
      appendsToArchive: flags["dest-append"],
      additionalTags: flags["additional-tag"].map(parseAdditionalTag),
    },
  };
}

/**
 * Reads everything else, and checks it in the order of cli.md 4. Comes after `readCopyAccess`.
 * @throws {FlagError} @throws {ImageError} UNSUPPORTED_OPERATION for what this release cannot do
 */
export function readCopyOptions(
  flags: CopyFlagValues,
  destination: ImageReference,
  log: Logger,
): CopyOptions {
  const instances = readInstanceSelection(flags);
  checkEncryption(flags);
  const signIdentity = readSignIdentity(flags["sign-identity"]);
  checkDirectoryFlags(flags, destination, log);
  const format = readFormat(flags.format);
  checkSigning(flags);
  if (flags["dest-force-compress-format"] && flags["dest-compress-format"] === undefined) {
    throw new FlagError("cannot use ForceCompressionFormat with undefined default compression format");
  }
  const progressStyle = parseProgressStyle(flags.progress);
  refuseUnavailable(flags);
  return {
    instances,
    format,
    preserveDigests: flags["preserve-digests"],
    removeSignatures: flags["remove-signatures"],
    signIdentity,
    compression: readCompression(flags, destination.transport.name),
    precomputeDigests: flags["dest-precompute-digests"] && destination.transport.name === "docker",
    digestFile: flags.digestfile,
    parallelCopies: flags["image-parallel-copies"],
    quiet: flags.quiet,
    progressStyle,
  };
}

const COMPRESSORS = ["gzip", "zstd", "zstd:chunked", "bzip2", "Xz"] as const;

function readCompressionFormat(name: string | undefined): CompressionRequest["format"] {
  if (name === undefined) return undefined;
  const known = COMPRESSORS.find((compressor) => compressor === name);
  if (known === undefined) throw new FlagError(`cannot find compressor for ${quote(name)}`);
  return known;
}

/** A directory takes layers as they are unless one of its own flags is given. */
function readCompression(flags: CopyFlagValues, transport: string): CompressionRequest {
  const format = readCompressionFormat(flags["dest-compress-format"]);
  const { "dest-compress-level": level, "dest-force-compress-format": isForced } = flags;
  const keepsLayers = transport === "oci" && flags["dest-oci-accept-uncompressed-layers"];
  if (transport !== "dir") return { ...(keepsLayers ? { layers: "preserve" } : {}), format, level, isForced };
  if (flags["dest-compress"]) return { layers: "compress", format, level, isForced };
  return { layers: flags["dest-decompress"] ? "decompress" : "preserve" };
}

/** How far layers, and archives as a whole, may expand. @throws {FlagError} */
export function readInflationLimit(flags: CopyFlagValues): InflationLimit {
  const { "max-layer-size": size, "max-layer-ratio": ratio } = flags;
  return {
    maxBytes: size === undefined ? DEFAULT_INFLATION_LIMIT.maxBytes : parseByteSize("max-layer-size", size),
    maxRatio: ratio === 0 ? DEFAULT_INFLATION_LIMIT.maxRatio : ratio,
  };
}

const UNITS = ["", "K", "M", "G", "T"];

/** `10G`, `10GiB` or `10737418240`: units are powers of 1024. */
function parseByteSize(flag: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([KMGT]?)(?:i?B)?$/i.exec(text);
  const bytes = Number(match?.[1]) * 1024 ** UNITS.indexOf((match?.[2] ?? "").toUpperCase());
  if (Number.isSafeInteger(Math.floor(bytes)) && bytes >= 1) return Math.floor(bytes);
  throw new FlagError(
    `invalid value ${quote(text)} for flag --${flag}: a size such as 512M or 20G is expected`,
  );
}

function parseAdditionalTag(text: string): DockerName {
  const name = parseNamed(text, (reason) => `error parsing additional-tag '${text}': ${reason}`);
  if (name.tag === undefined) throw new FlagError(`additional-tag '${text}' must be a tagged reference`);
  return name;
}

function parseNamed(text: string, describe: (reason: string) => string): DockerName {
  try {
    return parseDockerName(text);
  } catch (error) {
    throw new FlagError(describe(errorMessage(error)), { cause: error });
  }
}

/** @throws {FlagError} */
export function readInstanceSelection(flags: Pick<CopyFlagValues, "all" | "multi-arch">): InstanceSelection {
  const choice = flags["multi-arch"];
  if (flags.all) {
    if (choice !== undefined) throw new FlagError("Cannot use --all and --multi-arch flags together");
    return { kind: "all" };
  }
  switch (choice) {
    case undefined:
    case "system":
      return { kind: "system" };
    case "all":
    case "index-only":
      return { kind: choice };
    default:
      return { kind: "platforms", platforms: choice.split(",").map((part) => readPlatform(part, choice)) };
  }
}

/** `os/architecture` or `os/architecture/variant`. */
export function readPlatform(text: string, choice: string): Platform {
  const platform = parsePlatform(text);
  if (platform !== undefined) return platform;
  throw new FlagError(
    `unknown multi-arch option ${quote(choice)}. ` +
      "Choose one of the supported options: 'system', 'all', or 'index-only'" +
      (choice.includes("/") ? ", or platforms such as 'linux/amd64,linux/arm64/v8'" : ""),
  );
}

type SigningFlags = Pick<
  CopyFlagValues,
  | "sign-by"
  | "sign-by-key-file"
  | "sign-by-sq-fingerprint"
  | "sign-by-sigstore-private-key"
  | "sign-passphrase-file"
>;

const ENCRYPTION_PROTOCOLS: ReadonlySet<string> = new Set(["jwe", "pgp", "pkcs7", "pkcs11", "provider"]);

function checkEncryption(flags: CopyFlagValues): void {
  const recipients = flags["encryption-key"];
  if (recipients.length > 0 && flags["decryption-key"].length > 0) {
    throw new FlagError("--encryption-key and --decryption-key cannot be specified together");
  }
  if (flags["encrypt-layer"].length > 0 && recipients.length === 0) {
    throw new FlagError("--encrypt-layer can only be used with --encryption-key");
  }
  for (const recipient of recipients) {
    const colon = recipient.indexOf(":");
    if (colon < 0) throw new FlagError("Invalid encryption keys: Invalid recipient format");
    if (!ENCRYPTION_PROTOCOLS.has(recipient.slice(0, colon))) {
      throw new FlagError("Invalid encryption keys: Provided protocol not recognized");
    }
  }
}

function readSignIdentity(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const name = parseNamed(text, (reason) => `Could not parse --sign-identity: ${reason}`);
  if (formatDockerName(name) !== text) {
    throw new FlagError("Could not parse --sign-identity: repository name must be canonical");
  }
  if (name.tag === undefined && name.digest === undefined) {
    throw new FlagError(`Sign identity must be a fully specified reference ${text}`);
  }
  return text;
}

function checkDirectoryFlags(flags: CopyFlagValues, destination: ImageReference, log: Logger): void {
  if (destination.transport.name === "dir") {
    if (!flags["dest-compress"] || !flags["dest-decompress"]) return;
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      `initializing destination dir:${destination.text}: Cannot compress and decompress at the same time`,
    );
  }
  for (const name of ["dest-compress", "dest-decompress"] as const) {
    if (flags[name]) log.warn(`--${name} can only be used if the destination transport is 'dir'`);
  }
}

/** @throws {FlagError} */
export function readFormat(text: string | undefined): ManifestFormat | undefined {
  switch (text) {
    case undefined:
    case "oci":
    case "v2s1":
    case "v2s2":
      return text;
    default:
      throw new FlagError(
        `unknown format ${quote(text)}. Choose one of the supported formats: 'oci', 'v2s1', or 'v2s2'`,
      );
  }
}

/** @throws {FlagError} */
export function checkSigning(flags: SigningFlags): void {
  if (flags["sign-by"] !== undefined && flags["sign-by-key-file"] !== undefined) {
    throw new FlagError("--sign-by and --sign-by-key-file cannot be specified together");
  }
  const keys = [
    flags["sign-by"],
    flags["sign-by-key-file"],
    flags["sign-by-sq-fingerprint"],
    flags["sign-by-sigstore-private-key"],
  ];
  const given = keys.filter((key) => key !== undefined).length;
  if (flags["sign-passphrase-file"] === undefined || given < 2) return;
  throw new FlagError(
    "Only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key " +
      "can be used with --sign-passphrase-file",
  );
}
