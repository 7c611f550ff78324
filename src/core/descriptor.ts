import type { Digest } from "./digest.ts";

/**
 * Identifies content. Spelled as in the image spec 1.1, descriptor.md, "Properties".
 * `size` is in bytes as stored: the compressed length, for a compressed layer.
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly urls?: readonly string[] | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly data?: string | undefined;
  readonly artifactType?: string | undefined;
  readonly platform?: Platform | undefined;
}

/** Where an image runs, in GOOS and GOARCH values. Image spec 1.1, image-index.md. */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string | undefined;
  readonly "os.features"?: readonly string[] | undefined;
  readonly variant?: string | undefined;
}

/** A manifest or index exactly as stored, unparsed. `digest` is computed from `bytes`, never taken from a header. */
export interface RawManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly digest: Digest;
}

/** `linux/arm/v7`, as platforms are written on command lines. */
export function formatPlatform(platform: Platform): string {
  const parts = [platform.os, platform.architecture];
  if (platform.variant) parts.push(platform.variant);
  return parts.join("/");
}

/** Reads `os/architecture` or `os/architecture/variant`; undefined when it is neither. */
export function parsePlatform(text: string): Platform | undefined {
  const [os = "", architecture = "", variant, ...more] = text.trim().split("/");
  if (os === "" || architecture === "" || variant === "" || more.length > 0) return undefined;
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}
