import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import type { BlobKnowledge, KnownBlob } from "../core/blob-knowledge.ts";
import { type Digest, isDigest } from "../core/digest.ts";
import { repositoryName } from "../core/docker-name.ts";
import { makeDirectory, writeFileAtomically } from "../runtime/files.ts";

/** Per layer: enough for every compression in use; older ones are forgotten. */
const MOST_BLOBS = 8;
const MOST_REPOSITORIES = 16;

const DigestText = v.pipe(
  v.string(),
  v.check(isDigest),
  v.transform((text) => text as Digest),
);
const BlobSchema: v.GenericSchema<unknown, KnownBlob> = v.object({
  digest: DigestText,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  compression: v.string(),
  annotations: v.optional(v.record(v.string(), v.string())),
  repositories: v.array(v.string()),
});
const LayerSchema = v.object({ version: v.literal(1), blobs: v.array(BlobSchema) });

/**
 * What was found out about layers, kept below `directory`: `layers/HEX` tells the compressed blobs of a diffID, the last
 * seen first, and `blobs/HEX` the diffID of a blob. Each is one small file, replaced whole, so that several processes
 * can use the cache without a lock: what one of them loses is only asked for again. `onFailure` hears why a fact
 * could not be kept.
 */
export function openBlobCache(directory: string, onFailure: (error: unknown) => void): BlobKnowledge {
  const layerFile = (diffId: Digest): string => join(directory, "layers", fileName(diffId));
  const blobFile = (digest: Digest): string => join(directory, "blobs", fileName(digest));
  const findCompressed = async (diffId: Digest): Promise<readonly KnownBlob[]> =>
    (await readJson(LayerSchema, layerFile(diffId)))?.blobs ?? [];
  return {
    findCompressed,
    findDiffId: async (digest) => await readJson(DigestText, blobFile(digest)),
    async record(diffId, blob, repository) {
      try {
        const blobs = added(await findCompressed(diffId), blob, repository && repositoryName(repository));
        await replace(directory, layerFile(diffId), { version: 1, blobs });
        await replace(directory, blobFile(blob.digest), diffId);
      } catch (error) {
        onFailure(error);
      }
    },
  };
}

function fileName(digest: Digest): string {
  return digest.replace(":", "-");
}

function added(
  known: readonly KnownBlob[],
  { digest, size, compression, annotations }: Omit<KnownBlob, "repositories">,
  repository: string | undefined,
): readonly KnownBlob[] {
  const earlier = known.find((blob) => blob.digest === digest)?.repositories ?? [];
  const others = earlier.filter((name) => name !== repository);
  const repositories = [...(repository === undefined ? [] : [repository]), ...others];
  const entry = {
    digest,
    size,
    compression,
    annotations,
    repositories: repositories.slice(0, MOST_REPOSITORIES),
  };
  return [entry, ...known.filter((blob) => blob.digest !== digest)].slice(0, MOST_BLOBS);
}

/** What can't be read or understood is not known. */
async function readJson<S extends v.GenericSchema>(
  schema: S,
  path: string,
): Promise<v.InferOutput<S> | undefined> {
  try {
    const result = v.safeParse(schema, JSON.parse(await readFile(path, "utf8")));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

async function replace(directory: string, path: string, content: unknown): Promise<void> {
  for (const folder of ["layers", "blobs"]) await makeDirectory(join(directory, folder));
  await writeFileAtomically(path, JSON.stringify(content), 0o600);
}
