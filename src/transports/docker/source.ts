import type { OperationOptions } from "../../core/byte-stream.ts";
import type { RawManifest } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import { type DockerName, formatDockerName } from "../../core/docker-name.ts";
import { errorMessage, ImageError, isAbort } from "../../core/errors.ts";
import type { BlobPointer, BlobReader, ImageReference, ImageSource } from "../../core/image.ts";
import type { Signature } from "../../core/signature.ts";
import { RegistryClient } from "../../registry/registry-client.ts";
import type { Endpoint, RegistryAccess } from "./transport.ts";

/** Opens an image at the first endpoint that has its manifest; everything else is then read from there. */
export async function openDockerSource(
  reference: ImageReference,
  name: DockerName,
  endpoints: readonly Endpoint[],
  access: Pick<RegistryAccess, "fetchExternal" | "findSignatureSettings">,
  options: OperationOptions = {},
): Promise<ImageSource> {
  const failures: { readonly endpoint: Endpoint; readonly error: unknown }[] = [];
  for (const endpoint of endpoints) {
    try {
      const client = new RegistryClient(await endpoint.connect());
      const { repository, tag, digest } = endpoint.name;
      const manifest = await client.readManifest(repository, digest ?? tag ?? "latest", options);
      return new DockerSource(reference, client, endpoint.name, manifest, access);
    } catch (error) {
      if (isAbort(error)) throw error;
      failures.push({ endpoint, error });
    }
  }
  throw allFailed(name, failures);
}

function allFailed(
  name: DockerName,
  failures: readonly { readonly endpoint: Endpoint; readonly error: unknown }[],
): unknown {
  const primary = failures.at(-1);
  if (primary === undefined) {
    return new ImageError("CONFIG_INVALID", `no place is configured to read ${formatDockerName(name)} from`);
  }
  if (failures.length === 1) return primary.error;
  const mirrors = failures
    .slice(0, -1)
    .map(({ endpoint, error }) => `[${formatDockerName(endpoint.name)}: ${errorMessage(error)}]`);
  const text = `(Mirrors also failed: ${mirrors.join("\n")}): ${formatDockerName(primary.endpoint.name)}: ${errorMessage(primary.error)}`;
  const { error } = primary;
  return error instanceof ImageError
    ? new ImageError(error.code, text, { cause: error, transient: error.transient })
    : new ImageError("REGISTRY_FAILURE", text, { cause: error });
}

class DockerSource implements ImageSource {
  readonly reference: ImageReference;
  readonly concurrentBlobs = true;
  readonly canSkip = true;
  readonly hasExactMediaTypes = true;
  readonly #client: RegistryClient;
  readonly #name: DockerName;
  readonly #topLevel: RawManifest;
  readonly #access: Pick<RegistryAccess, "fetchExternal" | "findSignatureSettings">;

  constructor(
    reference: ImageReference,
    client: RegistryClient,
    name: DockerName,
    topLevel: RawManifest,
    access: Pick<RegistryAccess, "fetchExternal" | "findSignatureSettings">,
  ) {
    this.#access = access;
    this.reference = reference;
    this.#client = client;
    this.#name = name;
    this.#topLevel = topLevel;
  }

  async readManifest(instance?: Digest, options: OperationOptions = {}): Promise<RawManifest> {
    if (instance === undefined || instance === this.#topLevel.digest) return this.#topLevel;
    return await this.#client.readManifest(this.#name.repository, instance, options);
  }

  /** A blob with URLs is read from them, without credentials; else from the repository. */
  async openBlob(blob: BlobPointer, options: OperationOptions = {}): Promise<BlobReader> {
    const isExternal = (blob.urls ?? []).some((url) => /^https?:\/\//i.test(url));
    if (isExternal) return await this.#access.fetchExternal(blob, options);
    return await this.#client.openBlob(this.#name.repository, blob, options);
  }

  /** As registries.d has it for the repository that the image is read from. */
  async readSignatures(instance?: Digest, options: OperationOptions = {}): Promise<readonly Signature[]> {
    const { readSignatures } = await import("./signatures.ts");
    const settings = await this.#access.findSignatureSettings(this.#name);
    const place = { client: this.#client, name: this.#name, settings };
    return await readSignatures(place, instance ?? this.#topLevel.digest, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
