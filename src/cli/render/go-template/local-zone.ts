import { UTC, type Zone } from "./zone.ts";
import { parseZoneFile } from "./zone-file.ts";

const DIRECTORIES = ["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"];
const LOCAL_FILE = "/etc/localtime";

let local: Zone | undefined;

/**
 * The zone of this machine, from the variable `TZ` or else from `/etc/localtime`; UTC where neither can be read.
 * It is looked up once.
 */
export function localZone(): Zone {
  local ??= findZone(process.env.TZ) ?? { name: UTC.name, at: UTC.at };
  return local;
}

function findZone(variable: string | undefined): Zone | undefined {
  if (variable === undefined) return readZone("Local", LOCAL_FILE);
  const name = variable.replace(/^:/, "");
  if (name === "" || name === UTC.name) return undefined;
  if (name.startsWith("/")) return readZone(name === LOCAL_FILE ? "Local" : name, name);
  for (const directory of DIRECTORIES) {
    const zone = readZone(name, `${directory}/${name}`);
    if (zone !== undefined) return zone;
  }
  return undefined;
}

/** A zone that cannot be read is not there: times are then shown in UTC. */
function readZone(name: string, path: string): Zone | undefined {
  // Loaded here because few templates print a time in the local zone, and loading takes time.
  const { readFileSync } = process.getBuiltinModule("node:fs");
  try {
    return parseZoneFile(name, readFileSync(path));
  } catch {
    return undefined;
  }
}
