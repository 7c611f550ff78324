import * as v from "valibot";
import { computeDigest, type Digest, isDigest } from "../../core/digest.ts";
import { ImageError } from "../../core/errors.ts";
import { DOCUMENT_LIMIT, parseJson } from "../../format/json.ts";
import type { TarArchiveFile } from "../../tar/archive-file.ts";
import { foldedObject } from "./folded-members.ts";
import type { ManifestItem } from "./manifest-items.ts";

const RootfsSchema = foldedObject(
  ["diff_ids"],
  v.looseObject({ diff_ids: v.nullish(v.array(v.string()), []) }),
);
const ConfigSchema = foldedObject(["rootfs"], v.looseObject({ rootfs: v.nullish(RootfsSchema) }));

/** The config of an image in an archive, and the digests of its decompressed layers, base first. */
export interface ArchiveConfig {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly diffIds: readonly Digest[];
}

/** @throws {ImageError} MANIFEST_INVALID, SIZE_LIMIT */
export async function readArchiveConfig(
  archive: TarArchiveFile,
  { Config }: ManifestItem,
): Promise<ArchiveConfig> {
  const entry = archive.find(Config);
  if (entry === undefined) {
    throw new ImageError("MANIFEST_INVALID", `loading tar component "${Config}": file does not exist`);
  }
  const bytes = await archive.readWhole(entry, DOCUMENT_LIMIT);
  const { rootfs } = parseJson(ConfigSchema, bytes, `config ${Config}`);
  if (!rootfs) {
    throw new ImageError("MANIFEST_INVALID", `Invalid image config (rootFS is not set): "${Config}"`);
  }
  const diffIds = rootfs.diff_ids.filter(isDigest);
  if (diffIds.length !== rootfs.diff_ids.length) {
    throw new ImageError("MANIFEST_INVALID", `Invalid image config (a diffID is no digest): "${Config}"`);
  }
  return { bytes, digest: computeDigest(bytes), diffIds };
}
