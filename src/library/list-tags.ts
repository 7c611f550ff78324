import { type AccessOptions, type ImageName, required, resolveImage } from "./call-options.ts";
import { interruptibleItems } from "./interruption.ts";

/**
 * The tags of a repository as its store lists them, page by page: `docker://registry.example.com/app`. Of an archive, the names of
 * its images. `Array.fromAsync` makes a list of them.
 * @throws {ImageError} NOT_FOUND, UNSUPPORTED_OPERATION where there is no such thing
 */
export async function* listTags(repository: ImageName, options: AccessOptions = {}): AsyncGenerator<string> {
  yield* interruptibleItems(options, (inner) => list(repository, inner));
}

async function* list(repository: ImageName, options: AccessOptions): AsyncGenerator<string> {
  const reference = await resolveImage(repository, options, options.access);
  const pages = reference.listImages ?? reference.listTags;
  yield* required(pages, reference, "it has no list of tags").call(reference, { signal: options.signal });
}
