import { writeFile } from "node:fs/promises";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { nameOf } from "../../sync/sync-task.ts";
import type { SyncResult } from "../../sync/synchronize.ts";

/**
 * Empties the file of `--digestfile` at once, so that an unusable one is found before anything is copied. What it gives writes a line for
 * each image that is at its destination now. cli.md 6.
 * @throws {ImageError} STORAGE_FAILURE
 */
export async function openDigestFile(
  path: string,
): Promise<(results: readonly SyncResult[]) => Promise<void>> {
  const write = async (text: string): Promise<void> => {
    try {
      await writeFile(path, text, { mode: 0o644 });
    } catch (error) {
      const message = `Error creating digest file: ${errorMessage(error)}`;
      throw new ImageError("STORAGE_FAILURE", message, { cause: error });
    }
  };
  await write("");
  return async (results) => {
    const lines = results.flatMap(({ task, digest }) =>
      digest === undefined ? [] : [`${digest} ${nameOf(task.destination)}\n`],
    );
    await write(lines.join(""));
  };
}
