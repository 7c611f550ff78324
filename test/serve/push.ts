import type { TestDescriptor, TestImage } from "../support/images.ts";

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

/** Sends a request, as `fetch` does. */
export type Send = (url: string, init: RequestInit) => Promise<Response>;

/** Uploads a blob in one request. */
export async function pushBlob(
  url: string,
  repository: string,
  digest: string,
  bytes: Uint8Array,
  send: Send = fetch,
): Promise<Response> {
  return await send(`${url}/v2/${repository}/blobs/uploads/?digest=${digest}`, {
    method: "POST",
    body: Buffer.from(bytes),
    headers: { "Content-Type": "application/octet-stream" },
  });
}

export async function putManifest(
  url: string,
  repository: string,
  reference: string,
  body: Uint8Array | string,
  mediaType: string = OCI_MANIFEST,
  send: Send = fetch,
): Promise<Response> {
  return await send(`${url}/v2/${repository}/manifests/${reference}`, {
    method: "PUT",
    body: Buffer.from(body),
    headers: { "Content-Type": mediaType },
  });
}

/** Pushes an image as a client does: blobs, then instances by digest, then the manifest under `reference`. */
export async function pushImage(
  url: string,
  repository: string,
  reference: string,
  image: TestImage,
  send: Send = fetch,
): Promise<Response> {
  const manifests = new Map(instancesOf(image).map((instance) => [instance.digest, instance.mediaType]));
  for (const [digest, bytes] of image.blobs) {
    if (digest === image.top.digest || manifests.has(digest)) continue;
    await expectStatus(201, await pushBlob(url, repository, digest, bytes, send));
  }
  for (const [digest, mediaType] of manifests) {
    const bytes = blobOf(image, digest);
    await expectStatus(201, await putManifest(url, repository, digest, bytes, mediaType, send));
  }
  const { digest, mediaType } = image.top;
  const response = await putManifest(url, repository, reference, blobOf(image, digest), mediaType, send);
  return await expectStatus(201, response);
}

export function blobOf(image: TestImage, digest: string): Buffer {
  const bytes = image.blobs.get(digest);
  if (bytes === undefined) throw new Error(`the image has no blob ${digest}`);
  return bytes;
}

/** The layers and the config of an image. */
export function contentOf(image: TestImage): readonly TestDescriptor[] {
  const { config, layers } = JSON.parse(blobOf(image, image.top.digest).toString());
  return [config, ...layers];
}

export function instancesOf(image: TestImage): readonly TestDescriptor[] {
  return JSON.parse(blobOf(image, image.top.digest).toString()).manifests ?? [];
}

export async function expectStatus(status: number, response: Response): Promise<Response> {
  if (response.status === status) return response;
  throw new Error(`expected status ${status}, got ${response.status}: ${await response.text()}`);
}

/** One error of a refusal. Distribution spec 1.1, "Error Codes". */
export interface TestError {
  readonly code: string;
  readonly message: string;
  readonly detail?: unknown;
}

export async function errorsOf(response: Response): Promise<readonly TestError[]> {
  const document: { errors: readonly TestError[] } = JSON.parse(await response.text());
  return document.errors;
}

/** The code of the first error in a refusal. */
export async function errorCode(response: Response): Promise<string | undefined> {
  return (await errorsOf(response))[0]?.code;
}

/** The tags in an answer of tags/list; undefined in a refusal. */
export async function tagsOf(response: Response): Promise<readonly string[] | undefined> {
  const document: { tags?: readonly string[] } = JSON.parse(await response.text());
  return document.tags;
}

/** An entry of an index of referrers. */
export interface TestReferrer extends TestDescriptor {
  readonly artifactType?: string;
}

/** The entries of an index. */
export async function manifestsOf(response: Response): Promise<readonly TestReferrer[]> {
  const document: { manifests: readonly TestReferrer[] } = JSON.parse(await response.text());
  return document.manifests;
}
