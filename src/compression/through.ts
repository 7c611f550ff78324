import type { Transform } from "node:stream";
import type { ByteStream } from "../core/byte-stream.ts";

/** Feeds a stream through one of Node's, such as a codec of `node:zlib`, keeping its pace. Either one's failure is thrown. */
export async function* through(stream: ByteStream, codec: Transform): ByteStream {
  const feeding = feed(stream, codec).catch((error: unknown) => {
    codec.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    yield* codec as AsyncIterable<Uint8Array>;
  } finally {
    codec.destroy();
    await feeding;
  }
}

async function feed(stream: ByteStream, codec: Transform): Promise<void> {
  for await (const chunk of stream) {
    if (codec.destroyed) return;
    if (!codec.write(chunk)) await readyForMore(codec);
  }
  codec.end();
}

function readyForMore(codec: Transform): Promise<void> {
  if (codec.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      codec.off("drain", done);
      codec.off("close", done);
      resolve();
    };
    codec.on("drain", done);
    codec.on("close", done);
  });
}
