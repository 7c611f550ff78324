import type { OperationOptions } from "../../core/byte-stream.ts";
import type { Digest } from "../../core/digest.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { dockerPolicyScopes, formatDockerName, formatFamiliarName } from "../../core/docker-name.ts";
import { findCause, ImageError, inContext, isAbort } from "../../core/errors.ts";
import type { ExternalFetch, ImageReference, Transport } from "../../core/image.ts";
import type { UploadJournal } from "../../core/upload-journal.ts";
import type { RegistryConnection } from "../../registry/connection.ts";
import { RegistryClient } from "../../registry/registry-client.ts";
import { RegistryError } from "../../registry/registry-error.ts";
import { type DockerLocation, formatDockerLocation, parseDockerLocation } from "./reference.ts";
import type { SignatureSettings } from "./signatures.ts";
import { openDockerSource } from "./source.ts";

/** One of the places that an image may be read from: the registry itself, or a mirror under another name. */
export interface Endpoint {
  readonly name: DockerName;
  readonly isMirror: boolean;
  connect(): Promise<RegistryConnection>;
}

/** What the surroundings decide about registries. Connections are shared by all users of the same registry. */
export interface RegistryAccess {
  /** Where to read `name` from, in the order to try. @throws {ImageError} when the registry is blocked */
  findEndpoints(name: DockerName, options?: OperationOptions): Promise<readonly Endpoint[]>;
  /** The registry to write `name` to, or to list and delete in. @throws {ImageError} when it is blocked */
  connect(name: DockerName, options?: OperationOptions): Promise<RegistryConnection>;
  /** Reads blobs that a registry only points to. */
  readonly fetchExternal: ExternalFetch;
  /** Where the signatures of a repository are kept. @throws {ImageError} CONFIG_INVALID */
  findSignatureSettings(name: DockerName): Promise<SignatureSettings>;
  /** Remembers large uploads, for processes that go on with them. */
  readonly uploadJournal?: UploadJournal | undefined;
}

/** `docker://host/repository:tag`: images in registries that speak the OCI distribution spec. */
export function createDockerTransport(access: RegistryAccess): Transport {
  const transport: Transport = {
    name: "docker",
    parseReference: (text) => createReference(transport, access, parseDockerLocation(text)),
  };
  return transport;
}

function createReference(
  transport: Transport,
  access: RegistryAccess,
  location: DockerLocation,
): ImageReference {
  const { name } = location;
  const reference: ImageReference = {
    transport,
    text: formatDockerLocation(location),
    dockerName: name,
    policyScopes: dockerPolicyScopes(name),
    prepare: (options) => {
      const ready = access.connect(name, options).then((connection) => connection.prepare(options));
      // Whoever needs the connection meets the same failure, and reports it.
      ready.catch(() => undefined);
    },
    openSource: async (options) => {
      requireTagOrDigest(
        location,
        "reading images from docker: reference",
        "without a tag or digest is not supported",
      );
      return await openDockerSource(
        reference,
        name,
        await access.findEndpoints(name, options),
        access,
        options,
      );
    },
    openDestination: async (options) => {
      const { openDockerDestination } = await import("./destination.ts");
      const connection = await access.connect(name, options);
      return openDockerDestination(reference, location, connection, access);
    },
    findDigest: async (role, options) => await findDigest(access, location, role, options),
    listReferrers: async (subject, role, options) => {
      const { client, repository } = await findReferrers(access, name, role, options);
      return await client.listReferrers(repository, subject, options);
    },
    lacksReferrersApi: async (role, options) => {
      const { client, repository } = await findReferrers(access, name, role, options);
      return client.lacksReferrersApi(repository);
    },
    announceReferrers: async (subject, referrers, options) => {
      const { announceReferrers } = await import("../../registry/referrers.ts");
      const client = new RegistryClient(await access.connect(name, options));
      await announceReferrers(client, name.repository, subject, referrers, options);
    },
    deleteImage: async (options) => await deleteImage(access, location, options),
    deleteSignatures: async (options) => await deleteSignaturesOf(access, location, options),
    listTags: (options) => listTags(access, name, options),
  };
  return reference;
}

/** Where referrers are listed. */
async function findReferrers(
  access: RegistryAccess,
  name: DockerName,
  role: "source" | "destination",
  options: OperationOptions | undefined,
): Promise<{ readonly client: RegistryClient; readonly repository: string }> {
  const endpoints = role === "source" ? await access.findEndpoints(name, options) : [];
  // The last one is the registry itself: what stands in for it need not know who refers to what.
  const connection = await (endpoints.at(-1)?.connect() ?? access.connect(name, options));
  const repository = endpoints.at(-1)?.name.repository ?? name.repository;
  return { client: new RegistryClient(connection), repository };
}

/** Of several places to read from, the first that answers is believed, as when it is read. */
async function findDigest(
  access: RegistryAccess,
  { name, hasUnknownDigest }: DockerLocation,
  role: "source" | "destination",
  options: OperationOptions | undefined,
): Promise<Digest | undefined> {
  if (hasUnknownDigest) return undefined;
  if (role === "destination") {
    const client = new RegistryClient(await access.connect(name, options));
    return await client.findManifest(name.repository, name.digest ?? name.tag ?? "latest", options);
  }
  for (const endpoint of await access.findEndpoints(name, options)) {
    const { repository, tag, digest } = endpoint.name;
    try {
      const client = new RegistryClient(await endpoint.connect());
      const found = await client.findManifest(repository, digest ?? tag ?? "latest", options, "pull");
      if (found !== undefined) return found;
    } catch (error) {
      if (isAbort(error) || !endpoint.isMirror) throw error;
    }
  }
  return undefined;
}

async function* listTags(
  access: RegistryAccess,
  name: DockerName,
  options: OperationOptions | undefined,
): AsyncIterable<string> {
  const client = new RegistryClient(await access.connect(name, options));
  yield* client.listTags(name.repository, options);
}

/** Deletes the manifest, and with it all tags that point to it. Distribution spec 1.1, "Deleting manifests". */
async function deleteImage(
  access: RegistryAccess,
  location: DockerLocation,
  options: OperationOptions | undefined,
): Promise<void> {
  requireTagOrDigest(location, "Docker reference", "without a tag or digest cannot be deleted");
  const { name } = location;
  const client = new RegistryClient(await access.connect(name, options));
  const manifest = await findForDeletion(client, name, options);
  await inContext(`deleting ${formatFamiliarName(name)}`, () =>
    client.deleteManifest(name.repository, manifest.digest, options),
  );
  const { deleteLookaside } = await import("./lookaside.ts");
  await deleteLookaside((await access.findSignatureSettings(name)).lookaside, name, manifest.digest);
}

async function deleteSignaturesOf(
  access: RegistryAccess,
  location: DockerLocation,
  options: OperationOptions | undefined,
): Promise<number> {
  requireTagOrDigest(
    location,
    "deleting signatures of docker: reference",
    "without a tag or digest is not supported",
  );
  const { name } = location;
  const client = new RegistryClient(await access.connect(name, options));
  const manifest = await client.readManifest(name.repository, name.digest ?? name.tag ?? "", options);
  const { deleteSignatures } = await import("./signatures.ts");
  const settings = await access.findSignatureSettings(name);
  return await deleteSignatures({ client, name, settings }, manifest, options);
}

async function findForDeletion(
  client: RegistryClient,
  name: DockerName,
  options: OperationOptions | undefined,
): ReturnType<RegistryClient["readManifest"]> {
  try {
    return await client.readManifest(name.repository, name.tag ?? name.digest ?? "", options);
  } catch (error) {
    if (findCause(error, RegistryError)?.status !== 404) throw error;
    throw new ImageError(
      "NOT_FOUND",
      `Unable to delete ${formatFamiliarName(name)}. Image may not exist or is not stored with a v2 Schema in a v2 registry`,
    );
  }
}

function requireTagOrDigest(location: DockerLocation, before: string, after: string): void {
  if (!location.hasUnknownDigest) return;
  throw new ImageError("INVALID_REFERENCE", `${before} "//${formatDockerName(location.name)}" ${after}`);
}
