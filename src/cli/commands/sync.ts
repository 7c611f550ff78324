import type { NetworkEvent } from "../../core/progress.ts";
import { type Command, defineCommand, type Invocation } from "../command.ts";
import { type SyncFlagTable, syncFlags } from "../flags/sync-flags.ts";
import { hideUnavailable } from "../flags/unavailable-flags.ts";
import { readSyncOptions } from "../sync/sync-options.ts";
import { openSyncSession } from "../sync/sync-session.ts";

export const command: Command = defineCommand({
  name: "sync",
  synopsis: "--src TRANSPORT --dest TRANSPORT SOURCE [SOURCE…] DESTINATION",
  summary: "Make a registry or directory have the images of another",
  description:
    "A SOURCE is an image or a repository with all its tags (--src docker), a directory of images (--src dir) or a file that lists repositories (--src yaml): one of skopeo's, a short list, or a mirror file, which may name destinations itself. What is at the destination already costs one question to each side. Exit codes: 1 something failed, 2 an image is missing, 3 a plan has differences, 4 refused for safety.",
  examples: [
    {
      purpose: "all tags of a repository",
      command: "sync --src docker --dest docker --all docker.io/library/busybox registry.example.com/hub",
    },
    {
      purpose: "two images to a directory, to be carried elsewhere",
      command: "sync --src docker --dest dir --scoped busybox:1.36 alpine:3.20 /media/usb",
    },
    {
      purpose: "what a file would change, for a job that watches for drift",
      command: "sync --src yaml --dest docker --plan mirror.yaml registry.example.com",
    },
    {
      purpose: "a mirror file out of regsync's or image-syncer's",
      command: "sync convert regsync.yaml",
    },
    {
      purpose: "the same in parts on eight machines",
      command: "sync --src yaml --dest docker --shard 1/8 mirror.yaml registry.example.com",
    },
  ],
  flags: hideUnavailable(syncFlags),
  helpOnMisuse: true,
  run,
});

async function run(invocation: Invocation<SyncFlagTable>): Promise<void> {
  if (invocation.arguments[0] === "convert" && invocation.flags.src === undefined) {
    return await (await import("../sync/convert-files.ts")).convertFiles(invocation);
  }
  const options = readSyncOptions(invocation);
  let report: (event: NetworkEvent) => void = () => undefined;
  const session = await openSyncSession(invocation, options, (event) => report(event));
  const { runSync } = await import("../sync/run-sync.ts");
  await runSync(session, (listener) => {
    report = listener;
  });
}
