import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../support/docker-registry.ts";
import { buildImage, temporary, writeLayout } from "../support/images.ts";
import { findProgram } from "../support/peers.ts";
import { OURS, run } from "../support/run.ts";
import { type MockSigstore, startMockSigstore } from "./keyless/mock-sigstore.ts";
import { GpgHome } from "./openpgp/gpg-home.ts";

/** The files that docs/signing.md shows and its commands, in order, do what the page says, with local services for those it names. */
const missing = ["docker-registry", "gpg"].filter((program) => findProgram(program) === undefined);
if (missing.length > 0)
  console.error(`LEFT OUT for want of ${missing.join(", ")}: the commands of docs/signing.md`);

const page = readFileSync(resolve(import.meta.dir, "../../docs/signing.md"), "utf8");
let registry: DockerRegistry;
let home: GpgHome;
let sigstore: MockSigstore;

beforeAll(async () => {
  if (missing.length > 0) return;
  registry = await startDockerRegistry();
  home = new GpgHome();
  sigstore = await startMockSigstore();
});

afterAll(async () => {
  await registry?.[Symbol.asyncDispose]();
  await home?.[Symbol.asyncDispose]();
  await sigstore?.[Symbol.asyncDispose]();
});

test.skipIf(missing.length > 0)(
  "the commands of docs/signing.md work, and its policy decides as it says",
  async () => {
    const directory = temporary("documented");
    const local = (text: string): string =>
      text
        .replaceAll("registry.example.com", registry.host)
        .replaceAll("https://fulcio.sigstore.dev", sigstore.fulcioUrl)
        .replaceAll("https://oauth2.sigstore.dev/auth", sigstore.issuerUrl)
        .replaceAll("https://rekor.sigstore.dev", sigstore.rekorUrl)
        .replaceAll("https://signatures.example.com", `file://${directory}/signatures`)
        .replaceAll("/srv/signatures", `${directory}/signatures`);
    for (const [, name = "", text = ""] of page.matchAll(/^```(?:yaml|json) (\S+)\n(.*?)^```/gms)) {
      mkdirSync(join(directory, dirname(name)), { recursive: true });
      writeFileSync(join(directory, name), local(text));
    }
    const configuration = join(directory, ".config", "containers");
    mkdirSync(configuration, { recursive: true });
    const insecure = `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`;
    writeFileSync(join(configuration, "registries.conf"), insecure);
    await run(["mv", join(directory, "registries.d"), configuration]);
    await home.makeKey("release@example.com");
    writeFileSync(
      join(directory, "release.gpg"),
      await home.export("--export-secret-keys", "release@example.com"),
    );
    writeFileSync(join(directory, "release.asc"), await home.export("--export", "release@example.com"));
    writeFileSync(join(directory, "passphrase"), "a secret\n");
    const image = buildImage({ seed: "documented" });
    await run(["mv", writeLayout({ app: image }), join(directory, "build")]);
    writeFileSync(join(directory, "manifest.json"), image.blobs.get(image.top.digest) ?? "");
    const programs = join(directory, "programs");
    mkdirSync(programs);
    writeFileSync(
      join(programs, "skopeo"),
      `#!/bin/sh\nexec ${OURS.map((word) => `'${word}'`).join(" ")} "$@"\n`,
    );
    chmodSync(join(programs, "skopeo"), 0o755);
    const env = { HOME: directory, GNUPGHOME: home.path, PATH: `${programs}:${process.env.PATH}` };
    const shell = async (script: string): Promise<string> => {
      const { exitCode, stdout, stderr } = await run(["bash", "-euc", local(script)], {
        cwd: directory,
        env,
      });
      expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
      return stdout;
    };
    const blocks = [...page.matchAll(/^```sh\n(.*?)^```/gms)].map(([, text = ""]) => text);
    expect(blocks.length).toBeGreaterThan(6);
    for (const block of blocks) {
      const told = await shell(block);
      if (!block.includes("policy check")) continue;
      // What the page shows is what comes, but for the digest.
      const [shown = ""] = [...page.matchAll(/^```text\n(.*?)^```/gms)].map(([, text = ""]) => text);
      const anonymous = (text: string): string => text.replaceAll(/sha256:[0-9a-f]{64}/g, "sha256:…");
      expect(anonymous(told)).toBe(anonymous(local(shown)));
    }
    const refused = await run(
      [
        "bash",
        "-c",
        local("skopeo policy check --policy policy.json docker://registry.example.com/team/app:1.0"),
      ],
      { cwd: directory, env },
    );
    expect(refused.exitCode).toBe(1);
    expect(refused.stdout).toContain("A signature was required, but no signature exists");
  },
);
