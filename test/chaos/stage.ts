import { expect } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildImage, type TestImage, temporary, treeOf, writeDirectory } from "../support/images.ts";
import { type Outcome, runOurs } from "../support/run.ts";
import { startServe } from "../support/serve.ts";
import type { Fault } from "./fault.ts";
import {
  type MisbehavingRegistry,
  type Rule,
  type SeenRequest,
  startMisbehaving,
} from "./misbehaving-registry.ts";

/** What `Authorization` must never carry to a stranger. */
export const PASSWORD = "chaos-secret-51c";
/** A failure takes no longer than this, in milliseconds, on a machine with other work. */
const LONGEST = 30_000;

export const image: TestImage = buildImage({ seed: "misbehaving", layers: [60_000, 2000] });
const manifest = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);
export const layer: string = JSON.parse(manifest.toString()).layers[0].digest;

/** Where in the image's manifest a text begins. */
export function manifestByte(text: string): number {
  return manifest.indexOf(text);
}

export const isManifest = ({ target }: SeenRequest): boolean => target.includes("/manifests/");
export const isLayer = ({ target }: SeenRequest): boolean => target.includes(layer.slice("sha256:".length));
export const isBlob = ({ target }: SeenRequest): boolean => target.includes("/blobs/sha256:");

/** The fault for the first `times` requests of a kind. */
export function when(
  matches: (request: SeenRequest) => boolean,
  fault: Fault,
  times: number = Number.POSITIVE_INFINITY,
): Rule {
  let left = times;
  return (request) => (matches(request) && left-- > 0 ? fault : undefined);
}

export interface Pulled {
  readonly outcome: Outcome;
  readonly directory: string;
  readonly registry: MisbehavingRegistry;
  /** Milliseconds. */
  readonly time: number;
}

/** A registry with the image under `app:1`. */
export async function startSource(): Promise<{ readonly host: string } & AsyncDisposable> {
  const registry = await startServe();
  const words = ["copy", "--insecure-policy", "--dest-tls-verify=false", `dir:${writeDirectory(image)}`];
  const { exitCode, stderr } = await runOurs([...words, `docker://${registry.host}/app:1`]);
  if (exitCode !== 0) throw new Error(stderr);
  return registry;
}

/** Copies `app:1` through the proxy to a directory. */
export async function pull(upstream: string, rule: Rule, flags: readonly string[] = []): Promise<Pulled> {
  await using registry = await startMisbehaving(upstream, rule);
  const directory = join(temporary("chaos"), "image");
  const started = performance.now();
  const words = ["copy", "--insecure-policy", "--src-tls-verify=false", "--stall-timeout=500ms", ...flags];
  const outcome = await runOurs([...words, `docker://${registry.host}/app:1`, `dir:${directory}`]);
  return { outcome, directory, registry, time: performance.now() - started };
}

/** Copies the image to `app:1` of an empty registry, through the proxy. */
export async function push(
  rule: Rule,
  flags: readonly string[] = [],
): Promise<{ outcome: Outcome; isTagged: boolean; time: number; registry: MisbehavingRegistry }> {
  await using upstream = await startServe();
  await using registry = await startMisbehaving(upstream.host, rule);
  const words = ["copy", "--insecure-policy", "--dest-tls-verify=false", "--stall-timeout=500ms", ...flags];
  const source = `dir:${writeDirectory(image)}`;
  const started = performance.now();
  const outcome = await runOurs([...words, source, `docker://${registry.host}/app:1`]);
  const time = performance.now() - started;
  const accept = { Accept: image.top.mediaType };
  const answer = await fetch(`http://${upstream.host}/v2/app/manifests/1`, { headers: accept });
  const isTagged = answer.ok;
  if (isTagged) expect(Buffer.from(await answer.arrayBuffer()).equals(manifest)).toBe(true);
  return { outcome, isTagged, time, registry };
}

/** The whole image has come, byte for byte. */
export function expectWhole({ outcome, directory }: Pulled): void {
  expect(outcome.stderr).not.toContain("level=fatal");
  expect(outcome.exitCode).toBe(0);
  expect(treeOf(directory)).toEqual(treeOf(writeDirectory(image)));
  expectTidy(outcome);
}

/** Nothing has come, and one line says why. */
export function expectRefusal(pulled: Pulled, message: RegExp): void {
  expectFailure(pulled.outcome, pulled.time, message);
  expect(existsSync(pulled.directory)).toBe(false);
}

export function expectFailure(outcome: Outcome, time: number, message: RegExp): void {
  expect(outcome.exitCode).not.toBe(0);
  const fatal = outcome.stderr.split("\n").filter((line) => line.includes("level=fatal"));
  expect(fatal).toHaveLength(1);
  expect(fatal[0]).toMatch(message);
  expectTidy(outcome);
  expect(time).toBeLessThan(LONGEST);
}

/** No stack, nothing that a terminal would obey, no secret. */
export function expectTidy({ stdout, stderr }: Outcome): void {
  const text = stdout + stderr;
  expect(text).not.toMatch(/^\s+at /m);
  expect(text).not.toContain("\x1b");
  expect(text).not.toContain(PASSWORD);
  expect(stderr.length).toBeLessThan(20_000);
}
