import { Semaphore } from "../core/limiter.ts";
import { ApiError } from "./api-error.ts";
import type { RegistryStore, Upload } from "./store.ts";

/** How long an upload waits for its next piece before it may be dropped, in milliseconds. */
const EXPIRES_AFTER = 60 * 60 * 1000;

interface Session {
  readonly repository: string;
  readonly upload: Upload;
  /** Pieces of one upload are taken in one at a time. */
  readonly turn: Semaphore;
  /** Requests that work with the upload or wait for their turn. */
  users: number;
  lastUsed: number;
}

/** The uploads in progress, by the identifiers in their URLs. */
export class UploadSessions {
  readonly #store: RegistryStore;
  readonly #sessions: Map<string, Session> = new Map();

  constructor(store: RegistryStore) {
    this.#store = store;
  }

  /** Starts an upload and gives its identifier. Uploads that were abandoned long ago end here. */
  async start(repository: string): Promise<string> {
    await this.#dropExpired();
    const id = crypto.randomUUID();
    const upload = await this.#store.startUpload();
    this.#sessions.set(id, { repository, upload, turn: new Semaphore(1), users: 0, lastUsed: Date.now() });
    return id;
  }

  /** Bytes received so far. @throws {ApiError} BLOB_UPLOAD_UNKNOWN */
  size(repository: string, id: string): number {
    return this.#find(repository, id).upload.size;
  }

  /** Works with an upload while nobody else does. @throws {ApiError} BLOB_UPLOAD_UNKNOWN */
  async use<T>(repository: string, id: string, work: (upload: Upload) => Promise<T>): Promise<T> {
    const session = this.#find(repository, id);
    session.users++;
    const leave = await session.turn.acquire();
    try {
      // Whoever was before may have ended the upload.
      this.#find(repository, id);
      return await work(session.upload);
    } finally {
      session.users--;
      session.lastUsed = Date.now();
      leave();
    }
  }

  /** Forgets an upload that has been finished or cancelled. */
  end(id: string): void {
    this.#sessions.delete(id);
  }

  #find(repository: string, id: string): Session {
    const session = this.#sessions.get(id);
    if (session?.repository === repository) return session;
    throw new ApiError("BLOB_UPLOAD_UNKNOWN", { details: [{ upload: id }] });
  }

  async #dropExpired(): Promise<void> {
    const oldest = Date.now() - EXPIRES_AFTER;
    for (const [id, { upload, users, lastUsed }] of this.#sessions) {
      if (users > 0 || lastUsed > oldest) continue;
      this.end(id);
      await upload.cancel();
    }
  }
}
