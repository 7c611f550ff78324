import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { ImageError } from "../../core/errors.ts";
import type { ImageReference, Transport } from "../../core/image.ts";
import { canonicalPath, parentPaths } from "../../runtime/paths.ts";
import { openDirDestination } from "./destination.ts";
import { openDirSource } from "./source.ts";

/** `dir:PATH`: one image as plain files in a directory. */
export function createDirTransport(): Transport {
  const transport: Transport = {
    name: "dir",
    parseReference: (text) => createReference(transport, text),
  };
  return transport;
}

function createReference(transport: Transport, text: string): ImageReference {
  const path = canonicalPath(text);
  if (!existsSync(dirname(path))) {
    throw new ImageError("INVALID_REFERENCE", `lstat ${dirname(path)}: no such file or directory`);
  }
  const reference: ImageReference = {
    transport,
    text: path,
    dockerName: undefined,
    policyScopes: parentPaths(path),
    openSource: async () => await openDirSource(reference, path),
    openDestination: async () => await openDirDestination(reference, path),
  };
  return reference;
}
