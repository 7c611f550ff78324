import { ImageError } from "../../core/errors.ts";
import type { ExternalFetch, ImageReference, Transport } from "../../core/image.ts";
import { canonicalPath, parentPaths } from "../../runtime/paths.ts";
import { deleteFromLayout } from "./delete.ts";
import { openOciDestination } from "./destination.ts";
import { OciLayout } from "./layout.ts";
import { formatOciLocation, type OciLocation, parseOciLocation } from "./reference.ts";
import { openOciSource } from "./source.ts";

/** What an image layout needs besides its directory. */
export interface OciTransportOptions {
  /** Holds the blobs in place of the layout's own folder. */
  readonly sharedBlobDirectory?: string | undefined;
  /** Reads blobs that a layout only points to. */
  readonly fetchExternal: ExternalFetch;
}

/** `oci:PATH[:NAME|:@POSITION]`: images in an OCI image layout. */
export function createOciTransport(options: OciTransportOptions): Transport {
  const transport: Transport = {
    name: "oci",
    parseReference: (text) => createReference(transport, options, parseOciLocation(text)),
  };
  return transport;
}

function createReference(
  transport: Transport,
  options: OciTransportOptions,
  location: OciLocation,
): ImageReference {
  const { path, name, position } = location;
  const layout = new OciLayout(path, options.sharedBlobDirectory);
  const reference: ImageReference = {
    transport,
    text: formatOciLocation(location),
    dockerName: undefined,
    get policyScopes() {
      // The name is no part of it: an image may be reached by position, or without a name.
      return parentPaths(canonicalPath(path));
    },
    openSource: async () => await openOciSource(reference, layout, location, options.fetchExternal),
    openDestination: async () => {
      if (position !== undefined) {
        throw new ImageError(
          "INVALID_REFERENCE",
          `Destination reference must not contain a manifest index @${position}`,
        );
      }
      return await openOciDestination(reference, layout, name);
    },
    deleteImage: (operation) =>
      deleteFromLayout(layout, location, options.sharedBlobDirectory === undefined, operation),
  };
  return reference;
}
