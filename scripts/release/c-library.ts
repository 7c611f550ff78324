import { existsSync, readFileSync, realpathSync } from "node:fs";
import { posix } from "node:path";
import type { NewFile } from "../../src/library/build/layer-files.ts";
import type { Target } from "./targets.ts";

/** Where Debian has the C library of a processor, and where its loader is looked for, which is written in each binary. */
const PROCESSORS = {
  x64: { triplet: "x86_64-linux-gnu", loader: "/lib64/ld-linux-x86-64.so.2" },
  arm64: { triplet: "aarch64-linux-gnu", loader: "/lib/ld-linux-aarch64.so.1" },
} as const;

/** Where distributions other than Debian have it, for the machine's own processor. */
const FOLDER_OF_OTHERS = "/lib64";

/** What the binaries are linked with. */
const LIBRARIES: readonly string[] = ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2"];

/**
 * The C library that a binary needs in an image that has nothing else: glibc, as this machine has it from Debian's package libc6, for its
 * own processor or, after `dpkg --add-architecture`, another; or else from libc6-amd64-cross or libc6-arm64-cross.
 * @throws {Error} where there is none
 */
export function cLibrary({ cpu, name }: Target): readonly NewFile[] {
  const { triplet, loader } = PROCESSORS[cpu];
  const folder = findFolder(cpu);
  if (folder === undefined)
    throw new Error(
      `the image for ${name} needs the C library of that processor: install Debian's libc6-${cpu === "x64" ? "amd64" : cpu}-cross, or leave the image out with --no-image`,
    );
  const read = (library: string): Buffer => readFileSync(realpathSync(`${folder}/${library}`));
  // The loader looks here, but for one that is not Debian's, which looks where it was found.
  const place = folder === FOLDER_OF_OTHERS ? folder : `/lib/${triplet}`;
  return [
    { path: loader, mode: 0o755, content: read(posix.basename(loader)) },
    ...LIBRARIES.map((library) => ({
      path: `${place}/${library}`,
      mode: 0o755,
      content: read(library),
    })),
  ];
}

/** Whether the image for a target can be made here. */
export function hasCLibrary({ cpu }: Target): boolean {
  return findFolder(cpu) !== undefined;
}

function findFolder(cpu: Target["cpu"]): string | undefined {
  const { triplet } = PROCESSORS[cpu];
  const own = cpu === process.arch ? [FOLDER_OF_OTHERS] : [];
  const folders = [`/lib/${triplet}`, `/usr/${triplet}/lib`, ...own];
  return folders.find((path) => existsSync(`${path}/libc.so.6`));
}
