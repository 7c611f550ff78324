import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import type { BlobReader } from "../core/image.ts";

/** Why something stops, by the name that tells the layers below an abort from a failure, whatever reason somebody gave. */
class Interruption extends Error {
  override readonly name = "AbortError";
}

const interruptions = new WeakMap<AbortSignal, AbortSignal>();

/** A signal that aborts with the given one. There is one for each, so that nobody has to stop listening. */
function interruptionBy(signal: AbortSignal): AbortSignal {
  const known = interruptions.get(signal);
  if (known !== undefined) return known;
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Interruption("interrupted", { cause: signal.reason }));
  if (signal.aborted) abort();
  else signal.addEventListener("abort", abort, { once: true });
  interruptions.set(signal, controller.signal);
  return controller.signal;
}

function begin<Options extends OperationOptions>(options: Options): Options {
  const { signal } = options;
  signal?.throwIfAborted();
  return signal === undefined ? options : { ...options, signal: interruptionBy(signal) };
}

/** The reason of a signal that was aborted, in place of whatever became of it on its way. */
function reasonOf(error: unknown, { signal }: OperationOptions): unknown {
  return signal?.aborted === true ? signal.reason : error;
}

/** Does what the options of a call promise: rejects with the signal's reason once that is aborted, at once if it is already. */
export async function interruptible<Options extends OperationOptions, T>(
  options: Options,
  work: (options: Options) => Promise<T>,
): Promise<T> {
  try {
    return await work(begin(options));
  } catch (error) {
    throw reasonOf(error, options);
  }
}

/** `interruptible` for what gives one thing after the other. */
export async function* interruptibleItems<Options extends OperationOptions, T>(
  options: Options,
  items: (options: Options) => AsyncIterable<T>,
): AsyncGenerator<T> {
  try {
    for await (const item of items(begin(options))) {
      yield item;
      options.signal?.throwIfAborted();
    }
  } catch (error) {
    throw reasonOf(error, options);
  }
}

/** `interruptible` for the stream of a blob that is open. */
export function interruptibleBlob(reader: BlobReader, options: OperationOptions): BlobReader {
  if (options.signal === undefined) return reader;
  const bytes: ByteStream = interruptibleItems(options, () => reader.bytes);
  return { bytes, size: reader.size, [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose]() };
}
