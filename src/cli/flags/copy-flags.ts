import type { FlagTableOf, FlagValues } from "../flag.ts";
import { type AuthFileFlagTable, authFileFlags, type SideFlagTable, sideFlags } from "./image-flags.ts";
import { type RetryFlagTable, retryFlags } from "./retry-flags.ts";

/** What commands that copy have in common. cli.md 3.3. */
export type TransferFlagTable = FlagTableOf<{
  format: "optional-string";
  "preserve-digests": "boolean";
  "remove-signatures": "boolean";
  progress: "string";
  "sign-by": "string";
  "sign-by-key-file": "string";
  "sign-by-sq-fingerprint": "string";
  "sign-by-sigstore": "string";
  "sign-by-sigstore-private-key": "string";
  "sign-passphrase-file": "string";
  "sigstore-bundle": "boolean";
}>;

/** What only `copy` has. cli.md 4. */
type OwnFlagTable = FlagTableOf<{
  all: "boolean";
  "multi-arch": "optional-string";
  "additional-tag": "list";
  digestfile: "string";
  quiet: "boolean";
  "sign-identity": "string";
  "with-referrers": "boolean";
  "image-parallel-copies": "unsigned";
  "encryption-key": "list";
  "encrypt-layer": "integer-list";
  "decryption-key": "list";
  "tls-verify": "optional-boolean";
  "dest-compress": "boolean";
  "dest-decompress": "boolean";
  "dest-compress-format": "string";
  "dest-compress-level": "optional-integer";
  "dest-force-compress-format": "boolean";
  "dest-oci-accept-uncompressed-layers": "boolean";
  "dest-precompute-digests": "boolean";
  "dest-append": "boolean";
  "max-layer-size": "string";
  "max-layer-ratio": "unsigned";
}>;

export type CopyFlagTable = TransferFlagTable &
  OwnFlagTable &
  RetryFlagTable &
  AuthFileFlagTable &
  SideFlagTable<"src-"> &
  SideFlagTable<"dest-">;

export type CopyFlagValues = FlagValues<CopyFlagTable>;

export const transferFlags: TransferFlagTable = {
  format: {
    kind: "optional-string",
    isCommon: true,
    short: "f",
    group: "Copying",
    placeholder: "FORMAT",
    summary:
      "manifest format to write: oci, v2s1 or v2s2 (default: the source's, if the destination takes it)",
  },
  "preserve-digests": {
    kind: "boolean",
    group: "Copying",
    summary: "fail rather than write a manifest that differs from the source's",
  },
  "remove-signatures": {
    kind: "boolean",
    group: "Copying",
    summary: "neither read nor copy the source's signatures",
  },
  progress: {
    kind: "string",
    group: "Output",
    placeholder: "STYLE",
    summary: "how to show progress on standard error: auto, plain, bars or json (default auto)",
  },
  "sign-by": {
    kind: "string",
    group: "Signing",
    placeholder: "KEY",
    summary: "sign the image with this GnuPG key",
  },
  "sign-by-key-file": {
    kind: "string",
    group: "Signing",
    placeholder: "FILE",
    summary: "sign the image with the GnuPG key exported to this file, without gpg",
  },
  "sign-by-sq-fingerprint": {
    kind: "string",
    group: "Signing",
    placeholder: "FINGERPRINT",
    summary: "sign the image with this Sequoia-PGP key",
  },
  "sign-by-sigstore": {
    kind: "string",
    group: "Signing",
    placeholder: "PATH",
    summary: "sign the image as this sigstore parameter file says",
  },
  "sign-by-sigstore-private-key": {
    kind: "string",
    isCommon: true,
    group: "Signing",
    placeholder: "PATH",
    summary: "sign the image with this sigstore private key",
  },
  "sign-passphrase-file": {
    kind: "string",
    group: "Signing",
    placeholder: "PATH",
    summary: "file with the passphrase of the signing key",
  },
  "sigstore-bundle": {
    kind: "boolean",
    group: "Signing",
    summary: "write sigstore signatures as bundles that refer to the image, as cosign 3 does",
  },
};

const ownFlags: OwnFlagTable = {
  all: {
    kind: "boolean",
    isCommon: true,
    short: "a",
    group: "Copying",
    summary: "copy every image of an index, and the index",
  },
  "multi-arch": {
    kind: "optional-string",
    isCommon: true,
    group: "Copying",
    placeholder: "CHOICE",
    summary:
      "what to copy of an index: system, all, index-only, or platforms such as linux/amd64,linux/arm64 " +
      "(default system)",
  },
  "with-referrers": {
    kind: "boolean",
    isCommon: true,
    group: "Copying",
    summary:
      "take signatures, attestations and SBOMs along: OCI referrers and cosign's tags (registries only)",
  },
  "additional-tag": {
    kind: "list",
    group: "Copying",
    placeholder: "NAME:TAG",
    summary: "give the image this name too (docker-archive: only; repeatable)",
  },
  digestfile: {
    kind: "string",
    group: "Output",
    placeholder: "PATH",
    summary: "write the digest of the copied manifest to this file",
  },
  quiet: { kind: "boolean", short: "q", group: "Output", summary: "show no progress" },
  "sign-identity": {
    kind: "string",
    group: "Signing",
    placeholder: "NAME",
    summary: "name to sign the image as (default: that of the destination)",
  },
  "image-parallel-copies": {
    kind: "unsigned",
    group: "Copying",
    placeholder: "N",
    summary: "how many blobs to copy at once (default 6 large ones, 32 in all)",
  },
  "encryption-key": {
    kind: "list",
    group: "Encryption",
    placeholder: "PROTOCOL:KEY",
    summary: "encrypt layers for this recipient, such as jwe:key.pem (repeatable)",
  },
  "encrypt-layer": {
    kind: "integer-list",
    group: "Encryption",
    placeholder: "N",
    summary: "encrypt only this layer, counted from 0, or from the end with -1 (repeatable)",
  },
  "decryption-key": {
    kind: "list",
    group: "Encryption",
    placeholder: "KEY[:PASSWORD]",
    summary: "decrypt layers with this private key (repeatable)",
  },
  "tls-verify": { kind: "optional-boolean", group: "Source", summary: "for both sides", hidden: true },
  "dest-compress": { kind: "boolean", group: "Compression", summary: "compress layers (dir: only)" },
  "dest-decompress": { kind: "boolean", group: "Compression", summary: "decompress layers (dir: only)" },
  "dest-compress-format": {
    kind: "string",
    group: "Compression",
    placeholder: "FORMAT",
    summary: "compress layers with gzip, zstd or zstd:chunked",
  },
  "dest-compress-level": {
    kind: "optional-integer",
    group: "Compression",
    placeholder: "N",
    summary: "compression level: 1 to 9 for gzip, 1 to 20 for zstd",
  },
  "dest-force-compress-format": {
    kind: "boolean",
    group: "Compression",
    summary: "do not reuse blobs that are compressed in another format",
  },
  "dest-oci-accept-uncompressed-layers": {
    kind: "boolean",
    group: "Compression",
    summary: "leave uncompressed layers as they are (oci: only)",
  },
  "dest-precompute-digests": {
    kind: "boolean",
    group: "Copying",
    summary: "compute a layer's digest before its upload, to find it at the registry already",
  },
  "dest-append": {
    kind: "boolean",
    group: "Destination",
    summary: "keep the images that are in the archive (oci-archive: only; docker-archive: always does)",
  },
  "max-layer-size": {
    kind: "string",
    group: "Compression",
    placeholder: "SIZE",
    summary: "refuse a layer that decompresses to more than this, such as 20G (default 256G)",
  },
  "max-layer-ratio": {
    kind: "unsigned",
    group: "Compression",
    placeholder: "N",
    summary: "refuse a layer beyond 1 GiB that decompresses to more than N times its size (default 500)",
  },
};

/** Every flag of `copy`. */
export const copyFlags: CopyFlagTable = {
  ...sideFlags("src-", "Source", "screds"),
  ...sideFlags("dest-", "Destination", "dcreds"),
  ...authFileFlags,
  ...transferFlags,
  ...ownFlags,
  ...retryFlags,
};
