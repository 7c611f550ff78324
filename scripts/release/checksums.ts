import { createHash } from "node:crypto";
import { createReadStream, readdirSync, writeFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { pipeline } from "node:stream/promises";

/** A file of a release. */
export interface ReleasedFile {
  /** From the folder of the release, with slashes. */
  readonly name: string;
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
}

const OWN_NAME = "SHA256SUMS";

/** Writes SHA256SUMS for all files of a release, as sha256sum checks it. */
export async function writeChecksums(
  directory: string,
  except: ReadonlySet<string> = new Set(),
): Promise<readonly ReleasedFile[]> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((name) => name !== OWN_NAME && !except.has(name))
    .toSorted();
  const files = await Promise.all(
    names.map(async (name) => ({ name, ...(await digestOf(join(directory, name))) })),
  );
  writeFileSync(join(directory, OWN_NAME), files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(""));
  return files;
}

async function digestOf(path: string): Promise<{ readonly sha256: string; readonly size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      hash.update(chunk);
      size += chunk.length;
    }
  });
  return { sha256: hash.digest("hex"), size };
}
