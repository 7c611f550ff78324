import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildImage,
  checkLayoutBlobs,
  type TestImage,
  temporary,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { mustRun } from "../support/run.ts";
import { digestInRegistry, digestOfDirectory, type Victim } from "./kills.ts";

/** What can be killed: every way of writing that the program has. */
export const OLD: TestImage = buildImage({ seed: "old", layers: [300_000, 2000] });
export const NEW: TestImage = buildImage({ seed: "new", layers: [900_000, 600_000, 2000] });
const ABSENT = "absent";

/** A word for a digest. @throws when it is of neither image */
function nameOf(digest: string): string {
  if (digest === OLD.top.digest) return "old";
  if (digest === NEW.top.digest) return "new";
  if (digest === ABSENT) return ABSENT;
  throw new Error(`neither the old image nor the new one: ${digest}`);
}

export interface Places {
  /** Hosts of registries by a name for each, such as `docker-registry`. */
  readonly registries: Readonly<Record<string, string>>;
  /** Holds all that is written. */
  readonly directory: string;
}

export function victims({ registries, directory }: Places): Readonly<Record<string, Victim>> {
  const source = `oci:${writeLayout({ new: NEW })}:new`;
  return {
    "copy to dir": copyToDirectory(source, join(directory, "dir")),
    "copy to oci": copyToLayout(source, join(directory, "oci")),
    "copy to oci-archive": copyToArchive(source, join(directory, "oci.tar"), "oci-archive"),
    "copy to docker-archive": copyToArchive(source, join(directory, "docker.tar"), "docker-archive"),
    ...Object.fromEntries(
      Object.entries(registries).flatMap(([name, host]) => [
        [`copy to ${name}`, copyToRegistry(source, host)],
        [`sync to ${name}`, syncToRegistry(host, directory)],
        [`delete in ${name}`, deleteInRegistry(host)],
      ]),
    ),
    "sync to dir": syncToDirectory(Object.values(registries)[0] ?? "", join(directory, "synced")),
    login: login(Object.values(registries)[0] ?? "", join(directory, "auth")),
    "delete in oci": deleteInLayout(join(directory, "delete")),
  };
}

function copyToDirectory(source: string, directory: string): Victim {
  return {
    words: ["copy", source, `dir:${directory}`],
    reset() {
      // What killed runs have left stays: it must not pile up.
      mkdirSync(directory, { recursive: true });
      for (const name of readdirSync(directory)) if (!name.startsWith(".")) rmSync(join(directory, name));
      writeDirectory(OLD, directory);
    },
    state: () => nameOf(digestOfDirectory(directory)),
  };
}

function copyToLayout(source: string, directory: string): Victim {
  return {
    words: ["copy", source, `oci:${directory}:latest`],
    reset() {
      rmSync(join(directory, "blobs"), { recursive: true, force: true });
      writeLayout({ latest: OLD }, directory);
    },
    state() {
      checkLayoutBlobs(directory);
      return nameOf(tagOfLayout(directory));
    },
  };
}

interface Named {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const NAME = "org.opencontainers.image.ref.name";

function tagOfLayout(directory: string): string {
  const index: { readonly manifests: readonly Named[] } = JSON.parse(
    readFileSync(join(directory, "index.json"), "utf8"),
  );
  // An image that has lost its name to another stays.
  return index.manifests.find(({ annotations }) => annotations?.[NAME] !== undefined)?.digest ?? ABSENT;
}

function copyToArchive(source: string, file: string, kind: "oci-archive" | "docker-archive"): Victim {
  return {
    words: ["copy", source, `${kind}:${file}:example.com/app:1`],
    reset: () => rmSync(file, { force: true }),
    async state() {
      if (!existsSync(file)) return ABSENT;
      const listing = await mustRun(["tar", "-tf", file]);
      if (!listing.includes(kind === "oci-archive" ? "index.json" : "manifest.json"))
        throw new Error(`only a part of an archive: ${listing}`);
      return "new";
    },
  };
}

function copyToRegistry(source: string, host: string): Victim {
  let run = 0;
  return {
    words: ["copy", "--dest-tls-verify=false", source, `docker://${host}/copied:latest`],
    async reset() {
      const old = `oci:${writeLayout({ old: OLD }, temporary(`old-${run++}`))}:old`;
      await push(old, `docker://${host}/copied:latest`);
    },
    state: async () => nameOf(await digestInRegistry(host, "copied", "latest")),
  };
}

async function push(from: string, to: string): Promise<void> {
  const { runOurs } = await import("../support/run.ts");
  const outcome = await runOurs(["--insecure-policy", "copy", "--dest-tls-verify=false", from, to]);
  if (outcome.exitCode !== 0) throw new Error(outcome.stderr);
}

/** Each run goes to a repository of its own: what is there already would not be written again. */
function syncToRegistry(host: string, directory: string): Victim {
  const from = join(directory, `from-${host.replace(":", "-")}`);
  let run = 0;
  return {
    words: ["sync", "--dest-tls-verify=false", "--src", "dir", "--dest", "docker", from, host],
    reset() {
      rmSync(from, { recursive: true, force: true });
      run++;
      writeDirectory(NEW, join(from, `synced${run}:1`));
    },
    state: async () => nameOf(await digestInRegistry(host, `synced${run}`, "1")),
  };
}

function deleteInRegistry(host: string): Victim {
  const old = `oci:${writeLayout({ old: OLD })}:old`;
  const name = `docker://${host}/deleted:1`;
  return {
    words: ["delete", "--tls-verify=false", name],
    reset: async () => await push(old, name),
    state: async () => nameOf(await digestInRegistry(host, "deleted", "1")),
  };
}

function syncToDirectory(host: string, directory: string): Victim {
  const words = ["--src", "docker", "--dest", "dir", `${host}/copied:latest`, directory];
  const image = join(directory, "copied:latest");
  return {
    words: ["sync", "--src-tls-verify=false", ...words],
    reset() {
      // A directory that has an image is not written to; one of a killed run is.
      if (existsSync(join(image, "manifest.json"))) rmSync(directory, { recursive: true });
    },
    state: () => (existsSync(join(image, "manifest.json")) ? nameOf(digestOfDirectory(image)) : ABSENT),
  };
}

function login(host: string, directory: string): Victim {
  const file = join(directory, "auth.json");
  const old = { auths: { "example.com": { auth: "dTpw" } } };
  return {
    words: ["login", "--tls-verify=false", "--authfile", file, "-u", "u", "--password-stdin", host],
    stdin: "secret",
    reset() {
      mkdirSync(directory, { recursive: true });
      writeFileSync(file, JSON.stringify(old));
    },
    state() {
      const content: typeof old = JSON.parse(readFileSync(file, "utf8"));
      if (content.auths["example.com"].auth !== "dTpw") throw new Error("another's credentials are lost");
      return Object.keys(content.auths).length === 2 ? "new" : "old";
    },
  };
}

function deleteInLayout(directory: string): Victim {
  return {
    words: ["delete", `oci:${directory}:old`],
    reset() {
      rmSync(directory, { recursive: true, force: true });
      writeLayout({ old: OLD }, directory);
    },
    state() {
      const digest = tagOfLayout(directory);
      // Blobs go after the name that leads to them.
      if (digest !== ABSENT) checkLayoutBlobs(directory);
      return nameOf(digest);
    },
  };
}
