/**
 * Keeps a repository small: the newest versions stay, and what is young, and every tag that is no version. Prints what would go, and
 * deletes it with `--delete`: `node main.js docker://registry.example.com/app --keep 5 --days 30`.
 */
import { parseArgs } from "node:util";
import { deleteImage, inspect, listTags, openImage } from "skopeo-ts";
import { compareVersions, parseVersion } from "skopeo-ts/sync";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    keep: { type: "string", default: "5" },
    days: { type: "string", default: "30" },
    delete: { type: "boolean", default: false },
    "plain-http": { type: "boolean", default: false },
  },
});
const [repository] = positionals;
if (repository === undefined) throw new Error("usage: main.js REPOSITORY [--keep N] [--days N] [--delete]");
const access = values["plain-http"] ? { tlsVerify: false } : undefined;

const tags = await Array.fromAsync(listTags(repository, { access }));
const versions = tags
  .map((tag) => ({ tag, version: parseVersion(tag) }))
  .filter((entry) => entry.version !== undefined)
  .sort((a, b) => compareVersions(b.version!, a.version!));
const candidates: string[] = [];
for (const { tag } of versions.slice(Number(values.keep))) if (await isOld(tag)) candidates.push(tag);

// A registry deletes manifests, not tags: what a tag that stays names must stay too.
const stays = new Set(await Promise.all(tags.filter((tag) => !candidates.includes(tag)).map(digestOf)));
for (const tag of candidates) {
  const digest = await digestOf(tag);
  if (stays.has(digest)) console.log(`keep ${tag}: another tag names it`);
  else if (!values.delete) console.log(`would delete ${tag} ${digest}`);
  else {
    await deleteImage(`${repository}@${digest}`, { access }).catch((error: unknown) => {
      // An earlier tag of the same image took it along.
      if (!(error instanceof Error && "code" in error && error.code === "NOT_FOUND")) throw error;
    });
    console.log(`deleted ${tag} ${digest}`);
  }
}

async function digestOf(tag: string): Promise<string> {
  await using image = await openImage(`${repository}:${tag}`, { access });
  return image.raw.digest;
}

async function isOld(tag: string): Promise<boolean> {
  const { Created } = await inspect(`${repository}:${tag}`, {
    access,
    withTags: false,
    platform: "linux/amd64",
  });
  return Created !== null && Date.parse(Created) < Date.now() - Number(values.days) * 86_400_000;
}
