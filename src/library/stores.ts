import type { BlobKnowledge } from "../core/blob-knowledge.ts";
import type { UploadJournal } from "../core/upload-journal.ts";

/**
 * What earlier copies have found out about layers, kept in a directory that several processes may share; for `knowledge` of `copy` and
 * `sync`. It may be deleted at any time. `onFailure` hears why a fact could not be kept, which fails nothing.
 */
export function openBlobCache(directory: string, onFailure: (error: unknown) => void): BlobKnowledge {
  const open = async (): Promise<BlobKnowledge> =>
    (await import("../blob-cache/blob-cache.ts")).openBlobCache(directory, onFailure);
  return {
    findCompressed: async (diffId) => await (await open()).findCompressed(diffId),
    findDiffId: async (digest) => await (await open()).findDiffId(digest),
    record: async (diffId, blob, repository) => await (await open()).record(diffId, blob, repository),
  };
}

/**
 * A journal of large uploads in a directory, for `uploadJournal` of an `ImageEnvironment`: a later process goes on with what a killed
 * one has left. `onFailure` hears why an entry could not be kept, which fails nothing.
 */
export function openUploadJournal(directory: string, onFailure: (error: unknown) => void): UploadJournal {
  let opened: Promise<UploadJournal> | undefined;
  const open = (): Promise<UploadJournal> => {
    opened ??= import("../blob-cache/upload-journal.ts").then((module) =>
      module.openUploadJournal(directory, onFailure),
    );
    return opened;
  };
  return {
    find: async (repository, digest) => await (await open()).find(repository, digest),
    record: async (upload) => await (await open()).record(upload),
    forget: async (repository, digest) => await (await open()).forget(repository, digest),
  };
}
