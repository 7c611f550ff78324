import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DelayProxy } from "./delay-proxy.ts";

/** The programs that are compared. All but ours may be missing. */
export type Tool = "ours" | "skopeo" | "crane" | "oras";

/** Where the images are. `far` hosts lie behind a delay. */
export interface Stage {
  readonly source: string;
  readonly target: string;
  readonly farSource: DelayProxy;
  readonly farTarget: DelayProxy;
  /** OCI layouts with the image `latest`. */
  readonly bigLayout: string;
}

/** A case: the command line of each tool that can do it. Every run gets a new number, for names not used before. */
export interface Case {
  readonly name: string;
  readonly title: string;
  /** Aimed at, as a ratio to real skopeo; or a peak in MB, for a case of memory. */
  readonly goal: string;
  readonly runs: number;
  readonly compares: "time" | "memory";
  readonly countsRequests?: boolean;
  /** Undefined where the tool has no such command. */
  command(tool: Tool, stage: Stage, run: number): readonly string[] | undefined;
}

const INSECURE = ["--src-tls-verify=false", "--dest-tls-verify=false"];
const scratch = mkdtempSync(join(tmpdir(), "skopeo-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

function freshDirectory(): string {
  const directory = join(scratch, "image");
  rmSync(directory, { recursive: true, force: true });
  return directory;
}

function copyBetween(from: string, to: string): Case["command"] {
  return (tool, stage, run) => {
    const source = from.replace(/^(SOURCE|FAR)/, (name) =>
      name === "FAR" ? stage.farSource.host : stage.source,
    );
    const repository = `${to.includes("FAR") ? stage.farTarget.host : stage.target}/${tool}/r${run}`;
    switch (tool) {
      case "ours":
        return ["copy", "-q", ...INSECURE, `docker://${source}`, `docker://${repository}:1`];
      case "skopeo":
        return [
          "--insecure-policy",
          "copy",
          "-q",
          ...INSECURE,
          `docker://${source}`,
          `docker://${repository}:1`,
        ];
      case "crane":
        return ["copy", "--insecure", source, `${repository}:1`];
      case "oras":
        return ["cp", "--from-plain-http", "--to-plain-http", source, `${repository}:1`];
    }
  };
}

function skopeoOnly(words: (stage: Stage, run: number, tool: Tool) => readonly string[]): Case["command"] {
  return (tool, stage, run) => {
    if (tool === "ours") return ["copy", "-q", ...INSECURE, ...words(stage, run, tool)];
    if (tool === "skopeo")
      return ["--insecure-policy", "copy", "-q", ...INSECURE, ...words(stage, run, tool)];
    return undefined;
  };
}

function inspecting(
  host: (stage: Stage) => string,
  flags: readonly string[],
  craneCommand: string,
): Case["command"] {
  return (tool, stage) => {
    const name = host(stage);
    if (tool === "ours" || tool === "skopeo")
      return ["inspect", "--tls-verify=false", ...flags, `docker://${name}`];
    if (tool === "crane") return craneCommand === "" ? undefined : [craneCommand, "--insecure", name];
    return craneCommand === "" ? undefined : ["manifest", "fetch", "--plain-http", name];
  };
}

export const CASES: readonly Case[] = [
  {
    name: "version",
    title: "`--version`",
    goal: "≤ 1.0",
    runs: 40,
    compares: "time",
    command: (tool) => [tool === "crane" || tool === "oras" ? "version" : "--version"],
  },
  {
    name: "inspect-raw",
    title: "`inspect --raw`, loopback",
    goal: "≤ 0.8",
    runs: 30,
    compares: "time",
    command: inspecting((stage) => `${stage.source}/small:1`, ["--raw"], "manifest"),
  },
  {
    name: "inspect-far",
    title: "`inspect`, 60 tags, 40 ms round trip",
    goal: "≤ 0.6",
    runs: 7,
    compares: "time",
    countsRequests: true,
    command: inspecting((stage) => `${stage.farSource.host}/tags:1`, [], ""),
  },
  {
    name: "copy-big",
    title: "registry to registry, 4 layers, 240 MB, loopback",
    goal: "≤ 0.9",
    runs: 7,
    compares: "time",
    command: copyBetween("SOURCE/big:1", "TARGET"),
  },
  {
    name: "copy-far",
    title: "registry to registry, 24 layers of 300 kB, 40 ms round trip",
    goal: "≤ 0.35",
    runs: 5,
    compares: "time",
    countsRequests: true,
    command: copyBetween("FAR/many:1", "FAR"),
  },
  {
    name: "copy-far-again",
    title: "the same again, nothing to do",
    goal: "≤ 0.35, at most 4 requests",
    runs: 5,
    compares: "time",
    countsRequests: true,
    command: (tool, stage) => copyBetween("FAR/many:1", "FAR")(tool, stage, 0),
  },
  {
    name: "registry-oci",
    title: "registry to `oci:`, 240 MB",
    goal: "≤ 1.0",
    runs: 5,
    compares: "time",
    command: skopeoOnly((stage) => [`docker://${stage.source}/big:1`, `oci:${freshDirectory()}:1`]),
  },
  {
    name: "oci-registry",
    title: "`oci:` to registry, 240 MB",
    goal: "≤ 1.0",
    runs: 5,
    compares: "time",
    command: skopeoOnly((stage, run, tool) => [
      `oci:${stage.bigLayout}:latest`,
      `docker://${stage.target}/from-${tool}/r${run}:1`,
    ]),
  },
  {
    name: "registry-dir",
    title: "registry to `dir:`, 240 MB",
    goal: "≤ 1.0",
    runs: 5,
    compares: "time",
    command: skopeoOnly((stage) => [`docker://${stage.source}/big:1`, `dir:${freshDirectory()}`]),
  },
  {
    name: "memory",
    title: "peak memory, registry to registry, one 1 GB layer",
    goal: "≤ 150 MB",
    runs: 1,
    compares: "memory",
    command: copyBetween("SOURCE/huge:1", "TARGET"),
  },
];
