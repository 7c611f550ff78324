import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildImage, type TestImage, writeLayout } from "../support/images.ts";
import { mustRun, OURS, type Outcome, runOurs } from "../support/run.ts";
import { startServe } from "../support/serve.ts";
import { type MisbehavingRegistry, startMisbehaving } from "./misbehaving-registry.ts";
import { judgeDirectory, judgeLayout, judgeRegistry, type Verdict } from "./oracle.ts";
import { randomFaults, randomOf } from "./random-faults.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Images at the source, each of which every round takes along five ways. */
  readonly images: number;
  /** Of all requests, from 0 to 1. */
  readonly share: number;
}

/** What came of one round. */
export interface ChaosFigures {
  readonly faults: ReadonlyMap<string, number>;
  readonly copied: number;
  readonly failed: number;
  /** Repeated copies of one image, as its warnings tell. */
  readonly retried: number;
  /** What must not be: each a sentence. */
  readonly violations: readonly string[];
}

interface Round {
  readonly options: ChaosOptions;
  readonly images: ReadonlyMap<string, TestImage>;
  readonly directory: string;
  /** Host names of both registries, directly and through their proxies. */
  readonly destination: string;
  readonly fromProxy: string;
  readonly toProxy: string;
  readonly layout: string;
  readonly tally: { copied: number; failed: number; retried: number; readonly violations: string[] };
}

const PATIENCE: readonly string[] = ["--retry-times=1", "--retry-delay=50ms", "--stall-timeout=300ms"];
const QUICK: readonly string[] = ["--insecure-policy", "--command-timeout=60s"];

/** Fills a registry, and takes its images along five ways with faults on all of them. */
export async function runChaos(options: ChaosOptions): Promise<ChaosFigures> {
  const directory = mkdtempSync(join(tmpdir(), "skopeo-chaos-"));
  try {
    await using source = await startServe();
    await using destination = await startServe();
    const images = imagesOf(options);
    const layout = writeLayout(Object.fromEntries(images), join(directory, "source"));
    await fill(source.host, layout, images);
    const { seed, share } = options;
    await using from = await startMisbehaving(source.host, randomFaults(randomOf(seed), share));
    await using to = await startMisbehaving(destination.host, randomFaults(randomOf(seed + 1), share));
    const tally = { copied: 0, failed: 0, retried: 0, violations: [] };
    const hosts = { destination: destination.host, fromProxy: from.host, toProxy: to.host };
    const round: Round = { options, images, directory, layout, tally, ...hosts };
    await Promise.all([takeSingly(round), synchronize(round)]);
    return { ...tally, faults: added(from, to) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function imagesOf({ seed, images }: ChaosOptions): ReadonlyMap<string, TestImage> {
  const random = randomOf(seed + 2);
  return new Map(
    Array.from({ length: images }, (_, i): [string, TestImage] => {
      const layers = Array.from({ length: 1 + Math.floor(random() * 3) }, () => Math.floor(random() * 6000));
      return [`v${i}`, buildImage({ seed: `chaos/${seed}/${i}`, layers })];
    }),
  );
}

async function fill(host: string, layout: string, images: ReadonlyMap<string, TestImage>): Promise<void> {
  const names = [...images.keys()];
  for (let i = 0; i < names.length; i += 8) {
    await Promise.all(
      names.slice(i, i + 8).map(async (name) => {
        const words = ["copy", "--insecure-policy", "--dest-tls-verify=false"];
        await mustRun([...OURS, ...words, `oci:${layout}:${name}`, `docker://${host}/app:${name}`]);
      }),
    );
  }
}

/** Each image by a command of its own, along four ways. */
async function takeSingly(round: Round): Promise<void> {
  const { directory, destination, fromProxy, toProxy, layout } = round;
  const target = join(directory, "layout");
  for (const [name, image] of round.images) {
    const from = `docker://${fromProxy}/app:${name}`;
    const single = join(directory, `dir-${name}`);
    await Promise.all([
      take(round, from, `docker://${toProxy}/copied:${name}`, () =>
        judgeRegistry(destination, "copied", name, image),
      ),
      take(round, from, `dir:${single}`, () => judgeDirectory(single, image)),
      take(round, `oci:${layout}:${name}`, `docker://${toProxy}/pushed:${name}`, () =>
        judgeRegistry(destination, "pushed", name, image),
      ),
    ]);
    await take(round, from, `oci:${target}:${name}`, () => judgeLayout(target, name, image));
  }
}

async function take(round: Round, from: string, to: string, judge: () => Promise<Verdict>): Promise<void> {
  const words = ["copy", ...QUICK, "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"];
  const local = (name: string, flag: string): boolean => !name.startsWith("docker:") && flag !== "";
  const flags = words.filter(
    (word) =>
      !(word.startsWith("--src-tls") && local(from, word)) &&
      !(word.startsWith("--dest-tls") && local(to, word)),
  );
  const outcome = await runOurs([...flags, ...PATIENCE, from, to]);
  // A registry may have taken a manifest whose answer was lost: complete is right then, too.
  account(round, `${from} ${to}`, outcome, outcome.exitCode === 0, await judge(), to.startsWith("docker:"));
  inspectOutput(round, `${from} ${to}`, outcome);
}

/** All images by one command, which goes on after failures and tells of each. */
async function synchronize(round: Round): Promise<void> {
  const { fromProxy, toProxy, destination } = round;
  const words = ["sync", ...QUICK, "--keep-going", "--preserve-digests", "--src=docker", "--dest=docker"];
  const tls = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const outcome = await runOurs([...words, ...tls, ...PATIENCE, `${fromProxy}/app`, `${toProxy}/synced`]);
  const verdicts = await Promise.all(
    [...round.images].map(
      async ([name, image]) => [name, await judgeRegistry(destination, "synced/app", name, image)] as const,
    ),
  );
  for (const [name, verdict] of verdicts) {
    const isReported = outcome.exitCode === 0 || verdict === "complete";
    account(round, `sync of ${name}`, outcome, isReported, verdict, true);
  }
  inspectOutput(round, "sync", outcome);
}

/** An image is complete, or it was reported and is absent. */
function account(
  { tally }: Round,
  what: string,
  outcome: Outcome,
  isSuccess: boolean,
  verdict: Verdict,
  mayBeThere: boolean,
): void {
  if (isSuccess) tally.copied++;
  else tally.failed++;
  const isRight = verdict === (isSuccess ? "complete" : "absent") || (mayBeThere && verdict === "complete");
  if (isRight) return;
  const found = typeof verdict === "string" ? verdict : verdict.wrong;
  tally.violations.push(
    `${what} ended with ${outcome.exitCode}, and the image is: ${found}\n${outcome.stderr}`,
  );
}

function inspectOutput({ tally }: Round, what: string, { exitCode, stdout, stderr }: Outcome): void {
  tally.retried += stderr.split("retrying in").length - 1;
  const text = stdout + stderr;
  const isSilent = exitCode !== 0 && !stderr.includes("level=fatal");
  if (isSilent) tally.violations.push(`${what} failed without a fatal record:\n${stderr}`);
  if (text.includes("\x1b") || /^\s+at /m.test(text))
    tally.violations.push(`${what} wrote to the terminal what it must not: ${JSON.stringify(text)}`);
}

function added(...registries: readonly MisbehavingRegistry[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { faults } of registries)
    for (const [name, count] of faults) sums.set(name, (sums.get(name) ?? 0) + count);
  return sums;
}
