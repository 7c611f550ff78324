import type { InflationLimit } from "../compression/inflation-limit.ts";
import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import { ImageError } from "../core/errors.ts";

/** Passes bytes on until the signal aborts. */
export async function* interruptible(stream: ByteStream, { signal }: OperationOptions): ByteStream {
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

/**
 * Passes bytes on that are kept on disk as they come, such as those of a pipe that may never end. `what` names them in
 * errors.
 * @throws {ImageError} SIZE_LIMIT
 */
export async function* bounded(
  stream: ByteStream,
  { maxBytes }: Pick<InflationLimit, "maxBytes">,
  what: string,
): ByteStream {
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new ImageError(
        "SIZE_LIMIT",
        `${what}: it has more than the ${maxBytes} bytes allowed (--max-layer-size allows more)`,
      );
    }
    yield chunk;
  }
}
