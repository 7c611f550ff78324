import { accessSync, constants } from "node:fs";
import { rm } from "node:fs/promises";
import { errorMessage, ImageError } from "../../core/errors.ts";
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
  for (const path of paths) if (path !== STANDARD_INPUT) requireFile(path);
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

/** Looked at only, since opening a pipe would wait for its writer. */
function requireFile(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    const reason = errorMessage(error).split(": ").at(-1);
    throw new ImageError(
      "INVALID_REFERENCE",
      `error opening ${JSON.stringify(path)}: open ${path}: ${reason}`,
      { cause: error },
    );
  }
}

/** On Windows the colon behind a drive letter belongs to the path. */
function splitPaths(text: string): readonly string[] {
  return process.platform === "win32" ? text.split(/(?<!(?:^|:)[A-Za-z]):/) : text.split(":");
}
