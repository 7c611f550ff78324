import { readFile } from "node:fs/promises";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { convertSyncFile } from "../../sync/files/convert.ts";
import { type Invocation, UsageError } from "../command.ts";
import type { SyncFlagTable } from "../flags/sync-flags.ts";

/** `sync convert FILE [AUTH-FILE]`: prints a mirror file for one of regsync or image-syncer; what is lost is told on standard error. */
export async function convertFiles(invocation: Invocation<SyncFlagTable>): Promise<void> {
  const [, path, authPath, ...others] = invocation.arguments;
  if (path === undefined || others.length > 0)
    throw new UsageError('Expected "sync convert FILE [AUTH-FILE]"');
  const auth = authPath === undefined ? undefined : { text: await readText(authPath), file: authPath };
  const { yaml, notes } = await convertSyncFile(await readText(path), undefined, { file: path, auth });
  invocation.stdout.write(yaml);
  for (const note of notes) invocation.log.warn(note);
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ImageError("CONFIG_INVALID", `reading ${path}: ${errorMessage(error)}`, { cause: error });
  }
}
