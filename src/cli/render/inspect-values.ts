import { compareBytes } from "../../format/go-json.ts";
import type { ImageConfig } from "../../format/image-config.ts";
import type { InspectData } from "../../inspect/inspect-data.ts";
import { toByteText } from "./go-template/byte-text.ts";
import { DIGEST } from "./go-template/digest-type.ts";
import { parseMoment } from "./go-template/moment.ts";
import { TIME, timeValue } from "./go-template/time-type.ts";
import {
  BOOL,
  boolValue,
  type GoType,
  type GoValue,
  INT64,
  integerValue,
  mapOf,
  pointerTo,
  STRING,
  STRINGS,
  type StructField,
  type StructType,
  sliceOf,
  stringValue,
} from "./go-template/values.ts";

const TIME_POINTER = pointerTo(TIME);
const STRING_MAP = mapOf(STRING);
const EMPTY_STRUCT: StructType = { kind: "struct", name: "struct {}", fields: [] };
const KEY_SET = mapOf(EMPTY_STRUCT);

const LAYER = structType("types.ImageInspectLayer", [
  { name: "MIMEType", type: STRING },
  { name: "Digest", type: DIGEST },
  { name: "Size", type: INT64 },
  { name: "Annotations", type: STRING_MAP },
]);
const OUTPUT = structType("inspect.Output", [
  { name: "Name", type: STRING, omitEmpty: true },
  { name: "Tag", type: STRING, omitEmpty: true },
  { name: "Digest", type: DIGEST },
  { name: "RepoTags", type: STRINGS },
  { name: "Created", type: TIME_POINTER },
  { name: "DockerVersion", type: STRING },
  { name: "Labels", type: STRING_MAP },
  { name: "Architecture", type: STRING },
  { name: "Os", type: STRING },
  { name: "Layers", type: STRINGS },
  { name: "LayersData", type: sliceOf(LAYER) },
  { name: "Env", type: STRINGS },
]);

const PLATFORM = structType("v1.Platform", [
  { name: "Architecture", type: STRING, json: "architecture" },
  { name: "OS", type: STRING, json: "os" },
  optional("OSVersion", STRING, "os.version"),
  optional("OSFeatures", STRINGS, "os.features"),
  optional("Variant", STRING, "variant"),
]);
const RUN_CONFIG = structType("v1.ImageConfig", [
  optional("User", STRING),
  optional("ExposedPorts", KEY_SET),
  optional("Env", STRINGS),
  optional("Entrypoint", STRINGS),
  optional("Cmd", STRINGS),
  optional("Volumes", KEY_SET),
  optional("WorkingDir", STRING),
  optional("Labels", STRING_MAP),
  optional("StopSignal", STRING),
  optional("ArgsEscaped", BOOL),
]);
const ROOT_FILESYSTEM = structType("v1.RootFS", [
  { name: "Type", type: STRING, json: "type" },
  { name: "DiffIDs", type: sliceOf(DIGEST), json: "diff_ids" },
]);
const HISTORY = structType("v1.History", [
  optional("Created", TIME_POINTER, "created"),
  optional("CreatedBy", STRING, "created_by"),
  optional("Author", STRING, "author"),
  optional("Comment", STRING, "comment"),
  optional("EmptyLayer", BOOL, "empty_layer"),
]);
const IMAGE = structType("v1.Image", [
  optional("Created", TIME_POINTER, "created"),
  optional("Author", STRING, "author"),
  { name: "Platform", type: PLATFORM, embedded: true },
  { name: "Config", type: RUN_CONFIG, json: "config" },
  { name: "RootFS", type: ROOT_FILESYSTEM, json: "rootfs" },
  optional("History", sliceOf(HISTORY), "history"),
]);

/** What `inspect` reports, as templates see it. cli.md 5.1. */
export function inspectValue(data: InspectData): GoValue {
  const layers = data.LayersData.map((layer) =>
    struct(LAYER, [
      text(layer.MIMEType),
      digest(layer.Digest),
      integerValue(layer.Size, INT64),
      stringMap(layer.Annotations),
    ]),
  );
  return struct(OUTPUT, [
    text(data.Name ?? ""),
    text(data.Tag ?? ""),
    digest(data.Digest),
    texts(data.RepoTags),
    time(data.Created),
    text(data.DockerVersion),
    stringMap(data.Labels),
    text(data.Architecture),
    text(data.Os),
    texts(data.Layers),
    { kind: "slice", type: sliceOf(LAYER), items: layers },
    texts(data.Env),
  ]);
}

/** A config as templates see it with `--config`: a pointer to the structure of the OCI format. cli.md 5.2. */
export function imageConfigValue(image: ImageConfig): GoValue {
  const { rootfs } = image;
  const platform = struct(PLATFORM, [
    text(image.architecture),
    text(image.os),
    text(image["os.version"]),
    texts(image["os.features"]),
    text(image.variant),
  ]);
  const diffIds = rootfs.diff_ids?.map(digest) ?? null;
  const target = struct(IMAGE, [
    time(image.created),
    text(image.author),
    platform,
    runConfigValue(image.config),
    struct(ROOT_FILESYSTEM, [text(rootfs.type), { kind: "slice", type: sliceOf(DIGEST), items: diffIds }]),
    historyValue(image.history),
  ]);
  return { kind: "pointer", type: pointerTo(IMAGE), target };
}

function runConfigValue(config: ImageConfig["config"]): GoValue {
  return struct(RUN_CONFIG, [
    text(config.User),
    keySet(config.ExposedPorts),
    texts(config.Env),
    texts(config.Entrypoint),
    texts(config.Cmd),
    keySet(config.Volumes),
    text(config.WorkingDir),
    stringMap(config.Labels),
    text(config.StopSignal),
    boolValue(config.ArgsEscaped),
  ]);
}

function historyValue(history: ImageConfig["history"]): GoValue {
  const items = history?.map((entry) =>
    struct(HISTORY, [
      time(entry.created),
      text(entry.created_by),
      text(entry.author),
      text(entry.comment),
      boolValue(entry.empty_layer),
    ]),
  );
  return { kind: "slice", type: sliceOf(HISTORY), items: items ?? null };
}

function structType(name: string, fields: readonly StructField[]): StructType {
  return { kind: "struct", name, fields };
}

function optional(name: string, type: GoType, json: string = name): StructField {
  return { name, type, json, omitEmpty: true };
}

function struct(type: StructType, fields: readonly GoValue[]): GoValue {
  return { kind: "struct", type, fields };
}

function text(value: string): GoValue {
  return stringValue(toByteText(value));
}

function digest(value: string): GoValue {
  return stringValue(toByteText(value), DIGEST);
}

function texts(values: readonly string[] | null): GoValue {
  return { kind: "slice", type: STRINGS, items: values?.map(text) ?? null };
}

function time(value: string | null): GoValue {
  return {
    kind: "pointer",
    type: TIME_POINTER,
    target: value === null ? null : timeValue(parseMoment(value)),
  };
}

function stringMap(record: Readonly<Record<string, string>> | null): GoValue {
  return { kind: "map", type: STRING_MAP, entries: record && sortedEntries(Object.entries(record), text) };
}

function keySet(keys: readonly string[] | null): GoValue {
  const entries =
    keys &&
    sortedEntries(
      keys.map((key) => [key, null] as const),
      () => struct(EMPTY_STRUCT, []),
    );
  return { kind: "map", type: KEY_SET, entries };
}

function sortedEntries<T>(
  entries: readonly (readonly [string, T])[],
  convert: (value: T) => GoValue,
): ReadonlyMap<string, GoValue> {
  const sorted = [...entries].sort(([left], [right]) => compareBytes(left, right));
  return new Map(sorted.map(([key, value]) => [toByteText(key), convert(value)]));
}
