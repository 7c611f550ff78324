import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { temporary } from "../support/images.ts";
import { logMessages } from "../support/log-messages.ts";
import { findProgram, peerPath, peerTest } from "../support/peers.ts";
import { mustRun, type Outcome, runOurs, runReal } from "../support/run.ts";

/** Each sequence of commands is run twice, by real skopeo and by ours, in two homes that must be equal afterwards. */
const skopeo = peerPath("skopeo 1.16");
const hasPeers = skopeo !== undefined && findProgram("docker-registry") !== undefined;
if (!hasPeers) console.error("LEFT OUT for want of skopeo 1.16, docker-registry: login and logout");

const user = { name: "me", password: "pass word" };
let registry: DockerRegistry;
let open: DockerRegistry;

beforeAll(async () => {
  if (!hasPeers) return;
  [registry, open] = await Promise.all([startDockerRegistry({ user }), startDockerRegistry()]);
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await open?.[Symbol.asyncDispose]();
});

interface Step {
  readonly words: readonly string[];
  readonly stdin?: string;
}

/** What a sequence of commands said, and the credential files that it left. HOST stands for the registry, HOME for the home. */
async function play(
  tool: "ours" | "real",
  steps: readonly Step[],
  files: Readonly<Record<string, string>>,
): Promise<unknown> {
  const home = temporary("login");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text.replaceAll("HOST", registry.host));
    if (path.startsWith("bin/")) chmodSync(join(home, path), 0o755);
  }
  const env = {
    HOME: home,
    XDG_RUNTIME_DIR: join(home, "run"),
    PATH: `${join(home, "bin")}:${process.env.PATH ?? ""}`,
    STORE: join(home, "store"),
  };
  mkdirSync(env.XDG_RUNTIME_DIR, { recursive: true });
  const said: unknown[] = [];
  for (const { words, stdin } of steps) {
    const concrete = words.map((word) =>
      word.replaceAll("HOST", registry.host).replaceAll("HOME", home).replaceAll("OPEN", open.host),
    );
    const options = { env, ...(stdin === undefined ? {} : { stdin }) };
    const outcome = tool === "ours" ? await runOurs(concrete, options) : await runReal(concrete, options);
    said.push(describeOutcome(outcome, home));
  }
  const kept = ["run/containers/auth.json", "auth.json", ".docker/config.json", "store", "config.json"];
  return {
    said,
    files: kept.map((path) => {
      const file = join(home, path);
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      // Real skopeo leaves a file without logins where there was none.
      if (text === "" || text === '{\n\t"auths": {}\n}') return [path];
      // Real skopeo writes a file anew also where there is nothing to change.
      const isUntouched = text.includes("credHelpers");
      return [path, isUntouched ? JSON.parse(text).credHelpers : [statSync(file).mode & 0o777, text]];
    }),
  };
}

function describeOutcome({ exitCode, stdout, stderr }: Outcome, home: string): unknown {
  const own = (text: string): string => text.replaceAll(home, "HOME");
  return [exitCode, own(stdout), logMessages(own(stderr), "fatal"), logMessages(own(stderr), "warning")];
}

const login = (...words: string[]): Step => ({
  words: ["login", "--tls-verify=false", "-u", user.name, "-p", user.password, ...words],
});

describe("login and logout do and say what real skopeo's do and say", () => {
  const encoded = Buffer.from(`${user.name}:${user.password}`).toString("base64");
  const dockerFile = JSON.stringify({
    auths: { HOST: { auth: encoded } },
    credsStore: "none",
    HttpHeaders: { a: "b" },
  });
  const helper = [
    "#!/bin/sh",
    'input=$(cat); echo "$1 $input" >> "$STORE"',
    `if [ "$1" = get ]; then echo '{"ServerURL":"HOST","Username":"me","Secret":"pass word"}'; fi`,
  ].join("\n");
  const cases: Readonly<
    Record<string, { steps: readonly Step[]; files?: Readonly<Record<string, string>> }>
  > = {
    "in and out": {
      steps: [
        login("-v", "HOST"),
        { words: ["login", "--get-login", "HOST"] },
        { words: ["logout", "HOST"] },
        { words: ["logout", "HOST"] },
      ],
    },
    "with the password from standard input": {
      steps: [
        {
          words: ["login", "--tls-verify=false", "-u", "me", "--password-stdin", "HOST"],
          stdin: "pass word\n",
        },
      ],
    },
    "with a wrong password": {
      steps: [{ words: ["login", "--tls-verify=false", "-u", "me", "-p", "wrong", "HOST"] }],
    },
    "once more, with what is stored": {
      steps: [login("HOST"), { words: ["login", "--tls-verify=false", "HOST"] }],
    },
    "to a namespace": {
      steps: [
        login("HOST/team/app"),
        login("HOST"),
        { words: ["login", "--get-login", "HOST/team/app/sub"] },
        { words: ["logout", "HOST"] },
        { words: ["login", "--get-login", "HOST/team"] },
        { words: ["logout", "HOST/team/app"] },
      ],
    },
    "to several, and out of all": {
      steps: [login("HOST"), login("OPEN"), { words: ["logout", "--all"] }, { words: ["logout", "-a"] }],
    },
    "by a URL": { steps: [login("http://HOST/v1/"), { words: ["logout", "https://HOST/x"] }] },
    "in a file of one's own": {
      steps: [
        login("--authfile", "HOME/auth.json", "HOST"),
        { words: ["logout", "--authfile", "HOME/auth.json", "HOST"] },
      ],
    },
    "in docker's file, of which the rest stays": {
      steps: [
        login("--compat-auth-file", "HOME/config.json", "OPEN"),
        { words: ["logout", "--compat-auth-file", "HOME/config.json", "OPEN"] },
      ],
      files: { "config.json": JSON.stringify({ auths: {}, detachKeys: "ctrl-x", nested: { a: [1, 2] } }) },
    },
    "a namespace in docker's file": { steps: [login("--compat-auth-file", "HOME/config.json", "HOST/team")] },
    "out of what the docker command stored": {
      steps: [{ words: ["logout", "--tls-verify=false", "HOST"] }],
      files: { ".docker/config.json": dockerFile },
    },
    "through a credential helper": {
      steps: [
        login("-v", "HOST"),
        { words: ["login", "--get-login", "HOST"] },
        { words: ["logout", "HOST"] },
      ],
      files: {
        "bin/docker-credential-mine": helper,
        "run/containers/auth.json": JSON.stringify({ credHelpers: { HOST: "mine" } }),
      },
    },
    "through a helper that is not there": {
      steps: [login("HOST")],
      files: { "run/containers/auth.json": JSON.stringify({ credHelpers: { HOST: "absent" } }) },
    },
    "out of registries that are called as members of objects are": {
      steps: ["constructor", "__proto__", "toString"].map((name) => ({ words: ["logout", name] })),
      files: { "run/containers/auth.json": JSON.stringify({ auths: {}, credHelpers: { other: "mine" } }) },
    },
    mistakes: {
      steps: [
        ...[["login"], ["login", "a", "b"], ["logout"], ["logout", "a", "b"], ["logout", "--all", "a"]],
        ["login", "--authfile=a", "--compat-auth-file=b", "HOST"],
        ["login", "--password-stdin", "HOST"],
        ["login", "-u", "me", "-p", "x", "--password-stdin", "HOST"],
        ["login", "Host/NS"],
        ["login", "host/ns:tag"],
        ["login", "HOST"],
        ["login", "-u", "me", "HOST"],
        ["login", "--get-login", "HOST"],
        ["logout", "--authfile", "HOME/none.json", "HOST"],
      ].map((words) => ({ words })),
    },
    "a file that is broken": {
      steps: [
        login("--authfile", "HOME/auth.json", "HOST"),
        { words: ["logout", "--authfile", "HOME/auth.json", "HOST"] },
      ],
      files: { "auth.json": '{"auths": {"HOST": {"auth": "c2VjcmV0OnNlY3JldA=="' },
    },
  };
  for (const [title, { steps, files = {} }] of Object.entries(cases)) {
    test.skipIf(!hasPeers)(title, async () => {
      const [mine, theirs] = [await play("ours", steps, files), await play("real", steps, files)];
      if (title === "a file that is broken") {
        // Neither changes it; how they say so differs in the parser's words.
        expect(exitCodes(mine)).toEqual(exitCodes(theirs));
        expect(JSON.stringify(mine)).not.toContain("secret");
      } else expect(mine).toEqual(theirs);
    });
  }
});

function exitCodes(played: unknown): unknown {
  return (played as { said: readonly (readonly unknown[])[] }).said.map(([code]) => code);
}

test.skipIf(!hasPeers)("several logins at the same time are all kept", async () => {
  const directory = temporary("logins");
  const file = join(directory, "auth.json");
  const names = Array.from({ length: 8 }, (_, i) => `${open.host}/team${i}`);
  const outcomes = await Promise.all(
    names.map((name) =>
      runOurs(["login", "--tls-verify=false", "-u", "a", "-p", "b", "--authfile", file, name]),
    ),
  );
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual(names.map(() => 0));
  expect(Object.keys(JSON.parse(readFileSync(file, "utf8")).auths)).toEqual(names);
});

test.skipIf(!hasPeers)("a file behind a symbolic link is replaced, and the link stays", async () => {
  const directory = temporary("linked");
  const target = join(directory, "target.json");
  writeFileSync(target, '{"auths": {}, "mine": true}');
  symlinkSync(target, join(directory, "auth.json"));
  const words = [
    "login",
    "--tls-verify=false",
    "-u",
    "a",
    "-p",
    "b",
    "--authfile",
    join(directory, "auth.json"),
  ];
  expect((await runOurs([...words, open.host])).exitCode).toBe(0);
  expect(JSON.parse(readFileSync(target, "utf8"))).toMatchObject({ mine: true });
  expect(statSync(target).mode & 0o777).toBe(0o600);
});

peerTest("podman reads what we write", ["podman", "docker-registry"], async () => {
  if (!hasPeers) return;
  const file = join(temporary("podman"), "auth.json");
  const words = ["login", "--tls-verify=false", "-u", user.name, "-p", user.password, "--authfile", file];
  expect((await runOurs([...words, registry.host])).exitCode).toBe(0);
  const found = await mustRun(["podman", "login", "--get-login", "--authfile", file, registry.host]);
  expect(found.trim()).toBe(user.name);
});

peerTest("a terminal asks, and shows no password", ["script", "docker-registry"], async () => {
  if (!hasPeers) return;
  const file = join(temporary("terminal"), "auth.json");
  const program =
    process.env.SKOPEO_BINARY ?? `${process.execPath} ${join(import.meta.dir, "../../src/cli/bin.ts")}`;
  const command = `${program} login --tls-verify=false --authfile ${file} ${registry.host}`;
  const typed = `(sleep 1; printf 'me\\n'; sleep 1; printf 'pass wordX\\177\\n'; sleep 1)`;
  const shown = await mustRun(["sh", "-c", `${typed} | script -qec "${command}" /dev/null`]);
  expect(shown).toContain("Username: ");
  expect(shown).toContain("Password: ");
  expect(shown).toContain("Login Succeeded!");
  expect(shown).not.toContain("pass word");
  expect(readFileSync(file, "utf8")).toContain(Buffer.from("me:pass word").toString("base64"));
});
