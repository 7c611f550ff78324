import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../support/certificates.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, sha256, temporary, treeOf, writeLayout } from "../support/images.ts";
import { findProgram, newestSkopeo, peerTest } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, runOurs, runReal } from "../support/run.ts";
import { startTokenServer } from "../support/token-server.ts";

/** Mirrors, rewriting and blocking: real skopeo with the same registries.conf reads the same image, or fails as well. */
const hasPeers = newestSkopeo !== undefined && findProgram("docker-registry") !== undefined;
if (!hasPeers)
  console.error("LEFT OUT for want of skopeo, docker-registry: mirrors compared with real skopeo");

let origin: DockerRegistry;
let mirror: DockerRegistry;
let images: Record<"origin" | "mirror", ReturnType<typeof buildImage>>;

beforeAll(async () => {
  if (!hasPeers) return;
  [origin, mirror] = await Promise.all([startDockerRegistry(), startDockerRegistry()]);
  images = { origin: buildImage({ seed: "origin" }), mirror: buildImage({ seed: "mirror" }) };
  const layout = writeLayout(images);
  const push = async (name: keyof typeof images, host: string, repository: string): Promise<void> => {
    const words = [
      "copy",
      "--dest-tls-verify=false",
      `oci:${layout}:${name}`,
      `docker://${host}/${repository}:1`,
    ];
    expect(await runOurs(["--insecure-policy", ...words])).toMatchObject({ exitCode: 0 });
  };
  await push("origin", origin.host, "team/app");
  await push("mirror", mirror.host, "copies/app");
});

afterAll(async () => {
  await Promise.all([origin, mirror].map((registry) => registry?.[Symbol.asyncDispose]()));
});

const NOBODY = "127.0.0.1:1";

/** A registries.conf for `example.com/team`, with the hosts of the running registries in place of their names. */
function configuration(text: string): string {
  const file = join(temporary("registries"), "registries.conf");
  writeFileSync(
    file,
    text.replaceAll("ORIGIN", origin.host).replaceAll("MIRROR", mirror.host).replaceAll("NOBODY", NOBODY),
  );
  return file;
}

async function both(
  conf: string,
  name: string,
): Promise<{ ours: Outcome; theirs: Outcome; same: boolean; digest: string }> {
  const file = configuration(conf);
  const directory = temporary("mirrored");
  const copy = (folder: string): string[] => [
    ...["--registries-conf", file, "copy", `docker://${name}`, `dir:${join(directory, folder)}`],
  ];
  const ours = await runOurs(["--insecure-policy", ...copy("ours")]);
  const theirs = await runReal(copy("theirs"));
  const same =
    ours.exitCode !== 0 ||
    JSON.stringify(treeOf(join(directory, "ours"))) === JSON.stringify(treeOf(join(directory, "theirs")));
  const manifest = join(directory, "ours", "manifest.json");
  return { ours, theirs, same, digest: ours.exitCode === 0 ? sha256(readFileSync(manifest)) : "" };
}

const REWRITTEN = `[[registry]]
prefix = "example.com/team"
location = "ORIGIN/team"
insecure = true
`;

describe("real skopeo reads what we read", () => {
  const cases: Readonly<Record<string, readonly [conf: string, name: string, from: "origin" | "mirror"]>> = {
    "where a prefix is rewritten": [REWRITTEN, "example.com/team/app:1", "origin"],
    "from a mirror": [
      `${REWRITTEN}[[registry.mirror]]\nlocation = "MIRROR/copies"\ninsecure = true\n`,
      "example.com/team/app:1",
      "mirror",
    ],
    "from the second mirror when the first is down": [
      `${REWRITTEN}[[registry.mirror]]\nlocation = "NOBODY/x"\ninsecure = true\n[[registry.mirror]]\nlocation = "MIRROR/copies"\ninsecure = true\n`,
      "example.com/team/app:1",
      "mirror",
    ],
    "from the origin when the mirror lacks the image": [
      `${REWRITTEN}[[registry.mirror]]\nlocation = "MIRROR/empty"\ninsecure = true\n`,
      "example.com/team/app:1",
      "origin",
    ],
    "from the origin when mirrors are for digests": [
      `${REWRITTEN}mirror-by-digest-only = true\n[[registry.mirror]]\nlocation = "MIRROR/copies"\ninsecure = true\n`,
      "example.com/team/app:1",
      "origin",
    ],
    "from a mirror for tags": [
      `${REWRITTEN}[[registry.mirror]]\nlocation = "MIRROR/copies"\ninsecure = true\npull-from-mirror = "tag-only"\n`,
      "example.com/team/app:1",
      "mirror",
    ],
    "by a wildcard": [
      `[[registry]]\nprefix = "*.example.com"\nlocation = "ORIGIN"\ninsecure = true\n`,
      "eu.example.com/team/app:1",
      "origin",
    ],
    "by the longest prefix": [
      `${REWRITTEN}[[registry]]\nprefix = "example.com"\nlocation = "NOBODY"\ninsecure = true\n`,
      "example.com/team/app:1",
      "origin",
    ],
    "through a mirror of a blocked registry": [
      `[[registry]]\nprefix = "example.com/team"\nlocation = "ORIGIN/team"\nblocked = true\n[[registry.mirror]]\nlocation = "MIRROR/copies"\ninsecure = true\n`,
      "example.com/team/app:1",
      "mirror",
    ],
  };
  for (const [title, [conf, name, from]] of Object.entries(cases)) {
    test.skipIf(!hasPeers)(title, async () => {
      const { ours, theirs, same, digest } = await both(conf, name);
      expect(ours.stderr).not.toContain("level=fatal");
      expect([ours.exitCode, theirs.exitCode, same]).toEqual([0, 0, true]);
      expect(digest).toBe(images[from].top.digest);
    });
  }
});

describe("real skopeo refuses what we refuse:", () => {
  const cases: Readonly<Record<string, readonly [conf: string, name: string, reason: RegExp]>> = {
    "a blocked registry": [
      '[[registry]]\nlocation = "example.com"\nblocked = true\n',
      "example.com/team/app:1",
      /registry example.com is blocked in/,
    ],
    "all mirrors down, each with its error": [
      `[[registry]]\nprefix = "example.com"\nlocation = "NOBODY"\ninsecure = true\n[[registry.mirror]]\nlocation = "127.0.0.1:2/one"\ninsecure = true\n[[registry.mirror]]\nlocation = "127.0.0.1:3/two"\ninsecure = true\n`,
      "example.com/team/app:1",
      /Mirrors also failed: \[127.0.0.1:2\/one\/team\/app:1: [^\]]+refused\]\n\[127.0.0.1:3\/two\/team\/app:1: [^\]]+refused\]\): 127.0.0.1:1\/team\/app:1: /,
    ],
    "a file that is no TOML": ["[[registry]\n", "example.com/a", /registries.conf/],
    "a location with a scheme": [
      '[[registry]]\nlocation = "https://example.com"\n',
      "example.com/a",
      /invalid location 'https:\/\/example.com': URI schemes are not supported/,
    ],
  };
  for (const [title, [conf, name, reason]] of Object.entries(cases)) {
    test.skipIf(!hasPeers)(title, async () => {
      const { ours, theirs } = await both(conf, name);
      expect([ours.exitCode, theirs.exitCode]).toEqual([1, 1]);
      expect(fatalMessage(ours)).toMatch(reason);
      expect(fatalMessage(theirs)).toMatch(reason);
    });
  }
});

test.skipIf(!hasPeers)(
  "inspect lists no tags of a blocked registry, and does not go on without",
  async () => {
    const conf = configuration(`${REWRITTEN}blocked = true\n`);
    const inspect = ["--registries-conf", conf, "inspect", "docker://example.com/team/app:1"];
    for (const outcome of [await runOurs(inspect), await runReal(inspect)]) {
      expect(outcome).toMatchObject({ exitCode: 1, stdout: "" });
      expect(fatalMessage(outcome)).toMatch(/Error determining repository tags: .*team is blocked in/);
    }
  },
);

peerTest(
  "a pull-through mirror serves what it has never seen, and remembers it",
  ["docker-registry"],
  async () => {
    await using cache = await startDockerRegistry({ proxyOf: origin.url });
    const conf = configuration(
      `${REWRITTEN}[[registry.mirror]]\nlocation = "${cache.host}/team"\ninsecure = true\n`,
    );
    const directory = join(temporary("cached"), "image");
    const words = ["--insecure-policy", "--registries-conf", conf, "copy", "docker://example.com/team/app:1"];
    expect(await runOurs([...words, `dir:${directory}`])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(directory, "manifest.json"))).toEqual(
      Buffer.from(images.origin.blobs.get(images.origin.top.digest) ?? ""),
    );
    expect(cache.requests().some(({ target }) => target.includes("/blobs/"))).toBe(true);
  },
);

peerTest(
  "behind a token server, images are pushed, pulled, mounted and deleted, with the least that each needs",
  ["docker-registry", "skopeo 1.16", "openssl"],
  async () => {
    const user = { name: "jo", password: "pa:ss" };
    const authority = await createAuthority();
    await using tokens = await startTokenServer(await authority.issue("tokens"), user);
    // docker-registry trusts the authority of the tokens' certificate.
    const token = { ...tokens.configuration, rootcertbundle: authority.certificate };
    await using registry = await startDockerRegistry({ token });
    const layout = writeLayout({ v1: images.mirror });
    const image = `docker://${registry.host}/guarded:1`;
    const login = `${user.name}:${user.password}`;
    const push = ["copy", "--dest-tls-verify=false", `--dest-creds=${login}`, `oci:${layout}:v1`, image];
    expect(await runOurs(["--insecure-policy", ...push])).toMatchObject({ exitCode: 0 });
    expect(tokens.asked).toContainEqual({ user: "jo", scopes: ["repository:guarded:pull,push"] });
    const anonymous = ["inspect", "--tls-verify=false", "--no-creds", image];
    const ours = await runOurs(anonymous);
    expect(ours).toMatchObject({ exitCode: 0, stdout: (await runReal(anonymous)).stdout });
    expect(tokens.asked).toContainEqual({ user: "", scopes: ["repository:guarded:pull"] });
    const other = image.replace("guarded", "other");
    const mount = ["copy", "--src-tls-verify=false", "--dest-tls-verify=false"];
    const across = [...mount, `--src-creds=${login}`, `--dest-creds=${login}`, image, other];
    expect(await runOurs(["--insecure-policy", ...across])).toMatchObject({ exitCode: 0 });
    expect(tokens.asked.flatMap(({ scopes }) => scopes)).toContain("repository:other:pull,push");
    const wrong = await runOurs(["inspect", "--tls-verify=false", "--creds=jo:marker-1234", image]);
    expect(wrong.exitCode).toBe(1);
    expect(fatalMessage(wrong)).toContain("unable to retrieve auth token: invalid username/password: ");
    expect(wrong.stderr).not.toContain("marker-1234");
    expect(await runOurs(["delete", "--tls-verify=false", "--no-creds", image])).toMatchObject({
      exitCode: 1,
    });
    expect(await runOurs(["delete", "--tls-verify=false", `--creds=${login}`, image])).toMatchObject({
      exitCode: 0,
    });
    await mustRun([newestSkopeo?.path ?? "", "inspect", "--tls-verify=false", `--creds=${login}`, other]);
  },
);
