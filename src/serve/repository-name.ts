const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
/** Clients put a host before the name, and limit both together to 255 characters. */
const MAX_LENGTH = 255;

/** Whether a text may name a repository. Distribution spec 1.1, "Pulling manifests". */
export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_LENGTH && NAME.test(text);
}
