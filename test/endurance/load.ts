import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { copy, ImageEnvironment } from "../../src/index.ts";
import { buildImage, sha256, type TestImage, temporary, writeLayout } from "../support/images.ts";
import { startOurs } from "../support/run.ts";

/** A running `serve` that tells how much memory it took. */
export interface Served extends AsyncDisposable {
  readonly host: string;
  /** The most memory that it has had, in MiB. */
  peakMemory(): number;
}

export async function startServing(words: readonly string[]): Promise<Served> {
  const program = startOurs(["serve", ...words]);
  const { value } = await program.stdout.getReader().read();
  const host = /http:\/\/(\S+)/.exec(new TextDecoder().decode(value))?.[1];
  if (host === undefined) throw new Error(await new Response(program.stderr).text());
  return {
    host,
    peakMemory() {
      const status = readFileSync(`/proc/${program.pid}/status`, "utf8");
      return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) / 1024;
    },
    async [Symbol.asyncDispose]() {
      program.kill();
      await program.exited;
    },
  };
}

/** So many clients at once push an image of their own, and pull it and their neighbour's; gives what went wrong. */
export async function burden(host: string, clients: number, layerSize: number): Promise<readonly string[]> {
  const images = Array.from({ length: clients }, (_, i) =>
    buildImage({ seed: `load-${i}`, layers: [layerSize, 500] }),
  );
  const pushes = await Promise.allSettled(
    images.map((image, i) => pushRaw(host, `load/app${i % 20}`, `v${i}`, image)),
  );
  const pulls = await Promise.allSettled(
    images.map((image, i) => pullRaw(host, `load/app${i % 20}`, `v${i}`, image)),
  );
  return [...pushes, ...pulls].flatMap((one) => (one.status === "rejected" ? [String(one.reason)] : []));
}

async function pushRaw(host: string, repository: string, tag: string, image: TestImage): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  for (const [digest, body] of image.blobs) {
    if (digest === image.top.digest) continue;
    const begun = await expectStatus(202, fetch(`${base}/blobs/uploads/`, { method: "POST" }));
    const url = new URL(begun.headers.get("location") ?? "", base);
    url.searchParams.set("digest", digest);
    await expectStatus(201, fetch(url, { method: "PUT", body: new Uint8Array(body) }));
  }
  const body = new Uint8Array(image.blobs.get(image.top.digest) ?? []);
  const headers = { "Content-Type": image.top.mediaType };
  await expectStatus(201, fetch(`${base}/manifests/${tag}`, { method: "PUT", body, headers }));
}

async function pullRaw(host: string, repository: string, tag: string, image: TestImage): Promise<void> {
  const base = `http://${host}/v2/${repository}`;
  const headers = { Accept: image.top.mediaType };
  await expectDigest(image.top.digest, fetch(`${base}/manifests/${tag}`, { headers }));
  for (const digest of image.blobs.keys())
    if (digest !== image.top.digest) await expectDigest(digest, fetch(`${base}/blobs/${digest}`));
}

async function expectStatus(status: number, asked: Promise<Response>): Promise<Response> {
  const answer = await asked;
  const text = await answer.text();
  if (answer.status !== status) throw new Error(`${answer.url}: ${answer.status} ${text}`);
  return answer;
}

async function expectDigest(digest: string, asked: Promise<Response>): Promise<void> {
  const answer = await asked;
  const actual = sha256(new Uint8Array(await answer.arrayBuffer()));
  if (actual !== digest) throw new Error(`${answer.url}: ${answer.status}, digest ${actual}`);
}

/** What this process has open and holds. */
export interface Holdings {
  readonly descriptors: number;
  readonly sockets: number;
  /** MiB, after a collection. */
  readonly heap: number;
}

/** Copies one tiny image again and again in this process, to a registry and back. Gives what it held before and after. */
export async function copyOften(
  host: string,
  times: number,
): Promise<{ readonly before: Holdings; readonly after: Holdings }> {
  const layout = writeLayout({ v1: buildImage({ seed: "tiny", layers: [100] }) });
  const directory = temporary("often");
  const environment = new ImageEnvironment();
  const access = { tlsVerify: false };
  const options = {
    environment,
    policy: "accept-anything",
    sourceAccess: access,
    destinationAccess: access,
  } as const;
  const both = async (i: number): Promise<void> => {
    await copy(`oci:${layout}:v1`, `docker://${host}/often/app:v${i % 10}`, options);
    await copy(`docker://${host}/often/app:v${i % 10}`, `dir:${join(directory, String(i % 10))}`, options);
  };
  for (let i = 0; i < 20; i++) await both(i);
  const before = await holdings();
  for (let i = 0; i < times / 2; i++) await both(i);
  return { before, after: await holdings() };
}

async function holdings(): Promise<Holdings> {
  // Idle connections are closed a while after their last use; what is freed is counted after a collection.
  await Bun.sleep(300);
  Bun.gc(true);
  const open = readdirSync("/proc/self/fd");
  const sockets = open.filter((name) => isSocket(`/proc/self/fd/${name}`)).length;
  return { descriptors: open.length, sockets, heap: process.memoryUsage().heapUsed / 2 ** 20 };
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    return false;
  }
}
