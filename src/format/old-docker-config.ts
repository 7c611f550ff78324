import { formatGoJson, sortedRecord } from "./go-json.ts";
import { ZERO_TIME } from "./go-time.ts";
import { isRecord, parseJsonValue } from "./json.ts";

/** From here on, Docker wrote into the newest layer what it means; before, members may be missing. */
const RELIABLE_VERSION = "1.8.3";

/** Members of Docker's container config in its order, with what stands for one that is missing; undefined leaves it out. */
const CONTAINER_CONFIG: readonly (readonly [name: string, absent: unknown])[] = [
  ...["Hostname", "Domainname", "User"].map((name) => [name, ""] as const),
  ...["AttachStdin", "AttachStdout", "AttachStderr"].map((name) => [name, false] as const),
  ["ExposedPorts", undefined],
  ...["Tty", "OpenStdin", "StdinOnce"].map((name) => [name, false] as const),
  ["Env", null],
  ["Cmd", null],
  ["Healthcheck", undefined],
  ["ArgsEscaped", undefined],
  ["Image", ""],
  ["Volumes", null],
  ["WorkingDir", ""],
  ["Entrypoint", null],
  ["NetworkDisabled", undefined],
  ["MacAddress", undefined],
  ["OnBuild", null],
  ["Labels", null],
  ["StopSignal", undefined],
  ["StopTimeout", undefined],
  ["Shell", undefined],
];

/** Members with arbitrary keys, which are written sorted. */
const MAPS: ReadonlySet<string> = new Set(["ExposedPorts", "Volumes", "Labels"]);

/** The description of a layer, in full where a Docker older than 1.8.3 has written it. images.md 7.4. */
export function reencodeOldConfig(v1Compatibility: string): Uint8Array {
  const bytes = new TextEncoder().encode(v1Compatibility);
  const document = parseJsonValue(bytes, "v1Compatibility");
  if (!isRecord(document)) return bytes;
  const version = document.docker_version;
  if (typeof version !== "string" || version === "" || !isOlder(version)) return bytes;
  const { id, parent, comment, created, container, docker_version, author, architecture, variant, os, Size } =
    document;
  const config = isRecord(document.config) ? completeConfig(document.config) : undefined;
  const text = formatGoJson({
    ...{ id, parent, comment, created: created ?? ZERO_TIME, container },
    container_config: completeConfig(isRecord(document.container_config) ? document.container_config : {}),
    ...{ docker_version, author, config, architecture, variant, os, Size },
  });
  return new TextEncoder().encode(text);
}

function completeConfig(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    CONTAINER_CONFIG.map(([name, absent]) => {
      const value = config[name];
      const isEmpty = value === undefined || value === null || (absent === undefined && isZero(value));
      if (isEmpty) return [name, absent];
      return [name, MAPS.has(name) && isRecord(value) ? sortedRecord(value) : value];
    }),
  );
}

function isZero(value: unknown): boolean {
  if (isRecord(value)) return Object.keys(value).length === 0;
  return value === "" || value === false || (Array.isArray(value) && value.length === 0);
}

function isOlder(version: string): boolean {
  return version.localeCompare(RELIABLE_VERSION, "en", { numeric: true }) < 0;
}
