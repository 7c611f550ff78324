import { mkdtempSync } from "node:fs";
import { join } from "node:path";

/** The words that begin a command of podman with storage of its own. Its paths must be short: it refuses more than 50 characters. */
export function podmanWithOwnStorage(): readonly string[] {
  const directory = mkdtempSync("/tmp/pm-");
  return [
    "podman",
    "--root",
    join(directory, "root"),
    "--runroot",
    join(directory, "run"),
    "--storage-driver=vfs",
  ];
}
