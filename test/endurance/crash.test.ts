import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { temporary } from "../support/images.ts";
import { findProgram, newestSkopeo } from "../support/peers.ts";
import { mustRun, runReal } from "../support/run.ts";
import { startServe } from "../support/serve.ts";
import { killOften, leftovers } from "./kills.ts";
import { victims } from "./victims.ts";

/** A run that is killed leaves the old state or the new one, and the next run finishes. More: scripts/endurance.ts. */
const KILLS = 5;
const hasPeers = findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of docker-registry: kills");

const directory = temporary("crash");
let registry: DockerRegistry;
let served: Awaited<ReturnType<typeof startServe>>;

beforeAll(async () => {
  if (!hasPeers) return;
  registry = await startDockerRegistry();
  served = await startServe();
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await served?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

describe.skipIf(!hasPeers)("a run killed at any moment", () => {
  const names = Object.keys(
    victims({ registries: { "docker-registry": "", serve: "" }, directory: temporary("names") }),
  );
  for (const name of names) {
    test(name, async () => {
      const all = victims({
        registries: { "docker-registry": registry.host, serve: served.host },
        directory,
      });
      const victim = all[name];
      if (victim === undefined) throw new Error(`no ${name}`);
      const tally = await killOften(victim, KILLS);
      expect(Object.values(tally).reduce((sum, count) => sum + count, 0)).toBe(KILLS);
    });
  }

  test("leaves nothing in a dir: that the next run does not remove", () => {
    expect(leftovers(join(directory, "dir"))).toEqual([]);
    expect(readdirSync(join(directory, "dir")).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test.skipIf(newestSkopeo === undefined)("leaves what real skopeo reads", async () => {
    const archives = [
      `oci-archive:${directory}/oci.tar:example.com/app:1`,
      `docker-archive:${directory}/docker.tar`,
    ];
    for (const name of [`dir:${directory}/dir`, `oci:${directory}/oci:latest`, ...archives]) {
      const out = temporary("read");
      expect(await runReal(["copy", name, `dir:${out}/out`])).toMatchObject({ exitCode: 0 });
    }
    await mustRun(["tar", "-tf", join(directory, "docker.tar")]);
  });
});
