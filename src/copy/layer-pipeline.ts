import { decompressed } from "../compression/decompress.ts";
import { type CompressionFormat, detectStream } from "../compression/format.ts";
import type { InflationLimit } from "../compression/inflation-limit.ts";
import type { ByteStream, OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import type { LayerCompression } from "../format/layer-type.ts";
import { diffIdMismatch, tappedDiffId, withDiffId } from "./diff-id.ts";
import { type CompressionPlan, type TargetCompression, treatLayer } from "./layer-treatment.ts";

/** What a layer's stream is made of, and what is wanted of it. */
export interface LayerInput {
  readonly digest: Digest;
  /** As the config says it, if it does. */
  readonly diffId?: Digest | undefined;
  readonly declared: LayerCompression | undefined;
  readonly plan: CompressionPlan;
  /** The diffID must be found out even if the data stays as it is. */
  readonly needsDiffId: boolean;
  readonly limit?: InflationLimit | undefined;
}

/** A layer's stream on its way to the destination. The functions answer once `bytes` has ended. */
export interface LayerOutput {
  readonly bytes: ByteStream;
  /** Whether the bytes are the source's own. */
  readonly isKept: boolean;
  readonly compression: LayerCompression;
  /** Known beforehand of a layer that is only decompressed. */
  readonly expectedDigest?: Digest | undefined;
  readonly diffId: () => Digest | undefined;
  /** What belongs on the descriptor of the new data. */
  readonly annotations: () => Readonly<Record<string, string>> | undefined;
  /** Frees the source of a stream that was never read. */
  readonly close: () => Promise<void>;
}

/** Looks at how the data begins and puts the stages between it and the destination. images.md 8.1. */
export async function prepareLayer(
  source: ByteStream,
  input: LayerInput,
  options: OperationOptions,
): Promise<LayerOutput> {
  const { format, bytes, close } = await detectStream(source);
  const { declared } = input;
  const isChunked = format === "zstd" && declared === "zstd:chunked";
  const data: LayerCompression = isChunked ? declared : (format ?? "uncompressed");
  const treatment = treatLayer(data, input.plan);
  let diffId = data === "uncompressed" ? input.digest : undefined;
  const onDiffId = (found: Digest): void => {
    diffId = found;
  };
  const result = { compression: data, diffId: () => diffId, annotations: () => undefined, close };
  if (treatment.kind === "keep") {
    const isTapped = input.needsDiffId && format !== undefined;
    const kept = isTapped ? tappedDiffId(bytes, format, nameOf(input), input.limit, onDiffId) : bytes;
    return { ...result, bytes: kept, isKept: true };
  }
  const plain = inflated(bytes, format, input, onDiffId);
  if (treatment.kind === "decompress") {
    return {
      ...result,
      bytes: plain,
      isKept: false,
      compression: "uncompressed",
      expectedDigest: input.diffId,
    };
  }
  const target = await compressTo(plain, treatment.format, input.plan.level, options);
  return { ...result, ...target, isKept: false, compression: treatment.format };
}

/** The decompressed data, checked against the config. Data that was not compressed has been hashed already, by its source. */
function inflated(
  bytes: ByteStream,
  format: CompressionFormat | undefined,
  input: LayerInput,
  onDiffId: (diffId: Digest) => void,
): ByteStream {
  if (format !== undefined) {
    return withDiffId(decompressed(bytes, format, nameOf(input), input.limit), input, onDiffId);
  }
  if (input.diffId !== undefined && input.diffId !== input.digest) throw diffIdMismatch(input, input.digest);
  return bytes;
}

function nameOf({ digest }: LayerInput): string {
  return `layer ${digest}`;
}

async function compressTo(
  plain: ByteStream,
  format: TargetCompression,
  level: number | undefined,
  options: OperationOptions,
): Promise<Pick<LayerOutput, "bytes" | "annotations">> {
  if (format === "zstd:chunked") {
    const { zstdChunked } = await import("../compression/zstd-chunked/encoder.ts");
    let annotations: Readonly<Record<string, string>> | undefined;
    const onAnnotations = (found: Readonly<Record<string, string>>): void => {
      annotations = found;
    };
    return {
      bytes: zstdChunked(plain, { level, onAnnotations, ...options }),
      annotations: () => annotations,
    };
  }
  const { blockCompression, compressed } = await import("../compression/compress.ts");
  const bytes = compressed(plain, blockCompression(format, level), options);
  return { bytes, annotations: () => undefined };
}
