import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseSkopeoYaml } from "../../../src/sync/files/skopeo-yaml.ts";
import { applyTagFilter } from "../../../src/sync/files/tag-filter.ts";
import { temporary } from "../../support/images.ts";
import { run } from "../../support/run.ts";

/** What is to be mirrored, and what was said of it. */
export interface Selection {
  /** `host/repository:tag`, sorted, each once. */
  readonly images: readonly string[];
  /** Warnings and errors with their fields, sorted. */
  readonly records: readonly string[];
}

/** What real skopeo makes of a file; it only lists tags. @throws with its last words when it fails */
export async function selectByReal(skopeo: string, text: string): Promise<Selection> {
  const file = join(temporary("sync-file"), "sync.yml");
  writeFileSync(file, text);
  const words = ["sync", "--dry-run", "--src-tls-verify=false", "--src", "yaml", "--dest", "docker"];
  const command = [skopeo, "--insecure-policy", ...words, "sync.yml", "mirror.invalid"];
  const { exitCode, stderr } = await run(command, { cwd: join(file, "..") });
  if (exitCode !== 0) throw new Error(parseLine(stderr.trim().split("\n").at(-1) ?? "").get("msg"));
  const lines = stderr.split("\n").map(parseLine);
  const images = lines.flatMap((line) => /^docker:\/\/(.*)$/.exec(line.get("from") ?? "")?.[1] ?? []);
  const records = lines
    .filter((line) => ["warning", "error"].includes(line.get("level") ?? ""))
    .map((line) => [...line].filter(([key]) => key !== "time"))
    .filter((fields) => !fields.some(([, value]) => value === "Running in dry-run mode"));
  return {
    images: [...new Set(images)].sort(),
    records: records.map((fields) => JSON.stringify(fields)).sort(),
  };
}

/** What we make of the same file, where all repositories have these tags. */
export async function selectByOurs(text: string, tags: readonly string[]): Promise<Selection> {
  const { entries, problems } = await parseSkopeoYaml(text, "sync.yml");
  const images: string[] = [];
  const records = problems.flatMap(({ level, message, fields, cause }) => [
    [["level", level], ["msg", message], ...Object.entries(fields)],
    ...(cause === undefined
      ? []
      : [
          [
            ["level", level],
            ["msg", cause],
          ],
        ]),
  ]);
  for (const { source, selection } of entries) {
    const repository = `${source.registry}/${source.repository}`;
    const { references, filter } = selection;
    images.push(...references.map((name) => `${repository}${name.includes(":") ? "@" : ":"}${name}`));
    if (filter === undefined) continue;
    const kept = (await applyTagFilter(filter, tags, { now: new Date() })).filter((verdict) => verdict.kept);
    images.push(...kept.map(({ tag }) => `${repository}:${tag}`));
    if (kept.length === 0) {
      const [registry = "", ...path] = repository.split("/");
      const fields = [
        ["registry", [registry, ...path.slice(0, -1)].join("/")],
        ["repo", path.at(-1)],
      ];
      records.push([["level", "warning"], ["msg", "No refs to sync found"], ...fields] as string[][]);
    }
  }
  return {
    images: [...new Set(images)].sort(),
    records: records.map((fields) => JSON.stringify(fields)).sort(),
  };
}

/** The fields of a record as logrus writes it. */
function parseLine(line: string): ReadonlyMap<string, string> {
  const fields = line.matchAll(/(\w+)=(?:("(?:[^"\\]|\\.)*")|(\S*))/g);
  return new Map(
    [...fields].map(([, key = "", quoted, bare = ""]) => [key, quoted ? String(JSON.parse(quoted)) : bare]),
  );
}
