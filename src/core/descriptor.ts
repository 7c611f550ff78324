import type { Digest } from "./digest.ts";

/**
 * Identifies content. Spelled as in the image spec 1.1, descriptor.md, "Properties".
 * `size` is in bytes as stored: the compressed length, for a compressed layer.
 */
export interface Descriptor {
  /** What the content is; "" where the document does not say. */
  readonly mediaType: string;
  /** Of the content as stored. */
  readonly digest: Digest;
  /** Bytes as stored: of a compressed layer, compressed. */
  readonly size: number;
  /** Where the content may be had besides; the only places, for foreign layers. */
  readonly urls?: readonly string[] | undefined;
  /** Of the content, as whoever wrote the descriptor knew it. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** The content itself, in base64, where it is embedded. */
  readonly data?: string | undefined;
  /** What kind of artifact a manifest describes. */
  readonly artifactType?: string | undefined;
  /** Where the image of a manifest runs. */
  readonly platform?: Platform | undefined;
}

/** Where an image runs, in GOOS and GOARCH values. Image spec 1.1, image-index.md. */
export interface Platform {
  /** A value of GOARCH: `amd64`, `arm64`. */
  readonly architecture: string;
  /** A value of GOOS: `linux`, `windows`. */
  readonly os: string;
  /** Of Windows: `10.0.20348.2340`. */
  readonly "os.version"?: string | undefined;
  /** What the system must have: `win32k`. */
  readonly "os.features"?: readonly string[] | undefined;
  /** Of the processor: `v7`. */
  readonly variant?: string | undefined;
}

/** A manifest or index exactly as stored, unparsed. `digest` is computed from `bytes`, never taken from a header. */
export interface RawManifest {
  /** To the last byte. */
  readonly bytes: Uint8Array;
  /** As the store says it, or, where it says nothing, as the document looks. */
  readonly mediaType: string;
  /** Of `bytes`. */
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
