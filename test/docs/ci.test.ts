import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Outcome } from "../support/run.ts";
import { ROOT } from "./blocks.ts";
import { createSandbox, type Sandbox } from "./sandbox.ts";
import { prepareCi } from "./setups.ts";

/** The scripts of the recipes in examples/, run in their order, with what their services would set. */
const TIMEOUT = 60_000;
const STAGED = "registry.example.com/staging/app:1.0";
const PROMOTED = "registry.example.com/production/app:1.0";
const MIRRORED = ["alpine:3.19", "alpine:3.20", "busybox:1.36"].map(
  (name) => `registry.example.com/hub/library/${name}`,
);

type Variables = Readonly<Record<string, string>>;

interface GitHubJob {
  readonly env?: Variables;
  readonly steps: readonly { readonly run?: string; readonly env?: Variables }[];
}

interface GitLabFile {
  readonly default: { readonly before_script: readonly string[] };
  readonly variables: Variables;
  readonly [job: string]: unknown;
}

interface TektonTask {
  readonly spec: {
    readonly stepTemplate: { readonly env: readonly { readonly name: string; readonly value: string }[] };
    readonly steps: readonly { readonly script: string }[];
  };
}

interface KubernetesJob {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { args: string[] }[] } };
  };
}

describe("on GitHub", () => {
  test(
    "a release is pushed, verified and promoted",
    async () => {
      await using sandbox = await createSandbox();
      await prepareCi(sandbox);
      await runGitHubJob(sandbox, "ci/github-release.yaml", "release");
      await expectPromoted(sandbox);
    },
    TIMEOUT,
  );

  test(
    "a mirror is kept, in four parts",
    async () => {
      await using sandbox = await createSandbox();
      await prepareCi(sandbox);
      for (const part of ["1", "2", "3", "4"]) {
        await runGitHubJob(sandbox, "github-sync.yaml", "sync", { "matrix.part": part });
      }
      expect(Object.keys(await sandbox.tags())).toEqual(expect.arrayContaining(MIRRORED));
      const drift = await runGitHubJob(sandbox, "ci/github-drift.yaml", "drift");
      expect(drift).toMatchObject({ exitCode: 0 });
    },
    TIMEOUT,
  );

  test(
    "drift is found",
    async () => {
      await using sandbox = await createSandbox();
      await prepareCi(sandbox);
      expect(await runGitHubJob(sandbox, "ci/github-drift.yaml", "drift", {}, 3)).toMatchObject({
        exitCode: 3,
      });
    },
    TIMEOUT,
  );
});

describe("on GitLab", () => {
  const file: GitLabFile = parse(readExample("ci/gitlab-ci.yaml"));
  const runJob = async (sandbox: Sandbox, name: string, variables: Variables): Promise<Outcome> => {
    const job = file[name] as { readonly script: readonly string[] };
    Object.assign(sandbox.env, file.variables, { CI_COMMIT_TAG: "1.0", REGISTRY_TOKEN: "secret" }, variables);
    return await sandbox.run([...file.default.before_script, ...job.script].join("\n"));
  };

  test(
    "a tag is pushed, verified and promoted",
    async () => {
      await using sandbox = await createSandbox();
      await prepareCi(sandbox);
      const files = { SIGNING_KEY: "release.private", SIGNING_PASSPHRASE: "passphrase" };
      expect(await runJob(sandbox, "push", files)).toMatchObject({ exitCode: 0 });
      const digest = variablesOf(readFileSync(join(sandbox.directory, "digest.env"), "utf8"));
      expect(await runJob(sandbox, "verify", digest)).toMatchObject({ exitCode: 0 });
      expect(await runJob(sandbox, "promote", digest)).toMatchObject({ exitCode: 0 });
      await expectPromoted(sandbox);
    },
    TIMEOUT,
  );

  test(
    "what nobody has signed is neither verified nor promoted",
    async () => {
      await using sandbox = await createSandbox();
      await prepareCi(sandbox);
      await sandbox.run(
        "skopeo copy --dest-creds ci:secret --all oci-archive:build.tar docker://registry.example.com/staging/app:1.0",
      );
      const digest = { DIGEST: (await sandbox.tags())[STAGED] ?? "" };
      for (const job of ["verify", "promote"]) {
        const { exitCode, stdout, stderr } = await runJob(sandbox, job, digest);
        expect({ exitCode, told: `${stdout}${stderr}` }).toEqual({
          exitCode: 1,
          told: expect.stringContaining("A signature was required, but no signature exists"),
        });
      }
      expect((await sandbox.tags())[PROMOTED]).toBeUndefined();
    },
    TIMEOUT,
  );

  test(
    "a mirror is kept, with a report, and drift is a warning",
    async () => {
      await using sandbox = await createSandbox();
      await prepareCi(sandbox);
      const { allow_failure: allowed } = file.drift as {
        readonly allow_failure: { readonly exit_codes: number };
      };
      expect(await runJob(sandbox, "drift", {})).toMatchObject({ exitCode: allowed.exit_codes });
      expect(await runJob(sandbox, "mirror", {})).toMatchObject({ exitCode: 0 });
      expect(Object.keys(await sandbox.tags())).toEqual(expect.arrayContaining(MIRRORED));
      for (const name of ["mirror.state", "report.xml"])
        expect(existsSync(join(sandbox.directory, name))).toBe(true);
      expect(await runJob(sandbox, "drift", {})).toMatchObject({ exitCode: 0 });
    },
    TIMEOUT,
  );
});

test(
  "a task of Tekton promotes and tells the digest",
  async () => {
    await using sandbox = await createSandbox();
    await prepareCi(sandbox);
    await runGitHubJob(sandbox, "ci/github-release.yaml", "release", { "github.ref_name": "0.9" });
    const auth = Buffer.from("ci:secret").toString("base64");
    sandbox.write("registry/config.json", JSON.stringify({ auths: { "registry.example.com": { auth } } }));
    const { spec }: TektonTask = parse(readExample("ci/tekton.yaml"));
    const places: Variables = {
      "workspaces.registry.path": join(sandbox.directory, "registry"),
      "params.source": "registry.example.com/staging/app:0.9",
      "params.destination": PROMOTED,
      "results.digest.path": join(sandbox.directory, "result"),
    };
    const resolve = (text: string): string =>
      text.replaceAll(/\$\(([\w.]+)\)/g, (whole, name) => places[name] ?? whole);
    for (const { name, value } of spec.stepTemplate.env) sandbox.env[name] = resolve(value);
    for (const { script } of spec.steps)
      expect(await sandbox.run(resolve(script))).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(sandbox.directory, "result"), "utf8")).toBe(
      (await sandbox.tags())[PROMOTED] ?? "",
    );
  },
  TIMEOUT,
);

test(
  "a job of Kubernetes copies its part",
  async () => {
    await using sandbox = await createSandbox();
    await prepareCi(sandbox);
    const job: KubernetesJob = parse(readExample("kubernetes-sync.yaml"));
    const words =
      job.spec.template.spec.containers[0]?.args.map((word) => word.replace("/config/", "")) ?? [];
    await sandbox.run('echo "$TOKEN" | skopeo login --username ci --password-stdin registry.example.com');
    for (const index of ["0", "1", "2", "3", "4", "5", "6", "7"]) {
      sandbox.env.JOB_COMPLETION_INDEX = index;
      expect(await sandbox.run(`skopeo ${words.join(" ")}`)).toMatchObject({ exitCode: 0 });
    }
    expect(Object.keys(await sandbox.tags())).toEqual(expect.arrayContaining(MIRRORED));
  },
  TIMEOUT,
);

function readExample(name: string): string {
  return readFileSync(join(ROOT, "examples", name), "utf8");
}

/** Runs the steps of a job till one fails, and gives the last. */
async function runGitHubJob(
  sandbox: Sandbox,
  file: string,
  name: string,
  given: Variables = {},
  expected = 0,
): Promise<Outcome | undefined> {
  const { jobs }: { readonly jobs: Readonly<Record<string, GitHubJob>> } = parse(readExample(file));
  const job = jobs[name];
  const read = (path: string): string => readFileSync(join(sandbox.directory, path), "utf8").trim();
  const context: Variables = {
    "secrets.REGISTRY_TOKEN": "secret",
    "secrets.SIGNING_KEY": read("release.private"),
    "secrets.SIGNING_PASSPHRASE": read("passphrase"),
    "github.ref_name": "1.0",
    ...given,
  };
  const resolve = (text: string): string =>
    text.replaceAll(/\$\{\{ (.*?) \}\}/g, (_, key) => context[key] ?? "UNKNOWN");
  const added = sandbox.write("github-env", "");
  Object.assign(sandbox.env, {
    GITHUB_ENV: added,
    GITHUB_STEP_SUMMARY: join(sandbox.directory, "summary.md"),
  });
  let last: Outcome | undefined;
  for (const step of job?.steps ?? []) {
    if (step.run === undefined) continue;
    const variables = { ...job?.env, ...step.env };
    for (const [key, value] of Object.entries(variables)) sandbox.env[key] = resolve(value);
    last = await sandbox.run(resolve(step.run));
    Object.assign(sandbox.env, variablesOf(readFileSync(added, "utf8")));
    if (last.exitCode !== 0) break;
  }
  expect(last).toMatchObject({ exitCode: expected });
  return last;
}

/** Lines of the form `NAME=VALUE`. */
function variablesOf(text: string): Variables {
  return Object.fromEntries(
    [...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
}

/** The same digest in both places, for the two platforms that were asked for. */
async function expectPromoted(sandbox: Sandbox): Promise<void> {
  const tags = await sandbox.tags();
  expect(tags[PROMOTED]).toStartWith("sha256:");
  expect(tags[PROMOTED]).toBe(tags[STAGED] ?? "");
  const manifest = await sandbox.ask(`https://registry.example.com/v2/production/app/manifests/1.0`);
  expect(((await manifest.json()) as { manifests: unknown[] }).manifests).toHaveLength(2);
}
