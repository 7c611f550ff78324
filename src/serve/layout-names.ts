import type { Descriptor } from "../core/descriptor.ts";
import { isValidTag } from "../core/docker-name.ts";
import { REFERENCE_NAME, referenceName } from "../transports/oci/layout-index.ts";
import { isRepositoryName } from "./repository-name.ts";
import type { ManifestEntry } from "./store.ts";

/** The annotation that says which repository an entry without a name belongs to. */
export const REPOSITORY: string = "io.github.skopeo-ts.repository";

const DEFAULT_TAG = "latest";

/**
 * What an entry of index.json is in the registry. `repo/name:tag` is that tag of that repository, and so is
 * `docker.io/library/busybox:1`; a name that is a tag alone, and an entry without a name, belong to the repository
 * `ownRepository`, which is called as the layout is. Names that no registry could have are made to fit.
 */
export function toEntry(descriptor: Descriptor, ownRepository: string): ManifestEntry {
  const name = referenceName(descriptor);
  if (name === undefined) {
    const repository = descriptor.annotations?.[REPOSITORY] ?? "";
    const isKnown = isRepositoryName(repository);
    return { repository: isKnown ? repository : ownRepository, tag: undefined, descriptor };
  }
  return { ...splitName(name, ownRepository), descriptor };
}

/** The entry of index.json for an entry of the registry; one that says the same already is left as it is. */
export function toDescriptor(entry: ManifestEntry, ownRepository: string): Descriptor {
  const { repository, tag, descriptor } = entry;
  const present = toEntry(descriptor, ownRepository);
  if (present.repository === repository && present.tag === tag) return descriptor;
  const { [REFERENCE_NAME]: _, [REPOSITORY]: __, ...others } = descriptor.annotations ?? {};
  const annotations = { ...others, ...nameAnnotation(repository, tag, ownRepository) };
  const { annotations: ___, ...rest } = descriptor;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}

/** A repository name out of any text: the name of a directory, or that of an image with a port in it. */
export function toRepositoryName(text: string): string {
  const components = text.toLowerCase().split("/").map(toComponent);
  return components.filter((component) => component !== "").join("/") || "images";
}

function nameAnnotation(
  repository: string,
  tag: string | undefined,
  ownRepository: string,
): Readonly<Record<string, string>> {
  if (repository === ownRepository) return tag === undefined ? {} : { [REFERENCE_NAME]: tag };
  if (tag === undefined) return { [REPOSITORY]: repository };
  return { [REFERENCE_NAME]: `${repository}:${tag}` };
}

function splitName(name: string, ownRepository: string): { repository: string; tag: string | undefined } {
  if (isValidTag(name)) return { repository: ownRepository, tag: name };
  const [base = "", digest] = name.split("@", 2);
  const colon = base.indexOf(":", base.lastIndexOf("/") + 1);
  if (colon >= 0) {
    return { repository: imageRepository(base.slice(0, colon)), tag: toTag(base.slice(colon + 1)) };
  }
  if (digest !== undefined) return { repository: imageRepository(base), tag: undefined };
  if (base.includes("/")) return { repository: imageRepository(base), tag: DEFAULT_TAG };
  return { repository: ownRepository, tag: toTag(base) };
}

/** A repository name has no place for the port of a registry. */
function imageRepository(name: string): string {
  return toRepositoryName(name.replace(/^([^/:]+):[0-9]+\//, "$1/"));
}

function toTag(text: string): string {
  const tag = text.replace(/[^A-Za-z0-9_.-]/g, "_").replace(/^[.-]+/, "");
  return tag.slice(0, 128) || DEFAULT_TAG;
}

function toComponent(text: string): string {
  const words = text.replace(/[^a-z0-9._-]+/g, "-").replace(/^[._-]+|[._-]+$/g, "");
  return words.replace(/[._-]{2,}/g, (run) => (/^(?:__|-+)$/.test(run) ? run : "-"));
}
