import type { Descriptor } from "../../core/descriptor.ts";
import { ImageError } from "../../core/errors.ts";
import { ImageNotFoundError } from "../../core/not-found.ts";
import { type LayoutIndex, referenceName } from "./layout-index.ts";
import type { OciLocation } from "./reference.ts";

/**
 * The entry of index.json that a location means.
 * @throws {ImageNotFoundError} when no entry has the name
 * @throws {ImageError} INVALID_REFERENCE when there are several and none is chosen
 */
export function findEntry(index: LayoutIndex, location: OciLocation): Descriptor {
  const { name, position } = location;
  if (position !== undefined) return entryAt(index, position);
  if (name !== undefined) return entryNamed(index, name);
  const [only, ...others] = index.manifests;
  if (only === undefined || others.length > 0) {
    throw new ImageError("INVALID_REFERENCE", `more than one image in oci, choose an image${choices(index)}`);
  }
  return only;
}

function entryAt(index: LayoutIndex, position: number): Descriptor {
  const entry = index.manifests[position];
  if (entry !== undefined) return entry;
  const count = index.manifests.length;
  throw new ImageError(
    "INVALID_REFERENCE",
    `index ${position} is too large, only ${count} entries available`,
  );
}

function entryNamed(index: LayoutIndex, name: string): Descriptor {
  const entry = index.manifests.find((candidate) => referenceName(candidate) === name);
  if (entry !== undefined) return entry;
  throw new ImageNotFoundError(`no descriptor found for reference ${JSON.stringify(name)}${choices(index)}`);
}

function choices(index: LayoutIndex): string {
  if (index.manifests.length === 0) return " (the layout holds no image)";
  const names = index.manifests.map((entry, position) => referenceName(entry) ?? `@${position}`);
  return ` (the layout holds ${names.slice(0, 10).join(", ")}${names.length > 10 ? ", …" : ""})`;
}
