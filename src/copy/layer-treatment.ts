import type { LayerCompression } from "../format/layer-type.ts";

/** A way in which layers can be written. */
export type TargetCompression = "gzip" | "zstd" | "zstd:chunked";

/** What a copy does about the compression of layers. */
export interface CompressionPlan {
  /** What the destination wants of layers. */
  readonly wants: "preserve" | "compress" | "decompress";
  /** The only compression that is wanted; undefined leaves compressed layers as they are, and makes others gzip. */
  readonly format?: TargetCompression | undefined;
  /** As on the command line; undefined for the default of the format. */
  readonly level?: number | undefined;
  /** Layers that the destination has in another compression are not reused. */
  readonly isForced: boolean;
}

export type LayerTreatment =
  | { readonly kind: "keep" }
  | { readonly kind: "decompress" }
  /** Of data that is compressed in another way, after decompressing it. */
  | { readonly kind: "compress"; readonly format: TargetCompression };

const KEEP: LayerTreatment = { kind: "keep" };

/** What to do with a layer whose data is compressed like this. images.md 8.1. */
export function treatLayer(data: LayerCompression, plan: CompressionPlan): LayerTreatment {
  switch (plan.wants) {
    case "preserve":
      return KEEP;
    case "decompress":
      return data === "uncompressed" ? KEEP : { kind: "decompress" };
    case "compress":
      return isAccepted(data, plan) ? KEEP : { kind: "compress", format: plan.format ?? "gzip" };
  }
}

/** Whether data in this form may stand at the destination under the plan. */
export function isAccepted(data: LayerCompression, { wants, format }: CompressionPlan): boolean {
  if (wants === "preserve") return true;
  if (wants === "decompress") return data === "uncompressed";
  if (data === "uncompressed") return false;
  return format === undefined || data === format || (format === "zstd" && data === "zstd:chunked");
}
