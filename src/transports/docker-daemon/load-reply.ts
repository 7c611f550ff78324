import * as v from "valibot";
import type { ByteStream } from "../../core/byte-stream.ts";
import { ImageError } from "../../core/errors.ts";

/** Of one message; progress messages have some hundred bytes. */
const MESSAGE_LIMIT = 1024 * 1024;
const QUOTED_LENGTH = 80;

const ReplySchema = v.looseObject({
  error: v.optional(v.string()),
  errorDetail: v.optional(v.looseObject({ message: v.optional(v.string()) })),
});

/**
 * Reads the answer to a load, one JSON object a line, which holds its failure: the status was sent long before.
 * transports.md 5.3.
 * @throws {ImageError} STORAGE_FAILURE when the load failed or the answer is none
 */
export async function checkLoadReply(body: ByteStream): Promise<void> {
  for await (const line of splitLines(body)) {
    if (line.trim() === "") continue;
    const message = failureIn(line);
    if (message !== undefined) throw new ImageError("STORAGE_FAILURE", wordReported(message));
  }
}

/** Words what a daemon has against an image. */
export function wordReported(message: string): string {
  return `docker engine reported: ${JSON.stringify(message)}`;
}

function failureIn(line: string): string | undefined {
  const { error, errorDetail } = parseReply(line);
  return errorDetail?.message || error || (errorDetail === undefined ? undefined : "unknown error");
}

function parseReply(line: string): v.InferOutput<typeof ReplySchema> {
  try {
    return v.parse(ReplySchema, JSON.parse(line));
  } catch (cause) {
    const start = JSON.stringify(line.slice(0, QUOTED_LENGTH));
    throw new ImageError(
      "STORAGE_FAILURE",
      `parsing docker load progress: the daemon answered ${start}, which is no message of it: see whether the image is there`,
      { cause },
    );
  }
}

async function* splitLines(body: ByteStream): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const chunk of body) {
    const lines = (pending + decoder.decode(chunk, { stream: true })).split("\n");
    pending = lines.pop() ?? "";
    yield* lines;
    if (pending.length > MESSAGE_LIMIT) {
      throw new ImageError(
        "SIZE_LIMIT",
        `docker load progress: exceeded maximum allowed size of ${MESSAGE_LIMIT} bytes for one message`,
      );
    }
  }
  yield pending + decoder.decode();
}
