import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { temporary } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { fatalMessage, type Outcome, runOurs } from "../support/run.ts";

const hasRegistry = findProgram("docker-registry") !== undefined;
if (!hasRegistry) console.error("LEFT OUT for want of docker-registry: credentials from helpers and stores");

const user = { name: "me", password: "right" };
let registry: DockerRegistry;

beforeAll(async () => {
  if (hasRegistry) registry = await startDockerRegistry({ user });
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
});

interface Home {
  readonly home: string;
  /** What helpers were asked, a line each. */
  asked(): readonly string[];
  run(words: readonly string[], env?: Readonly<Record<string, string>>): Promise<Outcome>;
}

/** A home with docker's credential file, and the helper `docker-credential-mine` that gives these passwords in turn. */
function homeWith(file: object, passwords: readonly string[] | undefined): Home {
  const home = temporary("credentials");
  mkdirSync(join(home, ".docker"));
  writeFileSync(join(home, ".docker", "config.json"), JSON.stringify(file));
  const log = join(home, "log");
  writeFileSync(log, "");
  if (passwords !== undefined) {
    mkdirSync(join(home, "bin"));
    const answers = passwords.map((password, i) => `${i + 1}) p='${password}';;`).join(" ");
    const script = [
      "#!/bin/sh",
      `echo "$1 $(cat)" >> ${log}`,
      `case $(wc -l < ${log}) in ${answers} *) p='${passwords.at(-1) ?? ""}';; esac`,
      `printf '{"ServerURL":"x","Username":"${user.name}","Secret":"%s"}' "$p"`,
    ].join("\n");
    writeFileSync(join(home, "bin", "docker-credential-mine"), script);
    chmodSync(join(home, "bin", "docker-credential-mine"), 0o755);
  }
  return {
    home,
    asked: () => readFileSync(log, "utf8").split("\n").filter(Boolean),
    run: (words, env = {}) =>
      runOurs(words, {
        env: { HOME: home, XDG_RUNTIME_DIR: home, PATH: `${home}/bin:${process.env.PATH ?? ""}`, ...env },
      }),
  };
}

const listing = (): string[] => ["list-tags", "--tls-verify=false", `docker://${registry.host}/none`];
/** What a registry says of a repository that it has not, to those that it lets in. */
const LET_IN = "repository name not known to registry";

describe.skipIf(!hasRegistry)("credentials that the docker command has stored", () => {
  test("in its credential store are found", async () => {
    const { run, asked } = homeWith({ auths: { [registry.host]: {} }, credsStore: "mine" }, ["right"]);
    expect(fatalMessage(await run(listing()))).toContain(LET_IN);
    expect(asked()).toEqual([`get ${registry.host}`]);
  });

  test("in a store whose program is gone do not stop those who need none", async () => {
    const { run } = homeWith({ auths: {}, credsStore: "mine" }, undefined);
    const outcome = await run(listing());
    expect(fatalMessage(outcome)).toContain("authentication required");
    const open = await startDockerRegistry();
    await using _ = open;
    const other = await run(["list-tags", "--tls-verify=false", `docker://${open.host}/none`]);
    expect(fatalMessage(other)).toContain(LET_IN);
  });

  test("are asked for once more when they were refused: they may have been renewed", async () => {
    const { run, asked } = homeWith({ credHelpers: { [registry.host]: "mine" } }, ["expired", "right"]);
    expect(fatalMessage(await run(listing()))).toContain(LET_IN);
    expect(asked().length).toBe(2);
  });

  test("but not without end", async () => {
    const { run, asked } = homeWith({ credHelpers: { [registry.host]: "mine" } }, ["wrong"]);
    expect(fatalMessage(await run(listing()))).toContain("authentication required");
    expect(asked().length).toBe(2);
  });
});

test.skipIf(!hasRegistry)(
  "this machine's own registries are reached without the proxy of the environment",
  async () => {
    await using open = await startDockerRegistry();
    const { run } = homeWith({}, undefined);
    const dead = "http://127.0.0.1:1";
    for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]) {
      const outcome = await run(["list-tags", "--tls-verify=false", `docker://${open.host}/none`], {
        [name]: dead,
      });
      expect(fatalMessage(outcome)).toContain(LET_IN);
    }
  },
);
