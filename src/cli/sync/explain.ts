import { ImageError } from "../../core/errors.ts";
import type { SyncSession } from "./sync-session.ts";

/** Tells for each entry why a tag is kept or left out. */
export async function explainTag(_session: SyncSession, _tag: string): Promise<void> {
  throw new ImageError("UNSUPPORTED_OPERATION", "--explain needs a file of --src yaml");
}
