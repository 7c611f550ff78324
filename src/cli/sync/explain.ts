import { UsageError } from "../command.ts";
import { judgeTags, loadSyncFile } from "./sync-files.ts";
import type { SyncSession } from "./sync-session.ts";

/** Tells for each entry of a file why a tag is kept or left out. Only tags are listed, and dates read where they count. */
export async function explainTag(session: SyncSession, tag: string): Promise<void> {
  const { options, invocation } = session;
  if (options.sourceKind !== "yaml") throw new UsageError("--explain is about the files of --src yaml");
  for (const path of options.sources) {
    for (const entry of (await loadSyncFile(session, path)).entries) {
      const { source, selection, access, place } = entry;
      const repository = `${source.registry}/${source.repository}`;
      const say = (text: string): void =>
        invocation.stdout.write(`${repository}:${tag} (${place}): ${text}\n`);
      if (selection.references.includes(tag)) {
        say("kept, because it is named");
        continue;
      }
      if (selection.filter === undefined) {
        say("left out: only tags that are named are kept");
        continue;
      }
      const reference = await session.resolve(`docker://${repository}`, "source", access);
      const tags = await Array.fromAsync(reference.listTags?.({ signal: invocation.signal }) ?? []);
      const verdicts = await judgeTags(session, entry, tags, invocation.signal);
      say(verdicts.find((verdict) => verdict.tag === tag)?.reason ?? "not among the tags of the source");
    }
  }
}
