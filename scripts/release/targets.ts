/** A system that a binary is made for. */
export interface Target {
  /** As file names and packages of this project call it: `linux-x64-musl`. */
  readonly name: string;
  /** As Bun calls it. Of x64, what runs on processors without AVX2 too: a tool for mirrors has to run anywhere. */
  readonly bun: string;
  readonly os: "linux" | "darwin" | "win32" | "freebsd";
  readonly cpu: "x64" | "arm64";
  readonly libc?: "glibc" | "musl";
}

export const TARGETS: readonly Target[] = [
  { name: "linux-x64", bun: "bun-linux-x64-baseline", os: "linux", cpu: "x64", libc: "glibc" },
  { name: "linux-arm64", bun: "bun-linux-arm64", os: "linux", cpu: "arm64", libc: "glibc" },
  { name: "linux-x64-musl", bun: "bun-linux-x64-musl-baseline", os: "linux", cpu: "x64", libc: "musl" },
  { name: "linux-arm64-musl", bun: "bun-linux-arm64-musl", os: "linux", cpu: "arm64", libc: "musl" },
  { name: "darwin-x64", bun: "bun-darwin-x64-baseline", os: "darwin", cpu: "x64" },
  { name: "darwin-arm64", bun: "bun-darwin-arm64", os: "darwin", cpu: "arm64" },
  { name: "windows-x64", bun: "bun-windows-x64-baseline", os: "win32", cpu: "x64" },
  { name: "windows-arm64", bun: "bun-windows-arm64", os: "win32", cpu: "arm64" },
  { name: "freebsd-x64", bun: "bun-freebsd-x64", os: "freebsd", cpu: "x64" },
  { name: "freebsd-arm64", bun: "bun-freebsd-arm64", os: "freebsd", cpu: "arm64" },
];

/** `skopeo-0.1.0-linux-x64`, on Windows with `.exe`. */
export function binaryName({ name, os }: Target, version: string): string {
  return `skopeo-${version}-${name}${os === "win32" ? ".exe" : ""}`;
}

export function packageName({ name }: Target): string {
  return `@skopeo-ts/${name}`;
}
