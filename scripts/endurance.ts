import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killOften, leftovers } from "../test/endurance/kills.ts";
import { burden, copyOften, startServing } from "../test/endurance/load.ts";
import { victims } from "../test/endurance/victims.ts";
import { startDockerRegistry } from "../test/support/docker-registry.ts";
import { startServe } from "../test/support/serve.ts";

/**
 * Kills and loads at length, and prints figures: `npm run endurance -- [--kills N] [--clients N] [--copies N]`.
 * Kills are of each way of writing. The tests in test/endurance do the same in small.
 */
const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "30" },
    clients: { type: "string", default: "200" },
    copies: { type: "string", default: "1000" },
  },
});

function print(...words: readonly unknown[]): void {
  process.stdout.write(
    `${words.map((word) => (typeof word === "string" ? word : JSON.stringify(word))).join(" ")}\n`,
  );
}

async function kill(kills: number): Promise<void> {
  if (kills === 0) return;
  const directory = mkdtempSync(join(tmpdir(), "endurance-"));
  await using registry = await startDockerRegistry();
  await using served = await startServe();
  const registries = { "docker-registry": registry.host, serve: served.host };
  for (const [name, victim] of Object.entries(victims({ registries, directory })))
    print(`${name}: ${kills} kills, left`, await killOften(victim, kills));
  print("temporary files left:", leftovers(directory).length);
  rmSync(directory, { recursive: true, force: true });
}

async function load(clients: number): Promise<void> {
  if (clients === 0) return;
  for (const words of [["--memory"], [`oci:${mkdtempSync(join(tmpdir(), "endurance-"))}/layout`]]) {
    await using served = await startServing(words);
    const began = performance.now();
    const failures = await burden(served.host, clients, 200_000);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const memory = served.peakMemory().toFixed(0);
    print(
      `serve ${words[0]?.slice(0, 8)}: ${clients} clients, ${failures.length} failures, ${seconds} s, ${memory} MiB`,
    );
    if (failures.length > 0) throw new Error(failures[0]);
  }
}

async function copies(times: number): Promise<void> {
  if (times === 0) return;
  await using served = await startServing(["--memory"]);
  print(`${times} copies in one process:`, await copyOften(served.host, times));
}

await kill(Number(values.kills));
await load(Number(values.clients));
await copies(Number(values.copies));
