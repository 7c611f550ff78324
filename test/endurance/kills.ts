import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../support/images.ts";
import { type Outcome, runOurs, startOurs } from "../support/run.ts";

/** A run that may be killed at any moment. */
export interface Victim {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Brings the old state about again, before each run. */
  readonly reset?: () => Promise<void> | void;
  /** What is there: a word for the old state or the new one. @throws when it is neither */
  readonly state: () => Promise<string> | string;
}

/** How many of the killed runs ended in which state. */
export type Tally = Readonly<Record<string, number>>;

/**
 * Kills runs at random moments, looks at what they left, and lets the next one finish.
 * @throws when what is left is neither the old nor the new state, or when the next run fails
 */
export async function killOften(victim: Victim, kills: number): Promise<Tally> {
  const tally: Record<string, number> = {};
  await victim.reset?.();
  const duration = await timed(() => finish(victim));
  for (let i = 0; i < kills; i++) {
    await victim.reset?.();
    // Nothing happens while a program loads.
    const after = duration * (0.3 + 0.75 * Math.random());
    await killAfter(victim, after);
    const state = await inContext(`killed after ${after.toFixed(1)} ms`, victim.state);
    tally[state] = (tally[state] ?? 0) + 1;
  }
  await victim.reset?.();
  await finish(victim);
  await inContext("after the next run", victim.state);
  return tally;
}

async function killAfter(victim: Victim, milliseconds: number): Promise<void> {
  const child = startOurs(["--insecure-policy", ...victim.words], options(victim));
  await Bun.sleep(milliseconds);
  child.kill("SIGKILL");
  await child.exited;
}

async function finish(victim: Victim): Promise<Outcome> {
  const outcome = await runOurs(["--insecure-policy", ...victim.words], options(victim));
  if (outcome.exitCode !== 0) throw new Error(`${victim.words.join(" ")}: ${outcome.stderr}`);
  return outcome;
}

function options({ env, stdin }: Victim): { env?: Readonly<Record<string, string>>; stdin?: string } {
  return { ...(env === undefined ? {} : { env }), ...(stdin === undefined ? {} : { stdin }) };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function inContext(context: string, work: () => Promise<string> | string): Promise<string> {
  try {
    return await work();
  } catch (error) {
    throw new Error(`${context}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
}

interface Listed {
  readonly config: { readonly digest: string };
  readonly layers: readonly { readonly digest: string }[];
}

/** The digest of the image in a `dir:` directory, all of whose blobs are there and right. */
export function digestOfDirectory(directory: string): string {
  const bytes = readFileSync(join(directory, "manifest.json"));
  const manifest: Listed = JSON.parse(bytes.toString());
  for (const { digest } of [manifest.config, ...manifest.layers]) {
    const actual = sha256(readFileSync(join(directory, digest.slice("sha256:".length))));
    if (actual !== digest) throw new Error(`blob ${digest} has the digest ${actual}`);
  }
  return sha256(bytes);
}

/** The digest of the image at a tag of a registry, all of whose blobs are there and right; `absent` where there is none. */
export async function digestInRegistry(host: string, repository: string, tag: string): Promise<string> {
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const base = `http://${host}/v2/${repository}`;
  const answer = await fetch(`${base}/manifests/${tag}`, { headers: { accept } });
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (answer.status === 404) return "absent";
  const manifest: Listed = JSON.parse(new TextDecoder().decode(bytes));
  for (const { digest } of [manifest.config, ...manifest.layers]) {
    const blob = await fetch(`${base}/blobs/${digest}`);
    const actual = sha256(new Uint8Array(await blob.arrayBuffer()));
    if (actual !== digest) throw new Error(`blob ${digest}: ${blob.status}, digest ${actual}`);
  }
  return sha256(bytes);
}

/** Files below a directory whose names tell that a run was writing them. */
export function leftovers(directory: string): readonly string[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names.filter((name) => /put-blob|put-image|\.tmp-|\.part-|container_images/.test(name));
}
