import type { BlobKnowledge, KnownBlob } from "../core/blob-knowledge.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import { type DockerName, parseDockerName, repositoryName } from "../core/docker-name.ts";
import type { ImageDestination, ImageSource } from "../core/image.ts";
import type { LayerCompression } from "../format/layer-type.ts";
import type { MovableLayer, MovedBlob } from "./layer-mover.ts";
import { type CompressionPlan, isAccepted } from "./layer-treatment.ts";

/** Each candidate costs a request. */
const MOST_CANDIDATES = 5;

/** Who is asked about a layer that may be there already. */
export interface ReusePlaces {
  readonly source: ImageSource;
  readonly destination: ImageDestination;
  readonly knowledge: BlobKnowledge;
}

/**
 * The layer, or another form of its data that will do, if the destination has it. images.md 8.4.
 * The source's own form is taken as it is, unless a compression is forced or the destination wants none.
 */
export async function findReusable(
  { source, destination, knowledge }: ReusePlaces,
  layer: MovableLayer,
  plan: CompressionPlan,
  declared: LayerCompression | undefined,
  options: OperationOptions,
): Promise<MovedBlob | undefined> {
  const { digest, mediaType } = layer.descriptor;
  const size = knownSize(layer.descriptor.size);
  if (mayStayAsItIs(declared, plan)) {
    const from = source.reference.dockerName;
    const same = await destination.reuseBlob({ role: "layer", mediaType, digest, size, from }, options);
    if (same !== undefined) return { ...same, compression: declared, outcome: "reused" };
  }
  if (declared === undefined || plan.wants === "preserve") return undefined;
  if (plan.wants === "decompress") return await findDecompressed(destination, layer, options);
  const diffId = layer.diffId ?? (await knowledge.findDiffId(digest));
  if (diffId === undefined) return undefined;
  return await findCompressed(destination, layer, { diffId, plan, knowledge }, options);
}

/** Bytes, where a manifest tells; schema 1 does not. */
export function knownSize(size: number): number | undefined {
  return size < 0 ? undefined : size;
}

function mayStayAsItIs(declared: LayerCompression | undefined, plan: CompressionPlan): boolean {
  if (declared === undefined || plan.wants === "preserve") return true;
  return plan.wants === "decompress" || plan.isForced ? isAccepted(declared, plan) : true;
}

async function findDecompressed(
  destination: ImageDestination,
  { descriptor, diffId }: MovableLayer,
  options: OperationOptions,
): Promise<MovedBlob | undefined> {
  if (diffId === undefined || diffId === descriptor.digest) return undefined;
  const { mediaType } = descriptor;
  const found = await destination.reuseBlob({ role: "layer", mediaType, digest: diffId }, options);
  return found && { ...found, compression: "uncompressed", diffId, outcome: "reused" };
}

async function findCompressed(
  destination: ImageDestination,
  { descriptor }: MovableLayer,
  { diffId, plan, knowledge }: { diffId: Digest; plan: CompressionPlan; knowledge: BlobKnowledge },
  options: OperationOptions,
): Promise<MovedBlob | undefined> {
  const known = await knowledge.findCompressed(diffId);
  const candidates = known.filter((blob) => {
    const compression = toCompression(blob.compression);
    return compression !== undefined && isAccepted(compression, plan) && blob.digest !== descriptor.digest;
  });
  const { dockerName } = destination.reference;
  for (const blob of candidates.slice(0, MOST_CANDIDATES)) {
    const { digest, size, annotations } = blob;
    const { mediaType } = descriptor;
    const from = neighbour(blob, dockerName);
    const found = await destination.reuseBlob({ role: "layer", mediaType, digest, size, from }, options);
    if (found === undefined) continue;
    await knowledge.record(diffId, blob, dockerName);
    return { ...found, compression: toCompression(blob.compression), annotations, diffId, outcome: "reused" };
  }
  return undefined;
}

function toCompression(name: string): LayerCompression | undefined {
  return name === "gzip" || name === "zstd" || name === "zstd:chunked" ? name : undefined;
}

/** A repository of the same registry that the blob can be mounted from. */
function neighbour(blob: KnownBlob, destination: DockerName | undefined): DockerName | undefined {
  if (destination === undefined) return undefined;
  const here = repositoryName(destination);
  const name = blob.repositories.find(
    (repository) => repository !== here && repository.startsWith(`${destination.registry}/`),
  );
  return name === undefined ? undefined : parseDockerName(name);
}
