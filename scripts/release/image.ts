import { rootCertificates } from "node:tls";
import {
  type BuiltImage,
  buildImage,
  buildIndex,
  contentOfFile,
  copy,
  type NewFile,
} from "../../src/index.ts";
import type { BuiltBinary } from "./binaries.ts";
import { cLibrary } from "./c-library.ts";
import { run } from "./commands.ts";
import { HOME, SUMMARY } from "./home.ts";
import type { Release } from "./release.ts";

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" } as const;
/** Nobody in particular, as other images without a system have it. */
const USER = 65532;
const USER_HOME = "/home/nonroot";
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

/** Compressed once, and sent often. */
const COMPRESSION_LEVEL = 6;

/**
 * Makes the image of the tool by its own library: the binary, the C library that it needs, certificates of authorities, and a place for
 * temporary files. Gives what to call it: `oci:DIRECTORY/image:VERSION`; undefined where no binary for it was made.
 */
export async function writeImage(release: Release): Promise<string | undefined> {
  const binaries = release.binaries.filter(({ target }) => target.libc === "glibc");
  if (binaries.length === 0) return undefined;
  const annotations = {
    "org.opencontainers.image.title": "skopeo",
    "org.opencontainers.image.description": SUMMARY,
    "org.opencontainers.image.version": release.version,
    "org.opencontainers.image.revision": run("git", ["rev-parse", "HEAD"]).trim(),
    "org.opencontainers.image.created": release.time.toISOString(),
    "org.opencontainers.image.url": HOME,
    "org.opencontainers.image.licenses": "Apache-2.0",
  };
  const images: { readonly image: BuiltImage }[] = [];
  for (const binary of binaries) images.push({ image: await imageOf(binary, release, annotations) });
  const name = `oci:${release.directory}/image:${release.version}`;
  await copy(await buildIndex({ images, annotations }), name, {
    policy: "accept-anything",
    compression: { level: COMPRESSION_LEVEL },
  });
  return name;
}

async function imageOf(
  { target, path }: BuiltBinary,
  { time }: Release,
  labels: Readonly<Record<string, string>>,
): Promise<BuiltImage> {
  const program: NewFile = {
    path: "/usr/bin/skopeo",
    mode: 0o755,
    content: await contentOfFile(path),
    modified: time,
  };
  return await buildImage({
    platform: `linux/${ARCHITECTURES[target.cpu]}`,
    created: time,
    annotations: labels,
    // What seldom changes comes first, so that it is not sent again.
    layers: [
      { files: [...system(), ...cLibrary(target)], createdBy: "the C library, certificates, /tmp" },
      { files: [program], createdBy: "skopeo" },
    ],
    config: {
      user: `${USER}:${USER}`,
      workingDirectory: USER_HOME,
      entrypoint: ["/usr/bin/skopeo"],
      env: { PATH: "/usr/bin", HOME: USER_HOME, SSL_CERT_FILE: CERTIFICATES },
      labels,
    },
  });
}

function system(): readonly NewFile[] {
  const root = "root:x:0:0:root:/root:/sbin/nologin";
  return [
    { type: "directory", path: "/tmp", mode: 0o1777 },
    // Open to others: whoever is told to be another user looks for configuration there too.
    { type: "directory", path: USER_HOME, mode: 0o755, uid: USER, gid: USER },
    {
      path: "/etc/passwd",
      content: `${root}\nnonroot:x:${USER}:${USER}:nonroot:${USER_HOME}:/sbin/nologin\n`,
    },
    { path: "/etc/group", content: `root:x:0:\nnonroot:x:${USER}:\n` },
    { path: "/etc/nsswitch.conf", content: "hosts: files dns\n" },
    // Mozilla's, of the runtime that the lock file names: the same on every machine.
    { path: CERTIFICATES, content: `${rootCertificates.join("\n")}\n` },
  ];
}
