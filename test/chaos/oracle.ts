import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestImage } from "../support/images.ts";

/** What is at a destination: judged without any code of ours. */
export type Verdict = "complete" | "absent" | { readonly wrong: string };

/** Gives the content of one digest; undefined when it is not there. */
type Fetcher = (digest: string) => Promise<Buffer | undefined>;

/** An image in a registry, under one tag. `host` is the registry itself and not what stands before it. */
export async function judgeRegistry(
  host: string,
  repository: string,
  tag: string,
  image: TestImage,
): Promise<Verdict> {
  const get = async (path: string): Promise<Buffer | undefined> => {
    const response = await fetch(`http://${host}/v2/${repository}/${path}`, {
      headers: { Accept: image.top.mediaType },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    return response.status === 200 ? bytes : undefined;
  };
  const top = await get(`manifests/${tag}`);
  return await judge(image, top, async (digest) => await get(`blobs/${digest}`));
}

/** An image in an OCI layout, under one name. */
export async function judgeLayout(directory: string, name: string, image: TestImage): Promise<Verdict> {
  const index = join(directory, "index.json");
  if (!existsSync(index)) return "absent";
  const { manifests }: { manifests: { digest: string; annotations?: Record<string, string> }[] } = JSON.parse(
    readFileSync(index, "utf8"),
  );
  const entry = manifests.find(
    ({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] === name,
  );
  const read = (digest: string): Buffer | undefined =>
    readIfThere(join(directory, "blobs", digest.replace(":", "/")));
  return await judge(image, entry && read(entry.digest), async (digest) => read(digest));
}

/** An image in a `dir:` directory. */
export async function judgeDirectory(directory: string, image: TestImage): Promise<Verdict> {
  if (!existsSync(directory)) return "absent";
  const manifest = readIfThere(join(directory, "manifest.json"));
  if (manifest === undefined) return { wrong: "the directory is there without its manifest" };
  return await judge(image, manifest, async (digest) =>
    readIfThere(join(directory, digest.slice("sha256:".length))),
  );
}

async function judge(image: TestImage, top: Buffer | undefined, fetch: Fetcher): Promise<Verdict> {
  if (top === undefined) return "absent";
  if (hash(top) !== image.top.digest)
    return { wrong: `the manifest is ${hash(top)}, not ${image.top.digest}` };
  for (const digest of image.blobs.keys()) {
    if (digest === image.top.digest) continue;
    const bytes = await fetch(digest);
    if (bytes === undefined) return { wrong: `${digest} is not there` };
    if (hash(bytes) !== digest) return { wrong: `${digest} is ${hash(bytes)}` };
  }
  return "complete";
}

function readIfThere(path: string): Buffer | undefined {
  return existsSync(path) ? readFileSync(path) : undefined;
}

function hash(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
