import type { ByteStream, OperationOptions } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type {
  BlobPlacement,
  DestinationTraits,
  ImageDestination,
  ImageReference,
  ReuseRequest,
  StoredBlob,
} from "../../core/image.ts";
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_INDEX,
  OCI_MANIFEST,
  SCHEMA1,
  SCHEMA1_SIGNED,
} from "../../core/media-type.ts";
import type { Signature, SignedManifest } from "../../core/signature.ts";
import { BlobUploader } from "../../registry/blob-upload.ts";
import type { RegistryConnection } from "../../registry/connection.ts";
import { RegistryClient } from "../../registry/registry-client.ts";
import type { DockerLocation } from "./reference.ts";
import type { RegistryAccess } from "./transport.ts";

const TRAITS: DestinationTraits = {
  manifestTypes: [OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX, DOCKER_LIST, SCHEMA1_SIGNED, SCHEMA1],
  layerCompression: "compress",
  foreignLayers: "keep-urls",
  signatures: "stored",
  concurrentBlobs: true,
  embeddedName: "match-reference",
};

/** A repository to write one image to. Blobs and manifests are visible as soon as they are uploaded. */
export function openDockerDestination(
  reference: ImageReference,
  location: DockerLocation,
  connection: RegistryConnection,
  access: Pick<RegistryAccess, "findSignatureSettings" | "uploadJournal">,
): ImageDestination {
  const { registry, repository, tag, digest } = location.name;
  const client = new RegistryClient(connection);
  const uploader = new BlobUploader(connection, repository, access.uploadJournal);
  /** The name to write under; without a tag, an image is written under its own digest. */
  const target = (manifest: Digest, instance: Digest | undefined): string =>
    instance ?? (location.hasUnknownDigest ? manifest : (tag ?? digest ?? manifest));
  const mountFrom = async (
    { digest: blob, size, from }: ReuseRequest,
    options: OperationOptions,
  ): Promise<boolean> => {
    const isElsewhereHere =
      from !== undefined && from.registry === registry && from.repository !== repository;
    return isElsewhereHere && size !== undefined && (await uploader.mount(blob, from.repository, options));
  };
  return {
    reference,
    traits: TRAITS,
    async findManifest(instance, options) {
      const name = instance ?? tag ?? digest;
      return name === undefined ? undefined : await client.findManifest(repository, name, options);
    },
    openBlob: async (blob, options) => await client.openBlob(repository, blob, options),
    async reuseBlob(wanted: ReuseRequest, options: OperationOptions = {}): Promise<StoredBlob | undefined> {
      if (wanted.isAtNeighbour && (await mountFrom(wanted, options))) return storedAs(wanted);
      const size = await client.findBlob(repository, wanted.digest, options);
      if (size !== undefined) return checkSize(wanted, size);
      return !wanted.isAtNeighbour && (await mountFrom(wanted, options)) ? storedAs(wanted) : undefined;
    },
    resumeBlob: async (blob, options) => await uploader.resume(blob, options),
    async writeBlob(bytes: ByteStream, blob: BlobPlacement, options?: OperationOptions): Promise<StoredBlob> {
      return await uploader.upload(bytes, blob, options);
    },
    async writeManifest(manifest: RawManifest, instance?: Digest, options?: OperationOptions): Promise<void> {
      await client.writeManifest(repository, target(manifest.digest, instance), manifest, options);
    },
    async writeSignatures(
      signatures: readonly Signature[],
      of: SignedManifest,
      options?: OperationOptions,
    ): Promise<void> {
      const { writeSignatures } = await import("./signatures.ts");
      const { name } = location;
      const settings = await access.findSignatureSettings(name);
      await writeSignatures({ client, name, settings }, signatures, of.manifest, options);
    },
    async commit(): Promise<void> {},
    async [Symbol.asyncDispose](): Promise<void> {},
  };
}

function storedAs({ digest, size = 0 }: ReuseRequest): StoredBlob {
  return { digest, size };
}

/** A registry whose blob has another size than the manifest says would make a broken image: it is not reused. */
function checkSize(wanted: ReuseRequest, size: number): StoredBlob | undefined {
  return wanted.size === undefined || wanted.size === size ? { digest: wanted.digest, size } : undefined;
}
