import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseDuration } from "../../src/cli/duration.ts";
import { decompressed } from "../../src/compression/decompress.ts";
import { readSignatureStorage } from "../../src/config/signature-storage.ts";
import { readTlsDetails } from "../../src/config/tls-details.ts";
import { collect, streamOf } from "../../src/core/byte-stream.ts";
import { OCI_INDEX, SCHEMA1 } from "../../src/core/media-type.ts";
import { chooseInstance } from "../../src/format/instance-choice.ts";
import { parseIndex, rawManifest } from "../../src/format/manifest.ts";
import { parseSchema1 } from "../../src/format/schema1.ts";
import { errorFromResponse } from "../../src/registry/registry-error.ts";
import { formatPem } from "../../src/signing/sigstore/pem.ts";
import { readPrivateKeyFile } from "../../src/signing/sigstore/private-key-file.ts";
import { parseSigningParameters } from "../../src/signing/sigstore/signing-parameters.ts";
import { convertSyncFile } from "../../src/sync/files/convert.ts";
import { parsePlan } from "../../src/sync/plan.ts";
import { sample, sampleText } from "./corpus.ts";

/** Inputs that were once answered wrongly. What was slow or large is in the tests of its parser. */
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test("an error code that every object has as a member is told as it is", async () => {
  const told = async (code: string, message: string): Promise<string> => {
    const body = bytesOf(JSON.stringify({ errors: [{ code, message }] }));
    const answer = { url: "https://a", status: 400, headers: new Headers(), body: streamOf(body) };
    return (await errorFromResponse({ ...answer, discard: async () => undefined })).message;
  };
  expect(await told("constructor", "")).toBe("constructor");
  expect(await told("__proto__", "no")).toBe("__proto__: no");
});

test("an architecture that every object has as a member is one that no image has", () => {
  const index = parseIndex(rawManifest(bytesOf(sampleText("oci-index.json")), OCI_INDEX));
  for (const architecture of ["constructor", "__proto__"]) {
    expect(() => chooseInstance(index, { os: "linux", architecture, variant: "" })).toThrow("no image found");
  }
});

test("a unit that every object has as a member is unknown", () => {
  expect(() => parseDuration("1constructor")).toThrow('time: unknown unit "constructor"');
});

test("a setting that every object has as a member is left out of a converted file as any other", async () => {
  const { notes } = await convertSyncFile("version: 1\nconstructor: 1\nsync: []\n", "regsync").catch(() => ({
    notes: [],
  }));
  expect(notes.join("\n")).not.toContain("native code");
});

test("a schema version that is no number is quoted as JSON", () => {
  const manifest = rawManifest(
    bytesOf(sampleText("schema1.json").replace(/"schemaVersion": *1/, `"schemaVersion":{}`)),
    SCHEMA1,
  );
  expect(() => parseSchema1(manifest)).toThrow("{}");
});

test("compressed data that ends before it began is said to end early", async () => {
  for (const format of ["xz", "bzip2"] as const) {
    const cut = collect(
      decompressed(streamOf(sample(format === "xz" ? "text.xz" : "text.bz2").subarray(0, 20)), format, "a"),
      1e6,
      "a",
    );
    await expect(cut).rejects.toThrow(`a: corrupt ${format} data`);
  }
  const nothing = collect(decompressed(streamOf(new Uint8Array()), "xz", "a"), 1e6, "a");
  await expect(nothing).rejects.toThrow("a: corrupt xz data: it ends early");
});

test("an empty chunk within bzip2 changes nothing", async () => {
  const whole = sample("text.bz2");
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const part of [0, 20, 40, 60]) {
      yield whole.subarray(part, part === 60 ? undefined : part + 20);
      yield new Uint8Array();
    }
  }
  expect((await collect(decompressed(chunks(), "bzip2", "a"), 1e6, "a")).length).toBe(5_400);
});

test("what is no JSON is called so in words of this program", async () => {
  const key = formatPem({ label: "ENCRYPTED SIGSTORE PRIVATE KEY", bytes: bytesOf("{") });
  await expect(readPrivateKeyFile(key, "")).rejects.toThrow(
    "decrypt: the encrypted key cannot be read: it is no JSON",
  );
  expect(() => parsePlan("{", "plan.json")).toThrow("plan.json is no plan of sync: it is no JSON");
});

test("YAML that is too deep for its parser is said to be", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-deep-"));
  try {
    const file = join(folder, "a.yaml");
    const text = "[".repeat(50_000);
    writeFileSync(file, text);
    const environment = { env: {}, home: folder, platform: "linux", uid: 0 } as const;
    await expect(readSignatureStorage(environment, folder)).rejects.toThrow(
      `parsing ${file}: it is nested too deeply`,
    );
    await expect(readTlsDetails(file)).rejects.toThrow("it is nested too deeply");
    await expect(parseSigningParameters(bytesOf(text))).rejects.toThrow(
      "yaml: line 1: it is nested too deeply",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
