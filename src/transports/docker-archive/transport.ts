import type { DockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import type { ImageReference, Transport } from "../../core/image.ts";
import { isMissing } from "../../runtime/files.ts";
import { type OpenTarArchive, openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import { openDockerTarSource } from "../docker-tar/source.ts";
import { type ArchiveLocation, formatArchiveLocation, parseArchiveLocation } from "./reference.ts";

export interface DockerArchiveOptions extends SpoolOptions {
  /** More names for an image that is written. */
  readonly additionalTags: readonly DockerName[];
}

/** `docker-archive:PATH[:NAME|:@POSITION]`: images in a file as `docker save` makes it. */
export function createDockerArchiveTransport(options: DockerArchiveOptions): Transport {
  const transport: Transport = {
    name: "docker-archive",
    parseReference: (text) => createReference(transport, options, parseArchiveLocation(text)),
  };
  return transport;
}

function createReference(
  transport: Transport,
  options: DockerArchiveOptions,
  location: ArchiveLocation,
): ImageReference {
  const { path, name, position } = location;
  const reference: ImageReference = {
    transport,
    text: formatArchiveLocation(location),
    dockerName: name,
    // The trust policy knows archives only as a whole.
    policyScopes: [],
    openSource: async (operation) => {
      const archive = await openArchive(path, options, operation);
      return await openDockerTarSource(reference, archive, location, options.inflationLimit, operation);
    },
    openDestination: async (operation) => {
      if (position !== undefined) {
        throw new ImageError(
          "INVALID_REFERENCE",
          `Destination reference must not contain a manifest index @${position}`,
        );
      }
      const { openDockerArchiveDestination } = await import("./destination.ts");
      const names = [...(name === undefined ? [] : [name]), ...options.additionalTags];
      return await openDockerArchiveDestination(reference, path, names, options, operation);
    },
    async *listImages(operation) {
      const { itemNames, readManifestItems } = await import("../docker-tar/manifest-items.ts");
      await using open = await openArchive(path, options, operation);
      yield* itemNames(await readManifestItems(open.archive));
    },
  };
  return reference;
}

async function openArchive(
  path: string,
  options: DockerArchiveOptions,
  operation: Parameters<typeof openTarArchive>[2],
): Promise<OpenTarArchive> {
  try {
    return await openTarArchive(path, options, operation);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new ImageError("NOT_FOUND", `opening file "${path}": ${errorMessage(error)}`, { cause: error });
  }
}
