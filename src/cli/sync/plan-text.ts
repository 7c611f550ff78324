import type { SyncPlan } from "../../sync/plan.ts";
import { byteText } from "./byte-text.ts";

const SIGNS = { add: "+", update: "~", failed: "!" } as const;

/** A plan for people: what differs, and what it takes. */
export function planText({ images, deletions, expected }: SyncPlan): string {
  const counts = { add: 0, update: 0, unchanged: 0, failed: 0 };
  for (const { action } of images) counts[action]++;
  const lines = images.flatMap(({ action, from, to, bytes, missing, error }) => {
    if (action === "unchanged") return [];
    const size = bytes === undefined ? "" : byteText(bytes);
    const detail = error ?? (missing === undefined ? size : `lacks ${missing.join(", ")}`);
    return [`${SIGNS[action]} ${to}  from ${from}${detail === "" ? "" : `  (${detail})`}`];
  });
  const gone = deletions.map(({ name, digest }) => `- ${name}  (${digest})`);
  const summary = [
    `${counts.add} to add, ${counts.update} to update, ${deletions.length} to delete, ${counts.unchanged} unchanged`,
    ...(counts.failed === 0 ? [] : [`${counts.failed} that cannot be compared`]),
  ].join(", ");
  const effort = `at most ${byteText(expected.bytes)} to read, ${expected.mounts} blobs to mount, about ${expected.requests} requests`;
  return `${[...lines, ...gone, `${summary}; ${effort}`].join("\n")}\n`;
}
