import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { computeDigest, digestHex } from "../../src/core/digest.ts";

/** Writes an image of no layers in the form of the `dir:` transport. */
export function writeTinyImage(directory: string): void {
  mkdirSync(directory, { recursive: true });
  const config = Buffer.from(
    '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[]}}',
  );
  const digest = computeDigest(config);
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: config.length },
    layers: [],
  };
  writeFileSync(join(directory, digestHex(digest)), config);
  writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(directory, "version"), "Directory Transport Version: 1.1\n");
}
