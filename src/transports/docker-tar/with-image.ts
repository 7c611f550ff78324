import { type DockerName, repositoryName } from "../../core/docker-name.ts";
import { isSameName, type ManifestItem } from "./manifest-items.ts";

/** From repository to tag to the ID of the top layer. */
export type Repositories = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * The images of an archive and one more. A name belongs to one image: an older one that had it loses it. The same image
 * again only gets the names.
 */
export function withItem(
  existing: readonly ManifestItem[],
  added: ManifestItem,
  names: readonly DockerName[],
): readonly ManifestItem[] {
  const others = existing.map((item) => ({
    ...item,
    RepoTags: item.RepoTags.filter((tag) => !names.some((name) => isSameName(tag, name))),
  }));
  const same = others.findIndex(
    (item) => item.Config === added.Config && item.Layers.join() === added.Layers.join(),
  );
  const before = others[same];
  if (before === undefined) return [...others, added];
  return others.with(same, { ...before, RepoTags: [...before.RepoTags, ...added.RepoTags] });
}

/** What `repositories` says once an image has these names; one without layers has no place in it. */
export function withNames(
  existing: Repositories,
  names: readonly DockerName[],
  topLayer: string | undefined,
): Repositories {
  const repositories: Record<string, Readonly<Record<string, string>>> = {};
  for (const [repository, tags] of Object.entries(existing)) {
    const kept = Object.entries(tags).filter(
      ([tag]) => !names.some((name) => isSameName(`${repository}:${tag}`, name)),
    );
    if (kept.length > 0) repositories[repository] = Object.fromEntries(kept);
  }
  if (topLayer === undefined) return repositories;
  for (const name of names) {
    const repository = repositoryName(name);
    repositories[repository] = { ...repositories[repository], [name.tag ?? "latest"]: topLayer };
  }
  return repositories;
}
