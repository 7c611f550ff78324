import {
  chmodSync,
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { BuiltBinary } from "./binaries.ts";
import { ROOT, run } from "./commands.ts";
import { packageName } from "./targets.ts";

/** The package's own manifest, as far as a release needs it. */
interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly description: string;
}

const ManifestSchema: v.GenericSchema<unknown, PackageManifest> = v.looseObject({
  name: v.string(),
  version: v.string(),
  license: v.string(),
  description: v.string(),
});

/** What the published manifest does not need. */
const OURS_ALONE: ReadonlySet<string> = new Set(["private", "scripts", "devDependencies", "allowScripts"]);

export function readManifest(): PackageManifest {
  return v.parse(ManifestSchema, JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")));
}

/**
 * Packs the library with the command, and each binary as a package of its own that npm installs where it runs. Gives the paths of
 * the tarballs.
 */
export function packAll(binaries: readonly BuiltBinary[], directory: string): readonly string[] {
  const stage = join(directory, "stage");
  mkdirSync(stage, { recursive: true });
  const packages = [
    stageMain(binaries, join(stage, "main")),
    ...binaries.map((binary) => stageBinary(binary, stage)),
  ];
  const tarballs = packages.map((folder) => {
    const [name = ""] = run("npm", ["pack", "--silent", "--pack-destination", directory], folder)
      .trim()
      .split("\n");
    return join(directory, name);
  });
  rmSync(stage, { recursive: true });
  return tarballs;
}

function stageMain(binaries: readonly BuiltBinary[], folder: string): string {
  run("scripts/build-library.sh", []);
  const manifest = readManifest();
  const kept = Object.fromEntries(Object.entries(manifest).filter(([key]) => !OURS_ALONE.has(key)));
  const { version } = manifest;
  mkdirSync(join(folder, "bin"), { recursive: true });
  cpSync(join(ROOT, "dist", "library"), join(folder, "dist", "library"), { recursive: true });
  for (const name of ["README.md", "CHANGELOG.md", "LICENSE"])
    copyFileSync(join(ROOT, name), join(folder, name));
  for (const name of ["find-binary.js", "install.js"])
    copyFileSync(join(ROOT, "packaging", "npm", name), join(folder, "bin", name));
  copyFileSync(join(ROOT, "packaging", "npm", "launcher.js"), join(folder, "bin", "skopeo"));
  chmodSync(join(folder, "bin", "skopeo"), 0o755);
  write(folder, {
    ...kept,
    bin: { skopeo: "bin/skopeo" },
    files: ["bin", "dist/library"],
    scripts: { postinstall: "node bin/install.js" },
    optionalDependencies: Object.fromEntries(binaries.map(({ target }) => [packageName(target), version])),
  });
  return folder;
}

function stageBinary({ target, path }: BuiltBinary, stage: string): string {
  const { version, license, description } = readManifest();
  const folder = join(stage, target.name);
  const file = target.os === "win32" ? "skopeo.exe" : "skopeo";
  mkdirSync(folder);
  linkSync(path, join(folder, file));
  copyFileSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
  const { os, cpu, libc } = target;
  write(folder, {
    name: packageName(target),
    version,
    description: `${description}: the binary for ${target.name}`,
    license,
    files: [file],
    os: [os],
    cpu: [cpu],
    ...(libc === undefined ? {} : { libc: [libc] }),
    preferUnplugged: true,
  });
  return folder;
}

function write(folder: string, manifest: object): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
