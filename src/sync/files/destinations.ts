import { isDigest } from "../../core/digest.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { type DestinationPlace, destinationName } from "../destination-name.ts";
import { fillTemplate } from "./destination-template.ts";
import { fileError } from "./file-error.ts";
import type { EntryAccess, MirrorDestination, MirrorEntry } from "./mirror-entry.ts";
import { compileRegex } from "./tag-pattern.ts";

/** Where one image goes. */
export interface DestinationName {
  /** With its transport: `docker://registry/repository:tag`, `dir:PATH`. */
  readonly name: string;
  readonly access: EntryAccess;
}

/**
 * The names that a tag or digest of an entry gets. `place` is the destination of the command line, for entries that name none.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function destinationFor(
  entry: MirrorEntry,
  reference: string,
  place: DestinationPlace | undefined,
): Promise<readonly DestinationName[]> {
  return (await destinationNamer(entry, place))(reference);
}

/**
 * As `destinationFor`, for many references of one entry.
 * @throws {ImageError} CONFIG_INVALID; so does the function that it returns
 */
export async function destinationNamer(
  entry: MirrorEntry,
  place: DestinationPlace | undefined,
): Promise<(reference: string) => readonly DestinationName[]> {
  const { source, destinations } = entry;
  if (destinations === undefined) {
    if (place === undefined) {
      throw fileError(entry.place, `names no destination; add "to", or name one on the command line`);
    }
    const repository = `${source.registry}/${source.repository}`;
    return (reference) => [
      { name: destinationName(`${repository}${separatorOf(reference)}${reference}`, place), access: {} },
    ];
  }
  const namers = await Promise.all(destinations.map((destination) => templateNamer(entry, destination)));
  return (reference) => namers.map((namer) => namer(reference));
}

async function templateNamer(
  { source, place }: MirrorEntry,
  { template, rewrite, access }: MirrorDestination,
): Promise<(reference: string) => DestinationName> {
  const rules = await Promise.all(
    rewrite.map(async ({ match, replace }) => ({ expression: await compileRegex(match), replace })),
  );
  return (reference) => {
    const tag = isDigest(reference) ? undefined : reference;
    try {
      const { name, isTagged } = fillTemplate(template, { ...source, tag });
      const [transport, path] = name.startsWith("dir:") ? ["dir:", name.slice(4)] : ["docker://", name];
      const rewritten = rules.reduce((text, rule) => rule.expression.replaceAll(text, rule.replace), path);
      return { name: `${transport}${rewritten}${isTagged ? "" : `@${reference}`}`, access };
    } catch (error) {
      throw error instanceof ImageError ? fileError(place, errorMessage(error)) : error;
    }
  };
}

function separatorOf(reference: string): ":" | "@" {
  return isDigest(reference) ? "@" : ":";
}
