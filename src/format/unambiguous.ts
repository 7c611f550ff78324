import type { RawManifest } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import { isRecord, parseJsonValue } from "./json.ts";

const ESSENTIAL_MEMBERS: readonly string[] = ["config", "fsLayers", "history", "layers", "manifests"];

/** Refuses a document that another reader could take for a manifest of another kind. images.md 1.3. @throws {ImageError} */
export function checkUnambiguous(raw: RawManifest, allowed: readonly string[]): void {
  const document = parseJsonValue(raw.bytes, "manifest");
  if (!isRecord(document)) throw new ImageError("MANIFEST_INVALID", "manifest is not a JSON object");
  const present = new Set(
    Object.entries(document)
      .filter(([, value]) => value !== null)
      .map(([key]) => key.toLowerCase()),
  );
  const unexpected = ESSENTIAL_MEMBERS.filter(
    (key) => !allowed.includes(key) && present.has(key.toLowerCase()),
  );
  if (unexpected.length === 0) return;
  const list = unexpected.map((key) => JSON.stringify(key)).join(", ");
  throw new ImageError(
    "MANIFEST_INVALID",
    `rejecting ambiguous manifest, unexpected fields []string{${list}} in supposedly ${raw.mediaType}`,
  );
}
