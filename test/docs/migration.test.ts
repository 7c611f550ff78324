import { describe, expect, test } from "bun:test";
import { dirname } from "node:path";
import { buildArtifact, buildImage, buildMultiArch } from "../support/images.ts";
import { findProgram, newestSkopeo } from "../support/peers.ts";
import { readPage } from "./blocks.ts";
import { createSandbox, type Sandbox } from "./sandbox.ts";

/**
 * Each row of docs/migration.md: the other tool's command and ours, on two machines alike. Afterwards the registries hold the
 * same images, and what was printed and written says the same.
 */
interface Row {
  readonly theirs: string;
  readonly ours: string;
}

const page = readPage("docs/migration.md");
const app = buildMultiArch("app");
const IMAGES = {
  "registry.example.com/app:1": app,
  "registry.example.com/app:2": buildImage({ seed: "app 2" }),
  "registry.example.com/app:note": buildArtifact(app.top, "application/vnd.example.note"),
};
const APP = "docker://registry.example.com/app:1";
const REGSYNC = `
cat > regsync.yml <<END
version: 1
sync:
  - source: registry.example.com/app
    target: registry.example.org/app
    type: repository
END
skopeo sync convert regsync.yml > mirror.yaml`;

/** What commands take for granted besides the images. */
const PREPARATIONS: readonly (readonly [commands: RegExp, script: string])[] = [
  [
    /^crane push app|docker-archive:app\.tar docker:/,
    `skopeo copy --override-arch amd64 ${APP} docker-archive:app.tar:app:1`,
  ],
  [/^oras restore|oci-archive:app\.tar:1 docker:/, `skopeo copy --all ${APP} oci-archive:app.tar:1`],
  [/^crane push layout|--from-oci-layout|oci:layout(:1)? docker:/, `skopeo copy --all ${APP} oci:layout:1`],
  [/^crane auth logout/, 'crane auth login registry.example.com -u ci -p "$TOKEN"'],
  [/^oras logout/, 'echo "$TOKEN" | oras login -u ci --password-stdin registry.example.com'],
  [/^skopeo logout/, 'echo "$TOKEN" | skopeo login -u ci --password-stdin registry.example.com'],
  [/mirror\.yaml/, REGSYNC],
];
/** Commands whose output counts. */
const TELLING =
  /^(crane (ls|digest|manifest|config)|oras (repo tags|resolve|manifest fetch)|skopeo (list-tags|inspect))\b/;
/** Rows whose results say the same in other bytes: layers compressed by each in its own way, new indexes of the same images. */
const OTHER_BYTES = /^crane (push app|index filter)/;
/** Shows what a command has left in its directory and among the logins. */
const TRACES: readonly (readonly [commands: RegExp, script: string])[] = [
  [/^(crane pull|regctl image export).* app\.tar/, "skopeo inspect --config --raw docker-archive:app.tar"],
  [/^oras backup/, "skopeo inspect --raw oci-archive:app.tar:1"],
  [/^crane pull .* layout/, "skopeo inspect --raw oci:layout"],
  [/layout:1/, "skopeo inspect --raw oci:layout:1"],
  [/\blog(in|out)\b/, "skopeo login --get-login registry.example.com 2>/dev/null || echo nobody"],
];
const CONFIG = "skopeo inspect --override-arch amd64 --config --raw docker://registry.example.org/app:1";

function rowsOf(title: string): readonly Row[] {
  const section = page.split(/^## From /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
  const cells = [...section.matchAll(/^\| `([^`]+)` \|(?: `((?:skopeo|echo) [^`]+)` \|)?/gm)];
  const rows = cells.map(([, theirs, ours]) => (title === "skopeo" ? [theirs, theirs] : [theirs, ours]));
  return rows
    .filter(([, ours]) => ours !== undefined && !ours.startsWith("skopeo serve"))
    .map(([theirs = "", ours = ""]) => ({
      theirs: theirs.replaceAll("\\|", "|"),
      ours: ours.replaceAll("\\|", "|"),
    }));
}

const performed = new Map<string, Promise<object>>();

/** What comes of our command. The same one stands in the tables of several tools. */
async function performOurs(row: Row): Promise<object> {
  const key = `${row.ours} ${OTHER_BYTES.test(row.theirs)} ${lookFor(row)}`;
  const result = performed.get(key) ?? perform(row.ours, row, "");
  performed.set(key, result);
  return await result;
}

/** Runs one command of a row on a new machine, and gives what came of it. `preamble` makes the other tool known. */
async function perform(command: string, row: Row, preamble: string): Promise<object> {
  await using sandbox = await createSandbox();
  await sandbox.push(IMAGES);
  if (/\blog(in|out)\b/.test(command)) sandbox.protect("registry.example.com", "ci", "secret");
  sandbox.env.TOKEN = "secret";
  const preparation = PREPARATIONS.find(([commands]) => commands.test(command))?.[1] ?? "";
  if (preparation !== "") expect(await sandbox.run(preamble + preparation)).toMatchObject({ exitCode: 0 });
  const { exitCode, stdout, stderr } = await sandbox.run(preamble + command);
  const expected = { exitCode: command.includes("--plan") ? 3 : 0 };
  expect({ command, exitCode, stdout, stderr }).toMatchObject(expected);
  const look = lookFor(row);
  const traces = look === undefined ? undefined : await sandbox.run(look);
  if (traces !== undefined) expect(traces).toMatchObject({ exitCode: 0 });
  const tags = await sandbox.tags();
  return {
    tags: OTHER_BYTES.test(row.theirs) ? Object.keys(tags) : tags,
    about: await referrersOf(sandbox),
    told: TELLING.test(command) ? linesOf(stdout) : [],
    traces: traces?.stdout,
  };
}

function lookFor({ theirs }: Row): string | undefined {
  return OTHER_BYTES.test(theirs) ? CONFIG : TRACES.find(([commands]) => commands.test(theirs))?.[1];
}

/** Lines of output in an order of their own; tags in JSON count as such lines. */
function linesOf(stdout: string): readonly string[] {
  const tags = /"Tags": \[([^\]]*)\]/.exec(stdout)?.[1];
  const text = tags === undefined || stdout.includes('"Layers"') ? stdout : tags.replaceAll(/[", ]/g, "");
  return text.trim().split("\n").toSorted();
}

/** What is known at the destination about the image. */
async function referrersOf(sandbox: Sandbox): Promise<string> {
  return await (await sandbox.ask(`https://registry.example.org/v2/app/referrers/${app.top.digest}`)).text();
}

const TIMEOUT = 60_000;
const TOOLS = {
  skopeo: newestSkopeo?.path,
  crane: findProgram("crane"),
  oras: findProgram("oras"),
} as const;

for (const [tool, path] of Object.entries(TOOLS)) {
  if (path === undefined) console.error(`LEFT OUT for want of ${tool}: its commands in docs/migration.md`);
  const preamble =
    tool === "skopeo"
      ? `skopeo() { '${path}' --insecure-policy "$@"; }\n`
      : `PATH="$PATH:${dirname(path ?? "")}"\n`;
  describe.skipIf(path === undefined)(`from ${tool}`, () => {
    for (const row of rowsOf(tool)) {
      test(
        row.theirs,
        async () => {
          const [theirs, ours] = await Promise.all([perform(row.theirs, row, preamble), performOurs(row)]);
          expect(ours).toEqual(theirs);
        },
        TIMEOUT,
      );
    }
  });
}

describe("from regctl", () => {
  for (const row of rowsOf("regctl")) test(row.ours, async () => void (await performOurs(row)), TIMEOUT);
});

test("all rows are found", () => {
  const counts = ["skopeo", "crane", "oras", "regctl"].map((tool) => rowsOf(tool).length);
  expect(counts).toEqual([8, 17, 15, 17]);
});
