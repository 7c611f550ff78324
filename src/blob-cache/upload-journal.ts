import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { computeDigest, type Digest } from "../core/digest.ts";
import type { UploadJournal } from "../core/upload-journal.ts";
import { makeDirectory, writeFileAtomically } from "../runtime/files.ts";

/** Registries clear sessions away after some days at most. Milliseconds. */
const LONGEST_LIFE = 7 * 24 * 3600 * 1000;

const EntrySchema = v.object({
  version: v.literal(1),
  location: v.string(),
  /** Of the process that has begun it, on this machine. */
  process: v.pipe(v.number(), v.safeInteger()),
  /** Milliseconds since the epoch. */
  startedAt: v.number(),
});

/** A journal of one small file for each upload below `directory`. `onFailure` hears why an entry could not be kept. */
export function openUploadJournal(directory: string, onFailure: (error: unknown) => void): UploadJournal {
  const fileOf = (repository: string, digest: Digest): string =>
    join(directory, computeDigest(new TextEncoder().encode(`${repository}@${digest}`)).replace(":", "-"));
  let clearing: Promise<void> | undefined;
  return {
    async find(repository, digest) {
      const entry = await readEntry(fileOf(repository, digest));
      if (entry === undefined || isRunning(entry.process)) return undefined;
      return Date.now() - entry.startedAt > LONGEST_LIFE ? undefined : entry.location;
    },
    async record({ repository, digest, location }) {
      try {
        await makeDirectory(directory);
        const entry = { version: 1, location, process: process.pid, startedAt: Date.now() };
        // Whoever knows the address of a session may be able to write to it.
        await writeFileAtomically(fileOf(repository, digest), `${JSON.stringify(entry)}\n`, 0o600);
        clearing ??= removeStale(directory);
        await clearing;
      } catch (error) {
        onFailure(error);
      }
    },
    async forget(repository, digest) {
      await rm(fileOf(repository, digest), { force: true }).catch(onFailure);
    },
  };
}

/** What killed runs have left, and nobody can go on with any more. */
async function removeStale(directory: string): Promise<void> {
  const oldest = Date.now() - LONGEST_LIFE;
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if ((await stat(path)).mtimeMs < oldest) await rm(path, { force: true });
  }
}

async function readEntry(path: string): Promise<v.InferOutput<typeof EntrySchema> | undefined> {
  try {
    return v.parse(EntrySchema, JSON.parse(await readFile(path, "utf8")));
  } catch {
    // Missing or damaged: the upload starts again.
    return undefined;
  }
}

/** Two processes in one session would spoil each other's upload. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
