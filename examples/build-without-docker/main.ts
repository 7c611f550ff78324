/**
 * Makes an image of a folder, for two platforms, and pushes it, with no Docker and no Dockerfile:
 * `node main.js FOLDER docker://registry.example.com/site:1.0`. The same files make the same digests.
 */
import { readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { buildImage, buildIndex, contentOfFile, copy, type NewFile } from "skopeo-ts";

const [folder, destination] = process.argv.slice(2);
if (folder === undefined || destination === undefined) throw new Error("usage: main.js FOLDER DESTINATION");

const files = await filesOf(folder);
const parts = {
  layers: [{ files, createdBy: "build-without-docker" }],
  config: { workingDirectory: "/site", labels: { "org.opencontainers.image.title": "site" } },
};
const images = await Promise.all(
  ["linux/amd64", "linux/arm64"].map(async (platform) => ({
    image: await buildImage({ ...parts, platform }),
  })),
);
const { digest } = await copy(await buildIndex({ images }), destination, {
  policy: "accept-anything",
  destinationAccess: process.env.PLAIN_HTTP === "true" ? { tlsVerify: false } : undefined,
});
console.log(`${files.length} files: ${digest}`);

async function filesOf(root: string): Promise<NewFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return await Promise.all(
    paths.sort().map(async (path) => {
      const { mode } = await stat(path);
      const name = relative(root, path).split(sep).join("/");
      return { path: `site/${name}`, content: await contentOfFile(path), mode: mode & 0o111 ? 0o755 : 0o644 };
    }),
  );
}
