import { ImageError } from "../core/errors.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  isIndexType,
  isSchema1Type,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../core/media-type.ts";

/** The kinds of manifest to try at a destination, in order; the first is what it is planned to become. */
export function planManifestTypes(
  sourceType: string,
  accepted: readonly string[] | "any",
  format: "oci" | "v2s2" | undefined,
): readonly string[] {
  const ofSameLevel = isIndexType(sourceType) ? [OCI_INDEX, DOCKER_LIST] : [OCI_MANIFEST, DOCKER_MANIFEST];
  if (format !== undefined) {
    const wanted = format === "oci" ? ofSameLevel[0] : ofSameLevel[1];
    const isTaken = wanted !== undefined && (accepted === "any" || accepted.includes(wanted));
    if (isTaken) return [wanted];
    throw new ImageError("UNSUPPORTED_OPERATION", `the destination does not take the format ${format}`);
  }
  const isTaken = (type: string): boolean => accepted === "any" || accepted.includes(type);
  const candidates = [sourceType, ...ofSameLevel.toReversed()].filter(isTaken);
  if (candidates.length > 0 && !(isSchema1Type(sourceType) && candidates[0] !== sourceType)) {
    return [...new Set(isSchema1Type(sourceType) ? [sourceType] : candidates)];
  }
  throw new ImageError("UNSUPPORTED_OPERATION", `the destination takes no manifest of type ${sourceType}`);
}
