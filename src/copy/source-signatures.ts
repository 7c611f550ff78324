import type { OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError, inContext } from "../core/errors.ts";
import type { ImageSource } from "../core/image.ts";
import type { Signature } from "../core/signature.ts";
import type { CopyContext } from "./copy-request.ts";

/** The signatures of the images of a source. They are read once, so that those that were judged are those that are copied. */
export class SourceSignatures {
  readonly #source: ImageSource;
  readonly #read = new Map<Digest | undefined, Promise<readonly Signature[]>>();

  constructor(source: ImageSource) {
    this.#source = source;
  }

  /** @param instance the digest of an instance of an index; undefined for what the source itself names */
  async read(instance: Digest | undefined, options: OperationOptions): Promise<readonly Signature[]> {
    const known = this.#read.get(instance) ?? this.#source.readSignatures(instance, options);
    this.#read.set(instance, known);
    return await known;
  }
}

/** The signatures to copy along. @throws {ImageError} UNSUPPORTED_OPERATION when the destination can't hold them */
export async function signaturesToCopy(
  context: CopyContext,
  of: "image" | "index",
  instance: Digest | undefined,
  options: OperationOptions,
): Promise<readonly Signature[]> {
  if (context.request.removeSignatures) return [];
  context.report({ kind: "signatures", of, step: "read" });
  const signatures = await inContext("reading signatures", () => context.signatures.read(instance, options));
  if (signatures.length === 0) return [];
  context.report({ kind: "signatures", of, step: "check" });
  const { traits, reference } = context.destination;
  if (traits.signatures === "stored") return signatures;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `Can not copy signatures to ${reference.transport.name}:${reference.text}: ${traits.signatures.unsupportedBecause}`,
  );
}
