import { expect } from "bun:test";
import { cpSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { blobOf } from "../serve/push.ts";
import { startMockSigstore } from "../signing/keyless/mock-sigstore.ts";
import { GpgHome } from "../signing/openpgp/gpg-home.ts";
import { buildArtifact, buildImage, buildMultiArch, writeLayout } from "../support/images.ts";
import { ROOT } from "./blocks.ts";
import type { Setup } from "./run-page.ts";
import type { Sandbox } from "./sandbox.ts";

const alpine = buildMultiArch("alpine");
const app = buildImage({ seed: "app" });

/** What Docker Hub has for pages that read from it. */
export async function pushHubImages(sandbox: Sandbox): Promise<void> {
  await sandbox.push({
    "docker.io/library/alpine:3.19": buildMultiArch("older alpine"),
    "docker.io/library/alpine:3.20": alpine,
    "docker.io/library/alpine:latest": alpine,
    "docker.io/library/busybox:1.36": buildMultiArch("busybox"),
    "docker.io/library/busybox:latest": buildMultiArch("busybox"),
  });
}

/** The files and registries that pipelines work with: those of examples/ci, a key pair, and what was built. */
export async function prepareCi(sandbox: Sandbox): Promise<void> {
  cpSync(join(ROOT, "examples", "ci"), sandbox.directory, { recursive: true });
  await pushHubImages(sandbox);
  sandbox.protect("registry.example.com", "ci", "secret");
  sandbox.env.TOKEN = "secret";
  sandbox.write("passphrase", "a secret\n");
  const built = writeLayout({ app: buildMultiArch("built") });
  const { exitCode, stderr } = await sandbox.run(
    `skopeo generate-sigstore-key --passphrase-file passphrase --output-prefix release
    skopeo copy --all oci:${built}:app oci-archive:build.tar`,
  );
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 });
}

/** Moves a layout of images to the place where a page has it. */
function placeLayout(sandbox: Sandbox, name: string): void {
  renameSync(writeLayout({ app, "team/app:1.0": app }), join(sandbox.directory, name));
}

export const SETUPS: Readonly<Record<string, Setup>> = {
  "docs/air-gap.md": {
    replace: ({ directory }) => ({ "/media/usb": join(directory, "usb") }),
    async prepare(sandbox) {
      await pushHubImages(sandbox);
      const note = buildArtifact(alpine.top, "application/vnd.example.note");
      await sandbox.push({ "docker.io/library/alpine:note": note });
      await sandbox.run("mkdir usb");
    },
    async check(sandbox) {
      const { digest } = alpine.top;
      const url = `https://registry.example.com/v2/docker.io/library/alpine/referrers/${digest}`;
      expect(await (await sandbox.ask(url)).text()).toContain("application/vnd.example.note");
      expect(await sandbox.tags()).toMatchObject({
        "registry.example.com/alpine:3.20": digest,
        "registry.example.com/hub/docker.io/library/alpine:3.20": digest,
        "registry.example.com/docker.io/library/alpine:3.20": digest,
      });
    },
  },
  "docs/archives.md": {
    async prepare(sandbox) {
      await pushHubImages(sandbox);
      placeLayout(sandbox, "layout");
    },
  },
  "docs/ci.md": { prepare: prepareCi },
  "docs/configuration.md": {
    env: { TOKEN: "secret" },
    async prepare(sandbox) {
      sandbox.protect("registry.example.com", "ci", "secret");
    },
  },
  "docs/mirroring.md": {
    replace: ({ directory }) => ({ "/media/usb": join(directory, "usb") }),
    async prepare(sandbox) {
      await pushHubImages(sandbox);
      const image = buildImage({ seed: "mirrored" });
      const hub = (repository: string, tags: readonly string[]): Promise<void> =>
        sandbox.push(
          Object.fromEntries(tags.map((tag) => [`docker.io/library/${repository}:${tag}`, image])),
        );
      await hub("nginx", ["latest", "1.19.10", "1.20", "1.27.1", "1.27.1-perl"]);
      await hub("redis", ["alpine", "6.2", "7"]);
      sandbox.write(
        "regsync.yaml",
        "version: 1\nsync:\n  - source: docker.io/library/busybox\n    target: registry.example.com/busybox\n    type: repository\n",
      );
      const others = ["app:1", "app:2", "db:14", "db:15", "db:16", "web:1.20", "web:1.21", "web:1.30"];
      const names = [...others, "tool:3.11", "tool:3.12", "tool:4.0.0"];
      await sandbox.push(
        Object.fromEntries(names.map((name) => [`registry.example.org/team/${name}`, image])),
      );
      sandbox.env.GITHUB_STEP_SUMMARY = join(sandbox.directory, "summary.md");
    },
    async check(sandbox) {
      const copied = async (): Promise<readonly string[]> =>
        Object.keys(await sandbox.tags()).filter((name) => name.startsWith("registry.example.com/"));
      expect(await copied()).toEqual([
        ...["registry.example.com/backup/redis:6.2-copy", "registry.example.com/backup/redis:alpine-copy"],
        "registry.example.com/hub/busybox:1.36",
        "registry.example.com/hub/busybox:latest",
        ...["registry.example.com/hub/library/nginx:1.20", "registry.example.com/hub/library/nginx:1.27.1"],
        "registry.example.com/hub/nginx:latest",
        ...["registry.example.com/hub/redis:6.2", "registry.example.com/hub/redis:alpine"],
      ]);
      const summary = readFileSync(join(sandbox.directory, "summary.md"), "utf8");
      expect(summary).toContain("6 unchanged, 0 failed");
      const words = "skopeo sync --src yaml --dest docker";
      const others = await sandbox.run(
        `${words} skopeo.yaml registry.example.com/one && ${words} short.yaml registry.example.com/two`,
      );
      expect(others).toMatchObject({ exitCode: 0, stderr: expect.not.stringContaining("level=error") });
      expect((await copied()).filter((name) => /com\/(one|two)\//.test(name))).toEqual(
        [
          ...["one/app:1", "one/app:2", "one/db:14", "one/db:15", "one/tool:3.12", "one/tool:4.0.0"],
          ...["one/web:1.20", "one/web:1.21"],
          ...["two/nginx:1.20", "two/nginx:latest", "two/redis:6.2", "two/redis:alpine"],
        ].map((name) => `registry.example.com/${name}`),
      );
    },
  },
  "docs/quick-start.md": { prepare: pushHubImages },
  "docs/serve.md": {
    async prepare(sandbox) {
      placeLayout(sandbox, "mirror");
    },
  },
  "docs/signing.md": {
    replace: ({ directory, env }) => ({
      "https://fulcio.sigstore.dev": env.SIGSTORE ?? "",
      "https://oauth2.sigstore.dev/auth": `${env.SIGSTORE}/issuer`,
      "https://rekor.sigstore.dev": env.SIGSTORE ?? "",
      "/srv/signatures": join(directory, "signatures"),
    }),
    async prepare(sandbox) {
      sandbox.env.SIGSTORE = sandbox.use(await startMockSigstore()).fulcioUrl;
      const home = await useGpg(sandbox, "release@example.com");
      sandbox.write("release.gpg", await home.export("--export-secret-keys", "release@example.com"));
      sandbox.write("release.asc", await home.export("--export", "release@example.com"));
      sandbox.write("passphrase", "a secret\n");
      placeLayout(sandbox, "build");
      sandbox.write("manifest.json", blobOf(app, app.top.digest));
      serveFiles(sandbox, "signatures.example.com", "signatures");
    },
    async check(sandbox) {
      const image = "docker://registry.example.com/team/app:1.0";
      const { exitCode, stdout } = await sandbox.run(`skopeo policy check --policy policy.json ${image}`);
      // The page has deleted all signatures in the end.
      expect(exitCode).toBe(1);
      expect(stdout).toContain("A signature was required, but no signature exists");
    },
  },
};

/** A GnuPG home with a key. */
async function useGpg(sandbox: Sandbox, userId: string): Promise<GpgHome> {
  const home = sandbox.use(new GpgHome());
  await home.makeKey(userId);
  sandbox.env.GNUPGHOME = home.path;
  return home;
}

/** Has a host serve the files of a directory. */
function serveFiles(sandbox: Sandbox, host: string, directory: string): void {
  sandbox.answerFor(host, async (request) => {
    const file = Bun.file(
      join(sandbox.directory, directory, decodeURIComponent(new URL(request.url).pathname)),
    );
    return (await file.exists()) ? new Response(file) : new Response("not found", { status: 404 });
  });
}
