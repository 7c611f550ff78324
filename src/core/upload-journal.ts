import type { Digest } from "./digest.ts";

/** An upload that has begun. */
export interface StartedUpload {
  /** `registry/repository` */
  readonly repository: string;
  /** Of the blob that is uploaded. */
  readonly digest: Digest;
  /** The URL or path of its session. */
  readonly location: string;
}

/**
 * Remembers uploads while they are under way, so that a later process can go on with what a killed one has left. Losing
 * an entry costs one upload from the start.
 */
export interface UploadJournal {
  /** The session of an upload whose process is gone. */
  find(repository: string, digest: Digest): Promise<string | undefined>;
  /** An upload has begun, or its session is at another place now. */
  record(upload: StartedUpload): Promise<void>;
  /** An upload has ended, or its session is lost. */
  forget(repository: string, digest: Digest): Promise<void>;
}
