import { join } from "node:path";
import { openBlobCache } from "../../blob-cache/blob-cache.ts";
import { openUploadJournal } from "../../blob-cache/upload-journal.ts";
import { cacheDirectory, hostEnvironment } from "../../config/locations.ts";
import type { InstanceSelection } from "../../copy/copy-request.ts";
import { errorMessage } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import type { NetworkEvent } from "../../core/progress.ts";
import { retrying } from "../../core/retry.ts";
import type { ImageAccess } from "../../environment/image-access.ts";
import type { ImageEnvironment } from "../../environment/image-environment.ts";
import type { EntryAccess } from "../../sync/files/mirror-entry.ts";
import type { SyncSettings } from "../../sync/synchronize.ts";
import { loadAdmission } from "../admission.ts";
import type { Invocation } from "../command.ts";
import { readRetryPolicy } from "../flags/retry-flags.ts";
import type { SyncFlagTable } from "../flags/sync-flags.ts";
import { createEnvironment, wantedPlatform } from "../session.ts";
import { openSigners } from "../signers.ts";
import type { SyncOptions } from "./sync-options.ts";

/** What a run of `sync` works with. */
export interface SyncSession {
  readonly invocation: Invocation<SyncFlagTable>;
  readonly options: SyncOptions;
  readonly environment: ImageEnvironment;
  /** What one copy needs, whatever the image. */
  readonly settings: Omit<SyncSettings, "keepsGoing">;
  readonly instances: InstanceSelection;
  /** Requests that were made, by the host that they went to. */
  readonly requests: ReadonlyMap<string, number>;
  resolve(name: string, role: "source" | "destination", access?: EntryAccess): Promise<ImageReference>;
}

/** @throws {ImageError} CONFIG_INVALID for a trust policy that cannot be used */
export async function openSyncSession(
  invocation: Invocation<SyncFlagTable>,
  options: SyncOptions,
  onNetworkEvent: (event: NetworkEvent) => void,
): Promise<SyncSession> {
  const { flags, globals, log } = invocation;
  const admit = await loadAdmission(invocation);
  const requests = new Map<string, number>();
  const environment = createEnvironment(invocation, {
    onNetworkEvent,
    uploadJournal: openUploadJournal(join(cacheDirectory(hostEnvironment()), "uploads"), (error) =>
      log.debug(`an upload is not written down: ${errorMessage(error)}`),
    ),
    requestsPerHost: flags["requests-per-host"] || undefined,
    onRequest: (host) => requests.set(host, (requests.get(host) ?? 0) + 1),
  });
  const knowledge = openBlobCache(join(cacheDirectory(hostEnvironment()), "blob-info"), (error) =>
    log.debug(`not kept in the cache of layers: ${errorMessage(error)}`),
  );
  const retries = readRetryPolicy(flags, log);
  const { instances } = options;
  return {
    invocation,
    options,
    environment,
    requests,
    instances:
      instances.kind === "system" ? { kind: "system", platform: await wantedPlatform(globals) } : instances,
    settings: {
      admit,
      knowledge,
      format: options.format,
      preserveDigests: flags["preserve-digests"],
      removeSignatures: flags["remove-signatures"],
      signers: await openSigners(invocation, flags, environment),
      imagesAtATime: flags["images-at-a-time"] || undefined,
      retrying: (work, operation) => retrying(retries, work, operation),
    },
    resolve: async (name, role, access = {}) =>
      await environment.parseImageName(name, withEntryAccess(options.access[role], access)),
  };
}

/** What a file says of a registry comes before the flags. */
function withEntryAccess(flags: ImageAccess, entry: EntryAccess): ImageAccess {
  return {
    ...flags,
    ...(entry.credentials === undefined ? {} : { credentials: entry.credentials, anonymous: false }),
    ...(entry.tlsVerify === undefined ? {} : { tlsVerify: entry.tlsVerify }),
    ...(entry.certDir === undefined ? {} : { certDir: entry.certDir }),
  };
}
