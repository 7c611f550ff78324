import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { ImageError } from "../../core/errors.ts";
import type { ExternalFetch, ImageReference, ImageSource, Transport } from "../../core/image.ts";
import { isMissing } from "../../runtime/files.ts";
import { canonicalPath, parentPaths } from "../../runtime/paths.ts";
import { type OpenTarArchive, openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import { formatOciLocation, type OciLocation, parseOciLocation } from "../oci/reference.ts";
import { openOciSource } from "../oci/source.ts";
import { ArchivedLayout } from "./archived-layout.ts";

export interface OciArchiveTransportOptions extends SpoolOptions {
  /** The images of a file that is written to stay; without it, the file is replaced. */
  readonly append: boolean;
  /** Reads blobs that a layout only points to. */
  readonly fetchExternal: ExternalFetch;
}

/** `oci-archive:PATH[:NAME|:@POSITION]`: images in a tar archive of an OCI image layout. */
export function createOciArchiveTransport(options: OciArchiveTransportOptions): Transport {
  const transport: Transport = {
    name: "oci-archive",
    parseReference: (text) => createReference(transport, options, parseOciLocation(text)),
  };
  return transport;
}

function createReference(
  transport: Transport,
  options: OciArchiveTransportOptions,
  location: OciLocation,
): ImageReference {
  const { name, position } = location;
  // As with real skopeo, no path is the working directory, which is no archive.
  const path = location.path === "" ? "." : location.path;
  refuseMissingParent(path);
  const reference: ImageReference = {
    transport,
    text: formatOciLocation(location),
    dockerName: undefined,
    get policyScopes() {
      // The name is no part of it: an image may be reached by position, or without a name.
      return parentPaths(canonicalPath(path));
    },
    openSource: async (operation) => {
      const open = await openArchive(path, options, operation);
      return await openImage(reference, open, location, options.fetchExternal);
    },
    openDestination: async (operation) => {
      if (position !== undefined) {
        throw new ImageError(
          "INVALID_REFERENCE",
          `Destination reference must not contain a manifest index @${position}`,
        );
      }
      const { openOciArchiveDestination } = await import("./open-destination.ts");
      return await openOciArchiveDestination(reference, path, name, options, operation);
    },
  };
  return reference;
}

/** A file may come to be, but not its directory. */
function refuseMissingParent(path: string): void {
  const missing = parentPaths(dirname(canonicalPath(path))).findLast((parent) => !existsSync(parent));
  if (missing !== undefined) {
    throw new ImageError("INVALID_REFERENCE", `lstat ${missing}: no such file or directory`);
  }
}

async function openArchive(
  path: string,
  options: OciArchiveTransportOptions,
  operation: Parameters<typeof openTarArchive>[2],
): Promise<OpenTarArchive> {
  try {
    return await openTarArchive(path, options, operation);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new ImageError(
      "NOT_FOUND",
      `creating temp directory: archive file not found: ${JSON.stringify(canonicalPath(path))}`,
      { cause: error },
    );
  }
}

/** The source owns the archive from here on. */
async function openImage(
  reference: ImageReference,
  open: OpenTarArchive,
  location: OciLocation,
  fetchExternal: ExternalFetch,
): Promise<ImageSource> {
  try {
    const layout = new ArchivedLayout(open.archive);
    const source = await openOciSource(reference, layout, location, fetchExternal);
    return { ...source, [Symbol.asyncDispose]: () => open[Symbol.asyncDispose]() };
  } catch (error) {
    await open[Symbol.asyncDispose]();
    throw error;
  }
}
