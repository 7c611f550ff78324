import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { ImageError } from "../../core/errors.ts";
import type { ImageReference, Transport } from "../../core/image.ts";
import type { SpoolOptions } from "../../tar/open-archive.ts";

/** Stands for standard input. */
export const STANDARD_INPUT = "-";

/** `tarball:FILE[:FILE…]`: an image whose layers are files, base first. transports.md 8. */
export function createTarballTransport(options: SpoolOptions): Transport {
  const transport: Transport = {
    name: "tarball",
    parseReference: (text) => createReference(transport, options, text),
  };
  return transport;
}

function createReference(transport: Transport, options: SpoolOptions, text: string): ImageReference {
  const paths = splitPaths(text);
  const missing = paths.find((path) => path !== STANDARD_INPUT && !existsSync(path));
  if (missing !== undefined) {
    throw new ImageError(
      "INVALID_REFERENCE",
      `error opening ${JSON.stringify(missing)}: open ${missing}: no such file or directory`,
    );
  }
  const reference: ImageReference = {
    transport,
    text,
    dockerName: undefined,
    policyScopes: [],
    openSource: async (operation) => {
      const { openTarballSource } = await import("./source.ts");
      return await openTarballSource(reference, paths, options, operation);
    },
    deleteImage: async () => {
      for (const path of paths) if (path !== STANDARD_INPUT) await rm(path);
    },
  };
  return reference;
}

/** On Windows the colon behind a drive letter belongs to the path. */
function splitPaths(text: string): readonly string[] {
  return process.platform === "win32" ? text.split(/(?<!(?:^|:)[A-Za-z]):/) : text.split(":");
}
