import { type ByteStream, digested, type OperationOptions } from "../core/byte-stream.ts";
import { createDigester, type Digest } from "../core/digest.ts";
import type { StoredBlob } from "../core/image.ts";
import type { TarWriter } from "./writer.ts";

/** How blobs are kept in an archive: by a name made of their digest. */
export interface BlobFiles {
  readonly nameOf: (digest: Digest) => string;
  readonly mode: number;
  /** Whether the archive has a blob already: one whose digest turns out to be known is not put there again. */
  readonly isPresent?: (digest: Digest) => boolean;
}

/** Puts a blob into an archive. Without a digest it gets the one that it turns out to have; with one, its bytes must have it. */
export async function writeBlobFile(
  tar: TarWriter,
  bytes: ByteStream,
  {
    digest: expected,
    size: expectedSize,
  }: { readonly digest?: Digest | undefined; readonly size?: number | undefined },
  { nameOf, mode, isPresent }: BlobFiles,
  options?: OperationOptions,
): Promise<StoredBlob> {
  if (expected !== undefined) {
    const file = { name: nameOf(expected), size: expectedSize, mode };
    return { digest: expected, size: await tar.writeFile(file, bytes, options) };
  }
  const digester = createDigester();
  let digest: Digest | undefined;
  const name = (): string | undefined => {
    digest ??= digester.digest();
    return isPresent?.(digest) ? undefined : nameOf(digest);
  };
  const size = await tar.writeFile({ name, size: expectedSize, mode }, digested(bytes, digester), options);
  return { digest: digest ?? digester.digest(), size };
}
