import { createHash } from "node:crypto";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import { collect } from "../../src/core/byte-stream.ts";
import type { NewFile } from "../../src/library/build/layer-files.ts";
import { arOf } from "./ar.ts";
import type { BuiltBinary } from "./binaries.ts";
import { below, binaryFile, sharedFiles } from "./contents.ts";
import { HOME, MAINTAINER } from "./home.ts";
import type { Release } from "./release.ts";
import { tarGz } from "./tar-gz.ts";
import { fillTemplate } from "./template.ts";

const PACKAGE = "skopeo-ts";
const ARCHITECTURES = { x64: "amd64", arm64: "arm64" } as const;
const MOST_BYTES = 1 << 30;

/** Makes a package of Debian for each binary that runs there. deb(5); nothing of Debian's is needed for it. */
export async function writeDebianPackages(release: Release): Promise<void> {
  const folder = join(release.directory, "debian");
  mkdirSync(folder);
  for (const binary of release.binaries.filter(({ target }) => target.libc === "glibc")) {
    const architecture = ARCHITECTURES[binary.target.cpu];
    const path = join(folder, `${PACKAGE}_${debianVersion(release.version)}_${architecture}.deb`);
    await pipeline(await packageOf(binary, architecture, release), createWriteStream(path));
  }
}

/** A pre-release comes before its release there too: `1.0.0~rc.1-1`. deb-version(7). */
function debianVersion(version: string): string {
  return `${version.replace("-", "~")}-1`;
}

async function packageOf(
  binary: BuiltBinary,
  architecture: string,
  release: Release,
): Promise<ReturnType<typeof arOf>> {
  const files = [
    await binaryFile(binary),
    ...sharedFiles(release, { zsh: "share/zsh/vendor-completions" }).map(asDebianHasIt),
    ...documents(release),
  ];
  const { control, sums } = await describe(files, architecture, release);
  const controlFiles: readonly NewFile[] = [
    { path: "control", content: control, modified: release.time },
    { path: "md5sums", content: sums, modified: release.time },
  ];
  return arOf(
    [
      { name: "debian-binary", content: Buffer.from("2.0\n") },
      { name: "control.tar.gz", content: await collect(tarGz(controlFiles), MOST_BYTES, "control") },
      {
        name: "data.tar.gz",
        content: await collect(tarGz(below("usr", files, release.time)), MOST_BYTES, "data"),
      },
    ],
    release.time,
  );
}

/** Debian's policy, 12.1: pages of the manual are compressed. */
function asDebianHasIt(file: ReturnType<typeof sharedFiles>[number]): NewFile {
  return file.path.startsWith("share/man/") ? { path: `${file.path}.gz`, content: gzip(file.content) } : file;
}

function documents({ version, time }: Release): readonly NewFile[] {
  const entry = [
    `${PACKAGE} (${debianVersion(version)}) unstable; urgency=medium`,
    "  * What has changed is in the changelog of the project.",
    ` -- ${MAINTAINER}  ${time.toUTCString().replace("GMT", "+0000")}`,
  ];
  const folder = `share/doc/${PACKAGE}`;
  return [
    { path: `${folder}/changelog.Debian.gz`, content: gzip(Buffer.from(`${entry.join("\n\n")}\n`)) },
    {
      path: `${folder}/copyright`,
      content: fillTemplate("debian/copyright", valueIn({ HOME, YEAR: `${time.getUTCFullYear()}` })),
    },
  ];
}

async function describe(
  files: readonly NewFile[],
  architecture: string,
  { version }: Release,
): Promise<{ readonly control: string; readonly sums: string }> {
  let size = 0;
  let sums = "";
  for (const file of files) {
    const content = "content" in file ? file.content : "";
    const hash = createHash("md5");
    if (typeof content === "object" && "open" in content) {
      for await (const chunk of content.open()) hash.update(chunk);
      size += content.size;
    } else {
      hash.update(content);
      size += content.length;
    }
    sums += `${hash.digest("hex")}  usr/${file.path}\n`;
  }
  const control = fillTemplate(
    "debian/control",
    valueIn({
      ...{ HOME, MAINTAINER },
      DEBIAN_VERSION: debianVersion(version),
      ARCHITECTURE: architecture,
      INSTALLED_SIZE: `${Math.ceil(size / 1024)}`,
    }),
  );
  return { control, sums };
}

function valueIn(values: Readonly<Record<string, string>>): (name: string) => string | undefined {
  return (name) => values[name];
}

/** Without a time in it. */
function gzip(bytes: Uint8Array): Buffer {
  return gzipSync(bytes, { level: 9 });
}
