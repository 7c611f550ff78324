import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { temporary, writeLayout } from "../support/images.ts";
import { startOurs } from "../support/run.ts";
import { listen, type Phase, stallingImage, startStalling } from "./stalling-registry.ts";

/** Whatever falls silent, a command ends in time, with the exit code of its end, and leaves nothing behind. */
const PATIENCE = 2000;
/** Milliseconds; the program's own start is part of it. */
const COMMAND_TIMEOUT = 1500;
const AT_A_TIME = 6;
const ENDS = ["SIGINT", "SIGTERM", "timeout"] as const;
type End = (typeof ENDS)[number];

const EXIT_CODES: Readonly<Record<End, number>> = { SIGINT: 130, SIGTERM: 143, timeout: 1 };
const MESSAGES: Readonly<Record<End, string>> = {
  SIGINT: "interrupted by SIGINT",
  SIGTERM: "interrupted by SIGTERM",
  timeout: "context deadline exceeded",
};

/** What a case runs in: a registry that stalls, and a directory of its own. */
interface Place {
  readonly host: string;
  readonly directory: string;
}

interface Case {
  readonly phase: Phase;
  readonly words: (place: Place) => readonly string[];
  readonly env?: (place: Place) => Readonly<Record<string, string>>;
  /** Writes what the command needs. */
  readonly prepare?: (place: Place) => void;
  /** A program of this name is on PATH that says its process id and then hangs. */
  readonly hanging?: string;
}

const PLAIN = "--src-tls-verify=false";
const TO_PLAIN = "--dest-tls-verify=false";
const layout = writeLayout({ latest: stallingImage() });

function image({ host }: Place): string {
  return `docker://${host}/app:latest`;
}
const inspect = (place: Place): string[] => ["inspect", "--tls-verify=false", image(place)];
const tls = (place: Place): string[] => ["inspect", image(place)];
const rawInspect = (place: Place): string[] => ["inspect", "--raw", "--tls-verify=false", image(place)];
const pull = (place: Place): string[] => ["copy", PLAIN, image(place), `dir:${place.directory}/out`];
const listTags = ({ host }: Place): string[] => ["list-tags", "--tls-verify=false", `docker://${host}/app`];
const remove = (place: Place): string[] => ["delete", "--tls-verify=false", image(place)];
const push = ({ host }: Place): string[] => [
  "copy",
  TO_PLAIN,
  `oci:${layout}:latest`,
  `docker://${host}/new:1`,
];
const check = (place: Place): string[] => ["policy", "check", "--tls-verify=false", image(place)];
const syncDown = ({ host, directory }: Place): string[] => [
  ...["sync", PLAIN, "--src", "docker", "--dest", "dir", `${host}/app`, `${directory}/out`],
];
const syncUp = ({ host, directory }: Place): string[] => [
  ...["sync", TO_PLAIN, "--src", "dir", "--dest", "docker", `${directory}/in`, host],
];
const referrers = (place: Place): string[] => [
  ...["copy", PLAIN, TO_PLAIN, "--with-referrers", image(place), `docker://${place.host}/new:1`],
];
const archive =
  (kind: string) =>
  (place: Place): string[] => [...["copy", PLAIN, image(place), `${kind}:${place.directory}/out.tar:x:1`]];
const logIn = ({ host, directory }: Place): string[] => [
  ...["login", "--tls-verify=false", "--authfile", `${directory}/auth.json`, "-u", "u", "-p", "p", host],
];
const signingPull = (place: Place): string[] => [
  ...["copy", PLAIN, "--sign-by", "someone@example.com", image(place), `dir:${place.directory}/out`],
];

function authFile(place: Place): void {
  const content = { credHelpers: { [place.host]: "hang" } };
  writeFileSync(join(place.directory, "auth.json"), JSON.stringify(content));
}
const withAuthFile = ({ directory }: Place) => ({ REGISTRY_AUTH_FILE: join(directory, "auth.json") });

function lookaside({ host, directory }: Place): void {
  mkdirSync(join(directory, "registries.d"));
  const text = `default-docker:\n  lookaside: http://${host}/lookaside\n`;
  writeFileSync(join(directory, "registries.d", "default.yaml"), text);
}

function signer({ directory }: Place): void {
  const bytes = stallingImage().blobs.get(stallingImage().top.digest) ?? Buffer.alloc(0);
  writeFileSync(join(directory, "manifest.json"), bytes);
}

function sourceDirectory({ directory }: Place): void {
  const out = join(directory, "in", "new:1");
  mkdirSync(out, { recursive: true });
  const { top, blobs } = stallingImage();
  writeFileSync(join(out, "version"), "Directory Transport Version: 1.1\n");
  for (const [digest, bytes] of blobs)
    writeFileSync(join(out, digest === top.digest ? "manifest.json" : digest.slice(7)), bytes);
}

const CASES: Readonly<Record<string, Case>> = {
  "inspect: TLS handshake": { phase: "accept", words: tls },
  "inspect: connection without an answer": { phase: "accept", words: inspect },
  "inspect: ping": { phase: "ping", words: inspect },
  "inspect: token": { phase: "token", words: inspect },
  "inspect: manifest headers": { phase: "manifest headers", words: inspect },
  "inspect: manifest body": { phase: "manifest body", words: rawInspect },
  "inspect: config headers": { phase: "blob headers", words: inspect },
  "inspect: config body": { phase: "blob body", words: inspect },
  "inspect: tags": { phase: "tags", words: inspect },
  "inspect: credential helper": {
    ...{
      phase: "token",
      words: inspect,
      prepare: authFile,
      env: withAuthFile,
      hanging: "docker-credential-hang",
    },
  },
  "copy from: TLS handshake": { phase: "accept", words: (p) => ["copy", image(p), `dir:${p.directory}/out`] },
  "copy from: token": { phase: "token", words: pull },
  "copy from: manifest body": { phase: "manifest body", words: pull },
  "copy from: blob headers": { phase: "blob headers", words: pull },
  "copy from: blob body, to dir": { phase: "blob body", words: pull },
  "copy from: blob body, to oci-archive": { phase: "blob body", words: archive("oci-archive") },
  "copy from: blob body, to docker-archive": { phase: "blob body", words: archive("docker-archive") },
  "copy from: blob body, to oci": {
    ...{ phase: "blob body", words: (p) => ["copy", PLAIN, image(p), `oci:${p.directory}/out:1`] },
  },
  "copy from: lookaside": {
    ...{ phase: "signature", prepare: lookaside },
    words: (p) => ["--registries.d", `${p.directory}/registries.d`, ...pull(p)],
  },
  "copy: gpg": { phase: "never", words: signingPull, hanging: "gpg" },
  "copy to: ping": { phase: "ping", words: push },
  "copy to: upload POST": { phase: "upload POST", words: push },
  "copy to: upload body": { phase: "upload body", words: push },
  "copy to: upload PATCH answer": {
    ...{ phase: "upload PATCH answer" },
    words: (p) => [...push(p), "--dest-compress-format=zstd", "--dest-force-compress-format"],
  },
  "copy to: upload PUT answer": { phase: "upload PUT answer", words: push },
  "copy to: manifest PUT answer": { phase: "manifest PUT answer", words: push },
  "list-tags: ping": { phase: "ping", words: listTags },
  "list-tags: page": { phase: "tags", words: listTags },
  "list-tags: body of a page": { phase: "tags body", words: listTags },
  "delete: manifest headers": { phase: "manifest headers", words: remove },
  "delete: answer": { phase: "DELETE answer", words: remove },
  "login: ping": { phase: "ping", words: logIn },
  "login: token": { phase: "token", words: logIn },
  "login: credential helper": {
    ...{ phase: "never", prepare: authFile, hanging: "docker-credential-hang", words: logIn },
  },
  "logout: credential helper": {
    ...{ phase: "never", prepare: authFile, hanging: "docker-credential-hang" },
    words: ({ host, directory }) => ["logout", "--authfile", `${directory}/auth.json`, host],
  },
  "config: credential helper": {
    ...{ phase: "never", prepare: authFile, env: withAuthFile, hanging: "docker-credential-hang" },
    words: (place) => ["config", "check", image(place)],
  },
  "policy: manifest headers": { phase: "manifest headers", words: check },
  "standalone-sign: gpg": {
    ...{ phase: "never", prepare: signer, hanging: "gpg" },
    words: ({ directory }) => [
      ...["standalone-sign", `${directory}/manifest.json`, "example.com/a:1", "someone@example.com"],
      ...["-o", `${directory}/out.signature`],
    ],
  },
  "sync: tags": { phase: "tags", words: syncDown },
  "sync: manifest headers": { phase: "manifest headers", words: syncDown },
  "sync: blob body": { phase: "blob body", words: syncDown },
  "copy: referrers": { phase: "referrers", words: referrers },
  "sync to: upload body": { phase: "upload body", words: syncUp, prepare: sourceDirectory },
  "sync to: manifest PUT answer": { phase: "manifest PUT answer", words: syncUp, prepare: sourceDirectory },
};

/** Its process id goes to a file, and it never ends by itself. */
function writeHanging(name: string, { directory }: Place): void {
  mkdirSync(join(directory, "bin"));
  const script = `#!/bin/sh\necho $$ > ${directory}/pid.new && mv ${directory}/pid.new ${directory}/pid\nexec sleep 60\n`;
  writeFileSync(join(directory, "bin", name), script, { mode: 0o755 });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(20);
}

interface Ended {
  readonly exitCode: number;
  readonly stderr: string;
  /** Milliseconds from the signal, or from the start where the clock ended it. */
  readonly took: number;
  /** What is left in the temporary directory. */
  readonly left: readonly string[];
  readonly helperLives: boolean;
}

async function endOne(one: Case, end: End): Promise<Ended> {
  await using registry = await startStalling(one.phase);
  const place: Place = { host: registry.host, directory: temporary("cancel") };
  const scratch = join(place.directory, "tmp");
  mkdirSync(scratch);
  one.prepare?.(place);
  if (one.hanging !== undefined) writeHanging(one.hanging, place);
  const pidFile = join(place.directory, "pid");
  const timeout = end === "timeout" ? [`--command-timeout=${COMMAND_TIMEOUT}ms`] : [];
  const began = Date.now();
  const program = startOurs(["--insecure-policy", "--tmpdir", scratch, ...timeout, ...one.words(place)], {
    env: {
      PATH: `${place.directory}/bin:${process.env.PATH ?? ""}`,
      TMPDIR: scratch,
      GNUPGHOME: scratch,
      ...one.env?.(place),
    },
  });
  const output = new Response(program.stderr).text();
  const waiting = one.hanging === undefined ? registry.stalled : until(() => existsSync(pidFile));
  const early = program.exited.then(async (code) => `ended with ${code}: ${await output}\n${registry.seen}`);
  if (end !== "timeout") {
    const ended = await Promise.race([
      waiting,
      early,
      Bun.sleep(10_000).then(() => `never there: ${registry.seen}`),
    ]);
    if (typeof ended === "string") {
      program.kill("SIGKILL");
      throw new Error(ended);
    }
    await Bun.sleep(50);
    program.kill(end);
  }
  const from = end === "timeout" ? began : Date.now();
  const guard = setTimeout(() => program.kill("SIGKILL"), 12_000);
  const exitCode = await program.exited;
  clearTimeout(guard);
  const took = Date.now() - from;
  const stderr = await output;
  const helperLives =
    one.hanging !== undefined && existsSync(pidFile) && isAlive(readFileSync(pidFile, "utf8"));
  const left = [
    ...readdirSync(scratch),
    ...readdirSync(place.directory, { recursive: true, encoding: "utf8" }).filter((name) =>
      /put-blob|put-image|\.tmp-|container_images|out\.tar|\.lock$/.test(name),
    ),
  ];
  rmSync(place.directory, { recursive: true, force: true });
  return { exitCode, stderr, took, left, helperLives };
}

function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid.trim()}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Lets so many run at a time; the machine's cores are few, and its time is what is measured. */
function createGate(places: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = places;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free++;
      else next();
    }
  };
}

describe("a command whose other side falls silent", () => {
  const gate = createGate(AT_A_TIME);
  for (const [name, one] of Object.entries(CASES)) {
    for (const end of ENDS) {
      test.concurrent(`${name}: ends by ${end}`, async () => {
        const { exitCode, stderr, took, left, helperLives } = await gate(() => endOne(one, end));
        expect(stderr).toContain(MESSAGES[end]);
        expect({ exitCode, left, helperLives }).toEqual({
          exitCode: EXIT_CODES[end],
          left: [],
          helperLives: false,
        });
        expect(took).toBeLessThan(PATIENCE + (end === "timeout" ? COMMAND_TIMEOUT : 0));
      }, 120_000);
    }
  }
});

describe("docker-daemon that falls silent", () => {
  for (const end of ["SIGINT", "SIGTERM"] as const) {
    test.concurrent(`ends by ${end}`, async () => {
      const { promise: asked, resolve } = Promise.withResolvers<void>();
      const server = createServer((socket) => {
        socket.on("error", () => undefined).on("data", () => resolve());
      });
      const url = `http://127.0.0.1:${await listen(server)}`;
      const program = startOurs(["inspect", "--daemon-host", url, "docker-daemon:app:1"]);
      await asked;
      const began = Date.now();
      program.kill(end);
      expect(await program.exited).toBe(EXIT_CODES[end]);
      expect(Date.now() - began).toBeLessThan(PATIENCE);
      server.close();
    });
  }
});

describe("serve", () => {
  for (const end of ["SIGINT", "SIGTERM"] as const) {
    test.concurrent(`ends by ${end} with connections open and an upload half way`, async () => {
      const program = startOurs(["serve", "--memory"]);
      const reader = program.stdout.getReader();
      const greeting = new TextDecoder().decode((await reader.read()).value);
      const port = Number(/http:\/\/[^:]+:(\d+)/.exec(greeting)?.[1]);
      const sockets = [
        "",
        "GET /v2/ HTTP/1.1\r\nHost: x\r\n",
        "GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf",
      ].map((text) => {
        const socket = connect(port, "127.0.0.1", () => socket.write(text));
        return socket.on("error", () => undefined);
      });
      await Bun.sleep(200);
      const began = Date.now();
      program.kill(end);
      expect([0, EXIT_CODES[end]]).toContain(await program.exited);
      expect(Date.now() - began).toBeLessThan(PATIENCE);
      for (const socket of sockets) socket.destroy();
    });
  }
});
