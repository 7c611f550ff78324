import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FIXTURES } from "../signing/fixtures.ts";
import { GpgHome } from "../signing/openpgp/gpg-home.ts";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import {
  buildImage,
  buildMultiArch,
  temporary,
  treeOf,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { peerPath } from "../support/peers.ts";
import { fatalMessage, mustRun, type Outcome, run, runOurs } from "../support/run.ts";
import { startSignatureKeeper } from "../support/signature-keeper.ts";

/** What we sign, other people's tools verify, and we what they sign: in registries and directories, with all kinds of keys. */
const NEEDED = ["skopeo 1.16", "docker-registry", "gpg", "cosign"];
const missing = NEEDED.filter((program) => peerPath(program) === undefined);
if (missing.length > 0)
  console.error(`LEFT OUT for want of ${missing.join(", ")}: signatures, with real skopeo and cosign`);

const USER = "release@example.com";
const SKOPEO = peerPath("skopeo 1.16") ?? "";
const COSIGN = peerPath("cosign") ?? "";
const INSECURE = ["--src-tls-verify=false", "--dest-tls-verify=false"];

type Tool = (words: readonly string[]) => Promise<Outcome>;

let registry: DockerRegistry;
let home: GpgHome;
let publicKey: string;
let folder: string;
let lookaside: string;
let configuration: string;
let passphrase: string;
let repositories = 0;

const ours: Tool = (words) => runOurs(["--registries.d", configuration, ...words], { env: home.env });
const real: Tool = (words) => run([SKOPEO, "--registries.d", configuration, ...words], { env: home.env });
/** Debian's own release, which knows nothing of sigstore. */
const old: Tool = (words) =>
  run(["/usr/bin/skopeo", "--registries.d", configuration, ...words], { env: home.env });

beforeAll(async () => {
  if (missing.length > 0) return;
  registry = await startDockerRegistry();
  home = new GpgHome();
  await home.makeKey(USER);
  folder = temporary("signing");
  publicKey = join(folder, "release.gpg");
  writeFileSync(publicKey, await home.export("--export", USER));
  lookaside = temporary("lookaside");
  configuration = temporary("registries-d");
  const section = `default-docker:\n  lookaside: file://${lookaside}\n  use-sigstore-attachments: true\n`;
  writeFileSync(join(configuration, "all.yaml"), section);
  passphrase = join(folder, "passphrase");
  writeFileSync(passphrase, "first line\nsecond line\n");
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await home?.[Symbol.asyncDispose]();
});

/** A name that nothing has been pushed to. */
function newName(): string {
  return `${registry.host}/signed/app${++repositories}`;
}

function image(seed: string = "signed"): string {
  return `oci:${writeLayout({ v1: buildImage({ seed }) })}:v1`;
}

function policy(requirement: object): string {
  const file = join(temporary("policy"), "policy.json");
  writeFileSync(file, JSON.stringify({ default: [requirement] }));
  return file;
}

const byGpg = (identity?: object): string =>
  policy({
    type: "signedBy",
    keyType: "GPGKeys",
    keyPath: publicKey,
    ...(identity && { signedIdentity: identity }),
  });
const bySigstore = (keyPath: string, identity?: object): string =>
  policy({ type: "sigstoreSigned", keyPath, ...(identity && { signedIdentity: identity }) });

/** Makes a key pair, and gives the paths of its files without their endings. */
async function sigstoreKey(tool: Tool): Promise<string> {
  const prefix = join(temporary("key"), "key");
  const made = await tool([
    "generate-sigstore-key",
    "--output-prefix",
    prefix,
    "--passphrase-file",
    passphrase,
  ]);
  expect(made).toMatchObject({
    exitCode: 0,
    stdout: `Key written to "${prefix}.private" and "${prefix}.pub"\n`,
  });
  return prefix;
}

async function sign(
  tool: Tool,
  flags: readonly string[],
  source: string,
  destination: string,
): Promise<void> {
  const outcome = await tool(["--insecure-policy", "copy", ...INSECURE, ...flags, source, destination]);
  expect(outcome).toMatchObject({ exitCode: 0 });
}

/** Whether a tool copies an image under a policy; the reason where it does not. */
async function decide(
  tool: Tool,
  file: string,
  source: string,
  flags: readonly string[] = [],
): Promise<string> {
  const target = `dir:${join(temporary("verified"), "image")}`;
  const words = ["--policy", file, "copy", "--src-tls-verify=false", ...flags, source, target];
  const outcome = await tool(words);
  return outcome.exitCode === 0 ? "" : fatalMessage(outcome);
}

describe.skipIf(missing.length > 0)("a GnuPG signature", () => {
  for (const [title, signer] of [
    ["ours", () => ours],
    ["real skopeo's", () => real],
  ] as const) {
    test(`of ${title} in a lookaside is accepted by all, and for no other name or key`, async () => {
      const name = newName();
      await sign(signer(), ["--sign-by", USER], image(), `docker://${name}:1`);
      for (const tool of [ours, real, old]) {
        expect(await decide(tool, byGpg(), `docker://${name}:1`)).toBe("");
        const elsewhere = byGpg({ type: "exactRepository", dockerRepository: `${name}-other` });
        expect(await decide(tool, elsewhere, `docker://${name}:1`)).toContain("Signature for identity ");
        const otherKey = join(FIXTURES, "gpg", "plain.pub.gpg");
        const stranger = policy({ type: "signedBy", keyType: "GPGKeys", keyPath: otherKey });
        expect(await decide(tool, stranger, `docker://${name}:1`)).toContain("Invalid GPG signature: ");
      }
    });
  }

  test("of each image of an index, and of the index, is accepted by real skopeo", async () => {
    const name = newName();
    const source = `oci:${writeLayout({ v1: buildMultiArch("signed-index") })}:v1`;
    await sign(ours, ["--all", "--sign-by", USER], source, `docker://${name}:1`);
    for (const tool of [ours, real]) {
      expect(await decide(tool, byGpg(), `docker://${name}:1`, ["--all"])).toBe("");
      expect(await decide(tool, byGpg(), `docker://${name}:1`, ["--override-arch=arm64"])).toBe("");
    }
    const target = join(temporary("all"), "image");
    await sign(real, ["--all"], `docker://${name}:1`, `dir:${target}`);
    const files = Object.keys(treeOf(target)).filter((file) => file.endsWith("signature-1"));
    expect(files.length).toBe(
      Object.keys(treeOf(target)).filter((file) => file.endsWith("manifest.json")).length,
    );
  });

  test("says what --sign-identity says, and a directory needs that", async () => {
    const target = join(temporary("directory"), "image");
    const named = "registry.example.com/team/app:7";
    const words = ["--insecure-policy", "copy", "--sign-by", USER, image(), `dir:${target}`];
    const [mine, theirs] = [await ours(words), await real(words)];
    expect([mine.exitCode, theirs.exitCode]).toEqual([1, 1]);
    expect(fatalMessage(mine)).toContain("Cannot determine canonical Docker reference for destination dir:");
    expect(fatalMessage(theirs)).toContain(
      "Cannot determine canonical Docker reference for destination dir:",
    );
    await sign(ours, ["--sign-by", USER, "--sign-identity", named], image(), `dir:${target}`);
    const exact = byGpg({ type: "exactReference", dockerReference: named });
    for (const tool of [ours, real, old]) expect(await decide(tool, exact, `dir:${target}`)).toBe("");
    const signature = join(target, "signature-1");
    const told = await run(["gpg", "--decrypt", signature], { env: home.env });
    expect(told.exitCode).toBe(0);
    expect(JSON.parse(told.stdout).critical.identity["docker-reference"]).toBe(named);
  });

  test("made with an exported key, without gpg, is accepted by real skopeo", async () => {
    const name = newName();
    const key = join(temporary("key"), "secret.asc");
    writeFileSync(key, await home.export("--export-secret-keys", USER));
    const words = ["--insecure-policy", "--registries.d", configuration, "copy", ...INSECURE];
    const signing = ["--sign-by-key-file", key, image("exported"), `docker://${name}:1`];
    expect(await runOurs([...words, ...signing], { env: { PATH: "/nonexistent" } })).toMatchObject({
      exitCode: 0,
    });
    for (const tool of [real, old]) expect(await decide(tool, byGpg(), `docker://${name}:1`)).toBe("");
  });

  test("is added to those of the source, and copied with it to the last byte", async () => {
    const [first, second] = [newName(), newName()];
    await sign(real, ["--sign-by", USER], image("added"), `docker://${first}:1`);
    await sign(ours, ["--sign-by", USER], `docker://${first}:1`, `docker://${second}:1`);
    const own = Object.values(treeOf(storeOf(first)));
    expect(Object.values(treeOf(storeOf(second))).length).toBe(2);
    expect(Object.values(treeOf(storeOf(second)))).toContain(own[0] ?? "nothing");
    await sign(
      ours,
      ["--remove-signatures", "--sign-by", USER],
      `docker://${first}:1`,
      `docker://${second}:1`,
    );
    expect(Object.values(treeOf(storeOf(second))).length).toBe(1);
  });

  test("by a key that cannot be used stops a copy before it begins", async () => {
    const name = newName();
    const words = ["--insecure-policy", "copy", ...INSECURE, image(), `docker://${name}:1`];
    expect(fatalMessage(await ours([...words, "--sign-by", "nobody@example.com"]))).toBe(
      'creating signature: key "nobody@example.com" not found',
    );
    expect(await tagsOf(name)).toBeUndefined();
  });
});

function storeOf(name: string): string {
  const repository = name.slice(name.indexOf("/") + 1);
  const found = Array.from(new Bun.Glob(`${repository}@*`).scanSync({ cwd: lookaside, onlyFiles: false }));
  return join(lookaside, found[0] ?? "missing");
}

async function tagsOf(name: string): Promise<readonly string[] | undefined> {
  const response = await fetch(`${registry.url}/v2/${name.slice(name.indexOf("/") + 1)}/tags/list`);
  return ((await response.json()) as { tags?: string[] }).tags;
}

describe.skipIf(missing.length > 0)("a sigstore signature", () => {
  test("is made and verified with keys of either tool, and by cosign", async () => {
    for (const [makesKey, signs] of [
      [ours, ours],
      [ours, real],
      [real, ours],
    ] as const) {
      const key = await sigstoreKey(makesKey);
      expect(statSync(`${key}.private`).mode & 0o777).toBe(0o600);
      const name = newName();
      const flags = [
        "--sign-by-sigstore-private-key",
        `${key}.private`,
        "--sign-passphrase-file",
        passphrase,
      ];
      await sign(signs, flags, image(), `docker://${name}:1`);
      for (const tool of [ours, real]) {
        expect(await decide(tool, bySigstore(`${key}.pub`), `docker://${name}:1`)).toBe("");
        const another = join(FIXTURES, "sigstore", "other.pub");
        expect(await decide(tool, bySigstore(another), `docker://${name}:1`)).toContain(
          "cryptographic signature verification failed",
        );
      }
      const verified = await run(cosign("verify", `${key}.pub`, `${name}:1`));
      expect(verified).toMatchObject({ exitCode: 0 });
    }
  });

  test("of cosign 2's kind, with its keys, is accepted where the policy asks for no tag", async () => {
    const name = newName();
    await sign(ours, [], image("cosign"), `docker://${name}:1`);
    const key = join(temporary("cosign"), "key");
    const env = { COSIGN_PASSWORD: "first line" };
    await mustRun([COSIGN, "generate-key-pair", "--output-key-prefix", key], { env });
    const digest = (
      await mustRun([
        SKOPEO,
        "inspect",
        "--tls-verify=false",
        "--format",
        "{{.Digest}}",
        `docker://${name}:1`,
      ])
    ).trim();
    await mustRun(
      [
        ...[COSIGN, "sign", "--key", `${key}.key`, "--yes", "--allow-insecure-registry"],
        ...[
          "--new-bundle-format=false",
          "--use-signing-config=false",
          "--tlog-upload=false",
          `${name}@${digest}`,
        ],
      ],
      { env },
    );
    for (const tool of [ours, real]) {
      const repository = bySigstore(`${key}.pub`, { type: "matchRepository" });
      expect(await decide(tool, repository, `docker://${name}:1`)).toBe("");
      expect(await decide(tool, bySigstore(`${key}.pub`), `docker://${name}:1`)).toContain(
        "Signature for identity",
      );
    }
    // What was there stays there.
    const flags = ["--sign-by-sigstore-private-key", `${key}.key`, "--sign-passphrase-file", passphrase];
    await sign(ours, flags, `docker://${name}:1`, `docker://${name}:1`);
    for (const tool of [ours, real]) {
      expect(await decide(tool, bySigstore(`${key}.pub`), `docker://${name}:1`)).toBe("");
    }
    expect(await run(cosign("verify", `${key}.pub`, `${name}:1`))).toMatchObject({ exitCode: 0 });
  });

  test("of cosign's with keys of other kinds is accepted", async () => {
    const types = [
      ["ed25519"],
      ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
      ["rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
    ];
    for (const [type = "", ...options] of types) {
      const name = newName();
      await sign(ours, [], image(`cosign-${type}`), `docker://${name}:1`);
      const folder = temporary("cosign");
      const [pem, key] = [join(folder, "pem"), join(folder, "key")];
      const env = { COSIGN_PASSWORD: "first line" };
      await mustRun(["openssl", "genpkey", "-algorithm", type, ...options, "-out", pem]);
      await mustRun([COSIGN, "import-key-pair", "--key", pem, "--output-key-prefix", key], { env });
      const words = ["sign", "--key", `${key}.key`, "--yes", "--allow-insecure-registry"];
      const offline = ["--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"];
      await mustRun([COSIGN, ...words, ...offline, `${name}:1`], { env });
      const requirement = bySigstore(`${key}.pub`, { type: "matchRepository" });
      expect(await decide(ours, requirement, `docker://${name}:1`)).toBe("");
    }
  });

  test("is the same attachment when we copy it as when real skopeo does, also by way of a directory", async () => {
    const [source, mine, theirs, around] = [newName(), newName(), newName(), newName()];
    const key = await sigstoreKey(real);
    const flags = ["--sign-by-sigstore-private-key", `${key}.private`, "--sign-passphrase-file", passphrase];
    await sign(real, flags, image("attached"), `docker://${source}:1`);
    await sign(ours, [], `docker://${source}:1`, `docker://${mine}:1`);
    await sign(real, [], `docker://${source}:1`, `docker://${theirs}:1`);
    const [ownDirectory, realDirectory] = [join(temporary("d"), "image"), join(temporary("d"), "image")];
    await sign(ours, [], `docker://${source}:1`, `dir:${ownDirectory}`);
    await sign(real, [], `docker://${source}:1`, `dir:${realDirectory}`);
    expect(treeOf(ownDirectory)).toEqual(treeOf(realDirectory));
    await sign(ours, [], `dir:${realDirectory}`, `docker://${around}:1`);
    const manifests = await Promise.all([mine, theirs, around].map(attachment));
    expect(manifests[0]).toContain("dev.cosignproject.cosign/signature");
    expect(manifests[1]).toBe(manifests[0] ?? "nothing");
    expect(manifests[2]).toBe(manifests[0] ?? "nothing");
  });

  test("is neither looked for nor written where registries.d does not say so", async () => {
    const key = await sigstoreKey(ours);
    const flags = ["--sign-by-sigstore-private-key", `${key}.private`, "--sign-passphrase-file", passphrase];
    const name = newName();
    await sign(ours, flags, image("quiet"), `docker://${name}:1`);
    const plain = temporary("registries-d");
    const without =
      (tool: readonly string[]): Tool =>
      (words) =>
        run([...tool, "--registries.d", plain, ...words]);
    for (const tool of [
      (words: readonly string[]) => runOurs(["--registries.d", plain, ...words]),
      without([SKOPEO]),
    ]) {
      expect(await decide(tool, bySigstore(`${key}.pub`), `docker://${name}:1`)).toBe(
        "Source image rejected: A signature was required, but no signature exists",
      );
      const refused = await tool([
        "--insecure-policy",
        "copy",
        ...INSECURE,
        ...flags,
        image("quiet"),
        `docker://${name}:1`,
      ]);
      expect(fatalMessage(refused)).toBe(
        "writing signatures: writing sigstore attachments is disabled by configuration",
      );
    }
  });

  test("with the wrong passphrase stops a copy before it begins, and so does a key that is none", async () => {
    const key = await sigstoreKey(ours);
    const name = newName();
    const wrong = join(temporary("passphrase"), "wrong");
    writeFileSync(wrong, "second line\n");
    const words = ["--insecure-policy", "copy", ...INSECURE, image(), `docker://${name}:1`];
    for (const [file, passphraseFile, reason] of [
      [`${key}.private`, wrong, "initializing private key: decrypt: encrypted: decryption failed"],
      [`${key}.pub`, passphrase, "initializing private key: unsupported pem type: PUBLIC KEY"],
      [passphrase, passphrase, "initializing private key: invalid pem block"],
    ] as const) {
      const flags = ["--sign-by-sigstore-private-key", file, "--sign-passphrase-file", passphraseFile];
      const [mine, theirs] = [await ours([...words, ...flags]), await real([...words, ...flags])];
      expect(fatalMessage(mine)).toContain(reason);
      expect(fatalMessage(theirs)).toContain(reason.slice("initializing private key: ".length));
    }
    expect(await tagsOf(name)).toBeUndefined();
  });
});

function cosign(verb: string, key: string, image: string): readonly string[] {
  return [COSIGN, verb, "--key", key, "--insecure-ignore-tlog", "--allow-insecure-registry", image];
}

async function attachment(name: string): Promise<string> {
  const repository = name.slice(name.indexOf("/") + 1);
  const tag = (await tagsOf(name))?.find((each) => each.endsWith(".sig"));
  const headers = { Accept: "application/vnd.oci.image.manifest.v1+json" };
  return await (await fetch(`${registry.url}/v2/${repository}/manifests/${tag}`, { headers })).text();
}

describe.skipIf(missing.length > 0)("a registry that keeps signatures itself", () => {
  test("is given them and asked for them by us as by real skopeo", async () => {
    await using keeper = startSignatureKeeper(registry);
    for (const [index, signs] of [ours, real].entries()) {
      const name = `${keeper.host}/kept/app${index}`;
      await sign(signs, ["--sign-by", USER], image("kept"), `docker://${name}:1`);
      for (const tool of [ours, real]) expect(await decide(tool, byGpg(), `docker://${name}:1`)).toBe("");
      // The same signature is kept once; one more is added to it.
      for (const tool of [ours, real]) await sign(tool, [], `docker://${name}:1`, `docker://${name}:2`);
      const [path = ""] = [...keeper.kept.keys()].filter((each) => each.includes(`app${index}/`));
      expect(keeper.kept.get(path)?.length).toBe(1);
      await sign(ours, ["--sign-by", USER], `docker://${name}:1`, `docker://${name}:2`);
      expect(keeper.kept.get(path)?.length).toBe(2);
      const deleted = await ours(["delete", "--signature", "--tls-verify=false", `docker://${name}:1`]);
      expect(fatalMessage(deleted)).toContain("its interface has no way to delete them");
    }
    expect(Array.from(new Bun.Glob("kept/*").scanSync({ cwd: lookaside, onlyFiles: false }))).toEqual([]);
  });
});

describe.skipIf(missing.length > 0)("signatures", () => {
  test("hold an image as it is: what would change it is refused, or left out, as by real skopeo", async () => {
    const name = newName();
    const docker = buildMultiArch("frozen", "docker");
    await sign(ours, ["--all", "--sign-by", USER], `dir:${writeDirectory(docker)}`, `docker://${name}:1`);
    const outcomes = [ours, real].map(async (tool) => {
      const target = `dir:${join(temporary("frozen"), "image")}`;
      const words = [
        "--insecure-policy",
        "copy",
        "--all",
        "--format=oci",
        "--src-tls-verify=false",
        `docker://${name}:1`,
        target,
      ];
      return fatalMessage(await tool(words));
    });
    const [mine = "", theirs = ""] = await Promise.all(outcomes);
    expect(mine).toContain('but we cannot modify it: "Would invalidate signatures"');
    expect(theirs).toContain('but we cannot modify it: "Would invalidate signatures"');
    const target = join(temporary("frozen"), "image");
    const free = ["--all", "--format=oci", "--remove-signatures"];
    await sign(ours, free, `docker://${name}:1`, `dir:${target}`);
    expect(Object.keys(treeOf(target)).some((file) => file.includes("signature"))).toBe(false);
  });

  test("go with delete --signature, of all kinds, and nothing else does", async () => {
    const name = newName();
    const key = await sigstoreKey(ours);
    const flags = ["--sign-by-sigstore-private-key", `${key}.private`, "--sign-passphrase-file", passphrase];
    const source = `oci:${writeLayout({ v1: buildMultiArch("deleted") })}:v1`;
    await sign(ours, ["--all", "--sign-by", USER], source, `docker://${name}:1`);
    await sign(ours, ["--all", ...flags], `docker://${name}:1`, `docker://${name}:1`);
    expect((await tagsOf(name))?.length).toBeGreaterThan(2);
    const outcome = await ours(["delete", "--signature", "--tls-verify=false", `docker://${name}:1`]);
    expect(outcome).toMatchObject({ exitCode: 0, stdout: "" });
    expect(await tagsOf(name)).toEqual(["1"]);
    for (const file of [byGpg(), bySigstore(`${key}.pub`)]) {
      expect(await decide(real, file, `docker://${name}:1`, ["--all"])).toContain("no signature exists");
    }
    await sign(real, ["--all"], `docker://${name}:1`, `dir:${join(temporary("whole"), "image")}`);
    expect((await ours(["delete", "--signature", "--tls-verify=false", `docker://${name}:1`])).exitCode).toBe(
      0,
    );
    const other = await ours(["delete", "--signature", image()]);
    expect(fatalMessage(other)).toBe("Deleting signatures not implemented for oci: images");
  });

  test("of both kinds are made by sync, of every image", async () => {
    const [from, to] = [newName(), newName()];
    await sign(ours, [], image("sync-a"), `docker://${from}:a`);
    await sign(ours, [], image("sync-b"), `docker://${from}:b`);
    const parent = `${to.slice(0, to.lastIndexOf("/"))}/to${repositories}`;
    const words = [
      "--insecure-policy",
      "sync",
      ...INSECURE,
      "--src",
      "docker",
      "--dest",
      "docker",
      "--sign-by",
      USER,
      from,
      parent,
    ];
    for (const tool of [ours, ours, real]) expect(await tool(words)).toMatchObject({ exitCode: 0 });
    const name = `${parent}/${from.slice(from.lastIndexOf("/") + 1)}`;
    for (const tag of ["a", "b"]) expect(await decide(real, byGpg(), `docker://${name}:${tag}`)).toBe("");
  });

  test("are checked before anything is written", async () => {
    const name = newName();
    await sign(ours, [], image("unsigned"), `docker://${name}:1`);
    const target = join(temporary("nothing"), "image");
    const refused = await ours([
      "--policy",
      byGpg(),
      "copy",
      "--src-tls-verify=false",
      `docker://${name}:1`,
      `dir:${target}`,
    ]);
    expect(refused.exitCode).toBe(1);
    expect(existsSync(target)).toBe(false);
    const fetched = registry
      .requests()
      .filter(({ method, target: path }) => method === "GET" && path.includes("/blobs/"));
    expect(
      fetched.filter(({ target: path }) => path.includes(`/${name.slice(name.indexOf("/") + 1)}/`)),
    ).toEqual([]);
  });
});

test.skipIf(missing.length > 0)("an empty passphrase is one", async () => {
  const empty = join(temporary("passphrase"), "empty");
  writeFileSync(empty, "");
  const prefix = join(temporary("key"), "key");
  expect(
    await ours(["generate-sigstore-key", "--output-prefix", prefix, "--passphrase-file", empty]),
  ).toMatchObject({ exitCode: 0 });
  const name = newName();
  const flags = ["--sign-by-sigstore-private-key", `${prefix}.private`, "--sign-passphrase-file", empty];
  await sign(real, flags, image(), `docker://${name}:1`);
  expect(await decide(ours, bySigstore(`${prefix}.pub`), `docker://${name}:1`)).toBe("");
  const again = await ours(["generate-sigstore-key", "--output-prefix", prefix, "--passphrase-file", empty]);
  expect(fatalMessage(again)).toBe(`Refusing to overwrite existing "${prefix}.pub"`);
  expect(readFileSync(`${prefix}.pub`, "utf8")).toStartWith("-----BEGIN PUBLIC KEY-----\n");
});
