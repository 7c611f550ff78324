import { errorMessage, ImageError } from "../../core/errors.ts";
import type { ExternalFetch, ImageReference, ImageSource, Transport } from "../../core/image.ts";
import { isMissing } from "../../runtime/files.ts";
import { type OpenTarArchive, openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import {
  formatOciLocation,
  layoutPolicyScopes,
  type OciLocation,
  parseOciLocation,
} from "../oci/reference.ts";
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
  const { path, name, position } = location;
  const reference: ImageReference = {
    transport,
    text: formatOciLocation(location),
    dockerName: undefined,
    get policyScopes() {
      return layoutPolicyScopes(path, name);
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
      `creating temp directory: archive file not found: ${errorMessage(error)}`,
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
