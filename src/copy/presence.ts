import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { CopyContext, InstancePlace } from "./copy-request.ts";

/** Whether the destination holds this very image already. A part of an index is looked for under its digest. */
export async function isPresent(
  context: CopyContext,
  source: RawManifest,
  place: InstancePlace,
  options: OperationOptions,
): Promise<boolean> {
  const { destination } = context;
  if (destination.findManifest === undefined) return false;
  const known = place.isPartOfIndex ? undefined : context.request.destinationDigest;
  if (known !== undefined) return known === source.digest;
  const found = await destination.findManifest(place.isPartOfIndex ? source.digest : undefined, options);
  return found === source.digest;
}
