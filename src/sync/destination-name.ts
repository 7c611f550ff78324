import { posix } from "node:path";

/** Where `sync` puts images, by its flags. cli.md 6.2. */
export interface DestinationPlace {
  readonly transport: "docker" | "dir";
  /** DESTINATION as typed: a registry with an optional path, or a directory. */
  readonly base: string;
  /** Keep the whole path of the source. */
  readonly isScoped: boolean;
  /** Put behind every name. */
  readonly suffix: string;
}

/**
 * The name, with its transport, that an image gets. `source` is the whole reference of an image in a registry, or the path of
 * a directory below the one that is copied.
 */
export function destinationName(source: string, place: DestinationPlace): string {
  const { transport, base, isScoped, suffix } = place;
  const kept = isScoped ? source : source.slice(source.lastIndexOf("/") + 1);
  const joined = `${posix.join(base, kept)}${suffix}`;
  return transport === "docker" ? `docker://${joined}` : `dir:${joined}`;
}
