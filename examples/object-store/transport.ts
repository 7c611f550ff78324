import { ImageError } from "skopeo-ts";
import { createDigester, guessManifestType, rawManifest } from "skopeo-ts/formats";
import {
  type BlobReader,
  type ByteStream,
  collect,
  type ImageDestination,
  ImageNotFoundError,
  type ImageReference,
  type ImageSource,
  streamOf,
  type Transport,
} from "skopeo-ts/transports";
import type { ObjectStore } from "./store.js";

/** A manifest is no larger than this, in bytes. */
const LIMIT = 4 * 1024 * 1024;

/** Images as `store:NAME`: blobs and manifests are objects under their digests, and a name is an object that holds a digest. */
export function createStoreTransport(store: ObjectStore): Transport {
  const transport: Transport = {
    name: "store",
    parseReference(text) {
      if (!/^[a-z0-9]+(?:[._/-][a-z0-9]+)*$/.test(text))
        throw new ImageError("INVALID_REFERENCE", `store:${text}: expected a name such as team/app`);
      const reference: ImageReference = {
        transport,
        text,
        dockerName: undefined,
        policyScopes: [text],
        openSource: async () => openSource(reference, store),
        openDestination: async () => openDestination(reference, store),
      };
      return reference;
    },
  };
  return transport;
}

const blobKey = (digest: string): string => `blobs/${digest.replace(":", "/")}`;
const nameKey = (name: string): string => `names/${name}`;

function openSource(reference: ImageReference, store: ObjectStore): ImageSource {
  const read = async (key: string): Promise<Uint8Array> => {
    if ((await store.head(key)) === undefined)
      throw new ImageNotFoundError(`store:${reference.text}: no such image`);
    return await collect(store.get(key), LIMIT, key);
  };
  return {
    reference,
    concurrentBlobs: true,
    async readManifest(instance) {
      const digest = instance ?? new TextDecoder().decode(await read(nameKey(reference.text)));
      const bytes = await read(blobKey(digest));
      return rawManifest(bytes, guessManifestType(bytes));
    },
    async openBlob({ digest }): Promise<BlobReader> {
      const size = await store.head(blobKey(digest));
      if (size === undefined) throw new ImageError("NOT_FOUND", `store: no blob ${digest}`);
      return { bytes: store.get(blobKey(digest)), size, async [Symbol.asyncDispose]() {} };
    },
    readSignatures: async () => [],
    async [Symbol.asyncDispose]() {},
  };
}

function openDestination(reference: ImageReference, store: ObjectStore): ImageDestination {
  let named: string | undefined;
  return {
    reference,
    traits: {
      manifestTypes: "any",
      layerCompression: "preserve",
      foreignLayers: "store",
      signatures: { unsupportedBecause: "objects have no place for signatures" },
      concurrentBlobs: true,
    },
    async reuseBlob({ digest }) {
      const size = await store.head(blobKey(digest));
      return size === undefined ? undefined : { digest, size };
    },
    async writeBlob(bytes, blob) {
      // Where the digest is known the copy checks it while the bytes pass, and its failure ends the write.
      if (blob.digest === undefined) return await writeUnknown(store, bytes);
      await store.put(blobKey(blob.digest), bytes);
      return { digest: blob.digest, size: (await store.head(blobKey(blob.digest))) ?? 0 };
    },
    async writeManifest({ bytes, digest }, instance) {
      await store.put(blobKey(digest), streamOf(bytes));
      if (instance === undefined) named = digest;
    },
    async writeSignatures() {},
    // The name comes last: until then the old image is what it names.
    async commit() {
      if (named !== undefined)
        await store.put(nameKey(reference.text), streamOf(new TextEncoder().encode(named)));
    },
    async [Symbol.asyncDispose]() {},
  };
}

/** Documents that a copy makes are small; a layer always comes with its digest, for nothing is compressed here. */
async function writeUnknown(store: ObjectStore, bytes: ByteStream) {
  const content = await collect(bytes, LIMIT, "blob");
  const digester = createDigester();
  digester.update(content);
  const digest = digester.digest();
  await store.put(blobKey(digest), streamOf(content));
  return { digest, size: content.length };
}
