import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { Signature } from "../core/signature.ts";
import type { CopyContext } from "./copy-request.ts";

/** The signatures to copy along. @throws {ImageError} UNSUPPORTED_OPERATION when the destination can't hold them */
export async function readSignatures(
  context: CopyContext,
  of: "image" | "index",
  manifest: RawManifest | undefined,
  options: OperationOptions,
): Promise<readonly Signature[]> {
  if (context.request.removeSignatures) return [];
  context.report({ kind: "signatures", of, step: "read" });
  const signatures = await inContext("reading signatures", () =>
    context.source.readSignatures(manifest?.digest, options),
  );
  if (signatures.length === 0) return [];
  context.report({ kind: "signatures", of, step: "check" });
  const { traits, reference } = context.destination;
  if (traits.signatures === "stored") return signatures;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `Can not copy signatures to ${reference.transport.name}:${reference.text}: ${traits.signatures.unsupportedBecause}`,
  );
}
