import { type FileHandle, open, stat } from "node:fs/promises";
import { isMissing } from "../runtime/files.ts";
import type { SpoolOptions } from "./open-archive.ts";
import { spoolTo } from "./spool.ts";
import { createPipeTarWriter, type TarWriter } from "./writer.ts";

/** Names of open descriptors of a process. Others in `/dev` are devices, or files as those of `/dev/shm`. */
const DESCRIPTOR = /^\/dev\/(?:std(?:out|err)|fd\/\d+)$|^\/proc\/(?:self|\d+)\/fd\/\d+$/;

/** Whether a path is written as a stream. What names the process's own descriptors is, also where the shell made it a file. */
export async function writesToPipe(path: string): Promise<boolean> {
  if (DESCRIPTOR.test(path)) return true;
  try {
    return !(await stat(path)).isFile();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Begins an archive in a pipe or on a device, or behind what a file has that the shell appends to. */
export async function openPipeArchive(
  path: string,
  { temporaryDirectory }: SpoolOptions,
): Promise<AsyncDisposable & { readonly tar: TarWriter }> {
  const handle = await open(path, "a");
  return {
    tar: createPipeTarWriter({ write: (bytes) => writeAll(handle, bytes) }, spoolTo(temporaryDirectory)),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done)).bytesWritten;
  }
}
