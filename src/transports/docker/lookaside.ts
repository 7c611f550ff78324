import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { OperationOptions } from "../../core/byte-stream.ts";
import type { Digest } from "../../core/digest.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { ImageError } from "../../core/errors.ts";
import { formatSignatureBlob, parseSignatureBlob, type Signature } from "../../core/signature.ts";
import { SignatureBudget } from "../../core/signature-budget.ts";
import { readDocument } from "../../registry/document.ts";
import { isMissing, writeFileAtomically } from "../../runtime/files.ts";
import type { HttpClient } from "../../runtime/http.ts";

/** Where the signatures of a repository's images are kept beside the registry. Registry-and-config reference 13. */
export interface Lookaside {
  /** `file:` or `http(s):` URLs. */
  readonly read: string;
  readonly write: string;
  /** Sends requests without credentials, with the TLS settings of the registry. */
  openClient(): Promise<HttpClient>;
}

/** More than anybody has made: a server that gives so many is broken. */
const MOST_SIGNATURES = 128;
const SIGNATURE_LIMIT: number = 4 * 1024 * 1024;

/** The signatures of one manifest, in order; the first number that is missing ends them. @throws {ImageError} */
export async function readLookaside(
  lookaside: Lookaside,
  name: DockerName,
  digest: Digest,
  options: OperationOptions = {},
): Promise<readonly Signature[]> {
  const signatures: Signature[] = [];
  const budget = new SignatureBudget(digest);
  for (let number = 1; ; number++) {
    const url = signatureUrl(lookaside.read, name, digest, number);
    const bytes = await readOne(lookaside, url, options);
    if (bytes === undefined) return signatures;
    if (number > MOST_SIGNATURES) {
      throw new ImageError(
        "REGISTRY_FAILURE",
        `server provided ${MOST_SIGNATURES} signatures, assuming that's unreasonable and a server error`,
      );
    }
    budget.spend(bytes.length);
    signatures.push(parseSignatureBlob(bytes));
  }
}

/** Makes these the signatures of one manifest; others that it had go. @throws {ImageError} UNSUPPORTED_OPERATION */
export async function writeLookaside(
  lookaside: Lookaside,
  name: DockerName,
  digest: Digest,
  signatures: readonly Signature[],
): Promise<void> {
  for (const [index, signature] of signatures.entries()) {
    const path = writablePath(lookaside.write, name, digest, index + 1);
    await mkdir(dirname(path), { recursive: true, mode: 0o755 });
    await writeFileAtomically(path, formatSignatureBlob(signature));
  }
  await removeFrom(lookaside, name, digest, signatures.length + 1);
}

/** Removes all signatures of a manifest, where they can be written. Gives their number. */
export async function deleteLookaside(
  lookaside: Lookaside,
  name: DockerName,
  digest: Digest,
): Promise<number> {
  return await removeFrom(lookaside, name, digest, 1);
}

async function removeFrom(
  lookaside: Lookaside,
  name: DockerName,
  digest: Digest,
  first: number,
): Promise<number> {
  for (let number = first; ; number++) {
    try {
      await rm(writablePath(lookaside.write, name, digest, number));
    } catch (error) {
      if (isMissing(error)) return number - first;
      throw error;
    }
  }
}

async function readOne(
  lookaside: Lookaside,
  url: string,
  options: OperationOptions,
): Promise<Uint8Array | undefined> {
  switch (schemeOf(url)) {
    case "file:":
      return await readFileOf(url);
    case "http:":
    case "https:":
      return await download(await lookaside.openClient(), url, options);
    default:
      throw new ImageError("UNSUPPORTED_OPERATION", `Unsupported scheme when reading signature from ${url}`);
  }
}

async function readFileOf(url: string): Promise<Uint8Array | undefined> {
  try {
    const bytes = await readFile(fileURLToPath(url));
    if (bytes.length <= SIGNATURE_LIMIT) return bytes;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  throw new ImageError("SIZE_LIMIT", `${url}: exceeded maximum allowed size of ${SIGNATURE_LIMIT} bytes`);
}

async function download(
  client: HttpClient,
  url: string,
  options: OperationOptions,
): Promise<Uint8Array | undefined> {
  const response = await client.send({ method: "GET", url, headers: {} }, options);
  if (response.status === 200) return await readDocument(response, SIGNATURE_LIMIT, "signature");
  await response.discard();
  if (response.status === 404) return undefined;
  throw new ImageError("REGISTRY_FAILURE", `reading signature from ${url}: status ${response.status}`);
}

function writablePath(base: string, name: DockerName, digest: Digest, number: number): string {
  const url = signatureUrl(base, name, digest, number);
  const scheme = schemeOf(url);
  if (scheme === "file:") return fileURLToPath(url);
  const isHttp = scheme === "http:" || scheme === "https:";
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    isHttp
      ? `Writing directly to a ${scheme.slice(0, -1)} lookaside ${url} is not supported. Configure a lookaside-staging: location`
      : `Unsupported scheme when writing signature to ${url}`,
  );
}

/** The path below the base is that of the repository, without the registry. */
function signatureUrl(base: string, { repository }: DockerName, digest: Digest, number: number): string {
  return `${base}/${repository}@${digest.replace(":", "=")}/signature-${number}`;
}

function schemeOf(url: string): string {
  return URL.canParse(url) ? new URL(url).protocol : "";
}
