import { ImageError } from "../../core/errors.ts";
import type { SyncSession } from "./sync-session.ts";
import type { GatheredSources } from "./sync-sources.ts";

/** What a file asks for. */
export async function gatherFiles(_session: SyncSession): Promise<GatheredSources> {
  throw new ImageError("UNSUPPORTED_OPERATION", "files are being worked on");
}
