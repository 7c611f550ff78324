import { expect, test } from "bun:test";
import fc from "fast-check";
import { computeDigest } from "../../src/core/digest.ts";
import { ImageError } from "../../src/core/errors.ts";
import * as types from "../../src/core/media-type.ts";
import { parseStrictJson } from "../../src/core/strict-json.ts";
import { convertImage, convertIndex } from "../../src/format/convert.ts";
import { formatGoJson } from "../../src/format/go-json.ts";
import { formatTime, normalizeTime } from "../../src/format/go-time.ts";
import { parseImageConfig, reserializeConfig } from "../../src/format/image-config.ts";
import { chooseInstance } from "../../src/format/instance-choice.ts";
import { guessManifestType, parseManifest, rawManifest } from "../../src/format/manifest.ts";
import { manifestDigest } from "../../src/format/manifest-digest.ts";
import { formatRawMembers, rawMembers } from "../../src/format/raw-json.ts";
import { formatImageManifest } from "../../src/format/rewrite-manifest.ts";
import { parseSchema1 } from "../../src/format/schema1.ts";
import { buildSchema1Config } from "../../src/format/schema1-to-schema2.ts";
import { schema2ToSchema1 } from "../../src/format/schema2-to-schema1.ts";
import { formatLayoutIndex, parseLayoutIndex } from "../../src/transports/oci/layout-index.ts";
import { sampleText } from "./corpus.ts";
import { answersOrRefuses, holds, parsed } from "./fuzz.ts";
import { anyJson, damaged, damagedJson, oddText } from "./inputs.ts";

const IMAGES = [sampleText("oci-manifest.json"), sampleText("docker-manifest.json")];
const INDEXES = [sampleText("oci-index.json"), sampleText("docker-list.json")];
const SCHEMA_1 = sampleText("schema1.json");
const CONFIG = sampleText("config.json");
const MANIFESTS = damagedJson([...IMAGES, ...INDEXES, SCHEMA_1]);
const HOST = { os: "linux", architecture: "amd64", variant: "" };
const EMPTY = computeDigest(new Uint8Array());

test("strict JSON agrees with JSON.parse on all that it accepts", async () => {
  await answersOrRefuses(fc.oneof(damagedJson([CONFIG, ...INDEXES]), anyJson), (bytes) => {
    const value = parseStrictJson(bytes, { duplicateKeys: "last-wins" });
    expect(JSON.stringify(value)).toBe(
      JSON.stringify(JSON.parse(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes))),
    );
  });
});

test("strict JSON refuses what JSON.parse refuses", async () => {
  await holds(damaged([CONFIG, ...IMAGES]), (bytes) => {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    const isJson = succeedsWith(() => ({ value: JSON.parse(text) })) !== undefined;
    if (!isJson) expect(() => parseStrictJson(bytes, { duplicateKeys: "last-wins" })).toThrow(ImageError);
  });
});

test("Go's JSON of any value is JSON of that value", async () => {
  const indents = fc.constantFrom(undefined, 1, 4);
  await holds(fc.tuple(fc.jsonValue({ stringUnit: "binary" }), indents), ([value, indent]) => {
    expect(JSON.parse(formatGoJson(value, { indent }))).toEqual(
      JSON.parse(formatGoJson(value, { escapeHtml: false })),
    );
    expect(JSON.stringify(JSON.parse(formatGoJson(value)))).toBe(JSON.stringify(value));
  });
});

test("the members of raw JSON keep their values, and their text when read again", async () => {
  await answersOrRefuses(damagedJson([CONFIG, ...IMAGES]), (bytes) => {
    const members = rawMembers(bytes, "document");
    if (!isObject(JSON.parse(new TextDecoder().decode(bytes)))) return;
    const text = formatRawMembers(members);
    expect(formatRawMembers(rawMembers(new TextEncoder().encode(text), "document"))).toBe(text);
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    expect(JSON.parse(text)).toEqual(value);
  });
});

test("manifests of any kind are parsed as any type, and guessed", async () => {
  const given = fc.constantFrom(...types.MANIFEST_TYPES, "", "text/html");
  await answersOrRefuses(
    fc.tuple(MANIFESTS, given, fc.boolean()),
    ([bytes, type, guesses]) => {
      manifestDigest(bytes);
      parseManifest(rawManifest(bytes, guesses ? guessManifestType(bytes) : type));
    },
    { runs: 800 },
  );
});

test("an image manifest that is parsed can be written, and is then the same", async () => {
  await answersOrRefuses(damagedJson(IMAGES), (bytes) => {
    const manifest = parseManifest(rawManifest(bytes, guessManifestType(bytes)));
    if (manifest.kind !== "image") return;
    const written = formatImageManifest(manifest);
    const again = parseManifest(written);
    expect(formatImageManifest(manifest).bytes).toEqual(written.bytes);
    expect(again.kind === "image" && formatImageManifest(again).bytes).toEqual(written.bytes);
  });
});

test("images are converted, from and to all formats, or refused", async () => {
  const inputs = fc.tuple(damagedJson(IMAGES), damagedJson([CONFIG]), fc.boolean());
  await answersOrRefuses(inputs, ([bytes, config, toOci]) => {
    const manifest = parseManifest(rawManifest(bytes, guessManifestType(bytes)));
    if (manifest.kind !== "image") return;
    const converted = convertImage(manifest, toOci ? types.OCI_MANIFEST : types.DOCKER_MANIFEST, config);
    parseManifest(converted.manifest);
    if (toOci) expect(converted.config.digest).toBe(computeDigest(converted.configBytes));
  });
});

test("indexes are converted, an instance is chosen, and layouts keep them", async () => {
  await answersOrRefuses(
    fc.tuple(
      damagedJson(INDEXES),
      fc.boolean(),
      fc.constantFrom("amd64", "arm64", "constructor", "__proto__"),
    ),
    ([bytes, toOci, architecture]) => {
      const index = parseManifest(rawManifest(bytes, guessManifestType(bytes)));
      if (index.kind !== "index") return;
      parseManifest(convertIndex(index, toOci ? types.OCI_INDEX : types.DOCKER_LIST, index.manifests, HOST));
      chooseInstance(index, { ...HOST, architecture });
    },
  );
  await answersOrRefuses(damagedJson(INDEXES), (bytes) => {
    const written = formatLayoutIndex(parseLayoutIndex(bytes, "index.json"));
    expect(formatLayoutIndex(parseLayoutIndex(new TextEncoder().encode(written), "index.json"))).toBe(
      written,
    );
  });
});

test("schema 1 manifests are parsed, and make a config", async () => {
  const inputs = damagedJson([SCHEMA_1]);
  await answersOrRefuses(inputs, (bytes) => {
    const manifest = parseSchema1(rawManifest(bytes, types.SCHEMA1_SIGNED));
    parseImageConfig(buildSchema1Config(manifest, [EMPTY]));
  });
  const histories = damagedJson([JSON.stringify(JSON.parse(SCHEMA_1).history[0].v1Compatibility)]);
  await answersOrRefuses(histories, (bytes) => {
    const v1Compatibility = new TextDecoder().decode(bytes);
    const document = JSON.stringify({
      ...JSON.parse(SCHEMA_1),
      history: [{ v1Compatibility }, JSON.parse(SCHEMA_1).history[1]],
    });
    const manifest = parseSchema1(rawManifest(new TextEncoder().encode(document), types.SCHEMA1));
    parseImageConfig(buildSchema1Config(manifest, [EMPTY]));
  });
});

test("image configs are parsed, written as JSON, and described in schema 1", async () => {
  await answersOrRefuses(damagedJson([CONFIG]), (bytes) => {
    const written = formatGoJson(reserializeConfig(parseImageConfig(bytes)));
    const again = parseImageConfig(new TextEncoder().encode(written));
    expect(formatGoJson(reserializeConfig(again))).toBe(written);
    schema2ToSchema1(bytes, [EMPTY, EMPTY], { name: "a", tag: "b" });
  });
});

test("a time is read or refused, and normal once it is", async () => {
  const times = fc.oneof(
    oddText,
    damaged(["2024-05-06T07:08:09.123456789+02:00", "0001-01-01T00:00:00Z"]).map(String),
    timesOfAnyKind(),
  );
  await holds(times, async (text) => {
    const normal = await parsed(() => succeedsWith(() => normalizeTime(text)));
    if (normal === undefined) return;
    expect(normalizeTime(normal)).toBe(normal);
    formatTime(normal);
  });
});

function timesOfAnyKind(): fc.Arbitrary<string> {
  const number = fc.oneof(fc.integer({ min: 0, max: 99 }), fc.constantFrom(0, 29, 31, 59, 60, 24, 9999));
  return fc
    .tuple(number, number, number, number, number, number, fc.constantFrom("Z", "+02:00", "-24:00", "z", ""))
    .map(([year, month, day, hour, minute, second, zone]) => {
      const two = (value: number): string => String(value).padStart(2, "0");
      return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${zone}`;
    });
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function succeedsWith<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
