import type { Descriptor, RawManifest } from "../core/descriptor.ts";
import { OCI_MANIFEST } from "../core/media-type.ts";
import { formatGoJson, sortedRecord } from "./go-json.ts";
import { type ImageManifest, rawManifest } from "./manifest.ts";

/** An image manifest written anew in its own format; members that the format does not know are lost. images.md 1.4. */
export function formatImageManifest(manifest: ImageManifest): RawManifest {
  const { mediaType, omitsMediaType, artifactType, config, layers, subject, annotations } = manifest;
  const isOci = mediaType === OCI_MANIFEST;
  const describe = isOci ? ociDescriptor : dockerDescriptor;
  const common = { schemaVersion: 2, mediaType: isOci && omitsMediaType ? undefined : mediaType };
  const document = isOci
    ? {
        ...common,
        artifactType,
        config: describe(config),
        layers: layers.map(describe),
        subject: subject && describe(subject),
        annotations: sorted(annotations),
      }
    : { ...common, config: describe(config), layers: layers.map(describe) };
  return encodeManifest(document, mediaType);
}

/** A descriptor with the members of the OCI format, in its order. */
export function ociDescriptor(entry: Descriptor): object {
  const { mediaType, digest, size, urls, annotations, data, platform, artifactType } = entry;
  return { mediaType, digest, size, urls, annotations: sorted(annotations), data, platform, artifactType };
}

/** A descriptor with the members of Docker's format, in its order. */
export function dockerDescriptor({ mediaType, size, digest, urls }: Descriptor): object {
  return { mediaType, size, digest, urls };
}

/** Annotations in the order in which Go writes maps. */
export function sorted(
  annotations: Readonly<Record<string, string>> | undefined,
): ReadonlyMap<string, string> | undefined {
  return annotations === undefined ? undefined : sortedRecord(annotations);
}

/** A document as the bytes of a manifest. */
export function encodeManifest(document: unknown, mediaType: string): RawManifest {
  return rawManifest(new TextEncoder().encode(formatGoJson(document)), mediaType);
}
