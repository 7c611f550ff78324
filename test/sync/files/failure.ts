import { ImageError } from "../../../src/core/errors.ts";

/** The message of the CONFIG_INVALID that `work` fails with. @throws when it does not, or fails otherwise */
export async function configurationError(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => new Error("nothing failed"),
    (reason) => reason,
  );
  if (error instanceof ImageError && error.code === "CONFIG_INVALID") return error.message;
  throw error;
}
