import type { Digest } from "../../core/digest.ts";
import { digestAlgorithm, digestHex } from "../../core/digest.ts";

/** Names and fixed content of the files of a `dir:` image. */
export const MANIFEST_FILE = "manifest.json";
export const VERSION_FILE = "version";
export const VERSION_1_1 = "Directory Transport Version: 1.1\n";
/** Written where digests other than SHA-256 occur, which readers of version 1.1 would not find. */
export const VERSION_1_2 = "Directory Transport Version: 1.2\n";

export function blobFile(digest: Digest): string {
  return digestAlgorithm(digest) === "sha256" ? digestHex(digest) : digest.replace(":", "-");
}

export function manifestFile(instance: Digest | undefined): string {
  return instance === undefined ? MANIFEST_FILE : `${blobFile(instance)}.manifest.json`;
}

/** Signatures are numbered from 1. */
export function signatureFile(number: number, instance: Digest | undefined): string {
  return instance === undefined ? `signature-${number}` : `${blobFile(instance)}.signature-${number}`;
}
