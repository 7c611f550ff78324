import { afterAll, describe, expect, test } from "bun:test";
import { ImageError } from "../../src/core/errors.ts";
import { formatGoJson } from "../../src/format/go-json.ts";
import { type ImageConfig, parseImageConfig, reserializeConfig } from "../../src/format/image-config.ts";
import { fullConfig, removeDirectoryImages, writeDirectoryImage } from "../cli/render/directory-image.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";

function parse(text: string): ImageConfig {
  return parseImageConfig(new TextEncoder().encode(text));
}

function reserialize(text: string): string {
  return formatGoJson(reserializeConfig(parse(text)));
}

const MINIMUM = '"architecture":"","os":"","config":{},"rootfs":{"type":"","diff_ids":null}';

describe("configs are read leniently", () => {
  test("what is missing is empty or null", () => {
    expect(parse("{}")).toEqual({
      created: null,
      author: "",
      architecture: "",
      os: "",
      "os.version": "",
      "os.features": null,
      variant: "",
      config: {
        User: "",
        ExposedPorts: null,
        Env: null,
        Entrypoint: null,
        Cmd: null,
        Volumes: null,
        WorkingDir: "",
        Labels: null,
        StopSignal: "",
        ArgsEscaped: false,
      },
      rootfs: { type: "", diff_ids: null },
      history: null,
      raw: {},
    });
  });

  test("null is like missing, also instead of the whole document", () => {
    const nulls = '{"created":null,"config":null,"rootfs":null,"history":[null],"os":null}';
    expect(reserialize(nulls)).toBe(`{${MINIMUM},"history":[{}]}`);
    expect(reserialize("null")).toBe(`{${MINIMUM}}`);
  });

  test("empty lists and maps are told from missing ones", () => {
    const { config } = parse('{"config":{"Env":[],"Labels":{}}}');
    expect([config.Env, config.Labels, config.Cmd]).toEqual([[], {}, null]);
  });

  test("names may be written in any letter case, and several spellings add up", () => {
    const config = parse(
      '{"ARCHITECTURE":"arm","Config":{"LABELS":{"A":"b"}},"config":{"user":"u","User":null}}',
    );
    expect(config.architecture).toBe("arm");
    expect(config.config.Labels).toEqual({ A: "b" });
    expect(config.config.User).toBe("u");
  });

  test("keys of labels that mean something to JavaScript are kept", () => {
    const labels = parse('{"config":{"Labels":{"__proto__":"a","constructor":"b"}}}').config.Labels ?? {};
    expect(Object.entries(labels)).toEqual([
      ["__proto__", "a"],
      ["constructor", "b"],
    ]);
  });

  test("members that only Docker has stay in the raw document", () => {
    const { raw } = parse('{"docker_version":"20","config":{"Healthcheck":{"Test":["x"]}}}');
    expect(raw).toEqual({ docker_version: "20", config: { Healthcheck: { Test: ["x"] } } });
  });
});

describe("configs are written in the OCI form", () => {
  test("in order, with sorted maps and without empty or unknown members", () => {
    const text = JSON.stringify({ history: [], container: "c", ...fullConfig, "os.features": [] });
    const keys = Object.keys(JSON.parse(reserialize(text)));
    expect(keys).toEqual([
      "created",
      "author",
      "architecture",
      "os",
      "os.version",
      "variant",
      "config",
      "rootfs",
      "history",
    ]);
    expect(reserialize(text)).toContain('"Labels":{"10":"ten","9":"nine","a":"first","html":"\\u003cb');
    expect(reserialize(text)).toContain('"ExposedPorts":{"443/tcp":{},"80/tcp":{}}');
  });

  test("a member that is empty is left out, but four are always there", () => {
    const empty =
      '{"config":{"Env":[],"Labels":{},"Volumes":{},"ArgsEscaped":false},"history":[],"author":""}';
    expect(reserialize(empty)).toBe(`{${MINIMUM}}`);
  });
});

/** Configs of which some are wrong; what they give or why they are refused is compared with the real tool. */
const documents: readonly string[] = [
  '{"architecture":5}',
  '{"config":[]}',
  '{"config":"x"}',
  '{"config":{"Labels":["a"]}}',
  '{"config":{"Labels":{"a":1}}}',
  '{"config":{"Labels":{"a":null}}}',
  '{"config":{"Env":"x"}}',
  '{"config":{"Env":[1]}}',
  '{"config":{"Env":[null,"a"]}}',
  '{"config":{"ExposedPorts":{"80":1}}}',
  '{"config":{"ExposedPorts":{"80":null}}}',
  '{"config":{"ExposedPorts":["80"]}}',
  '{"config":{"ArgsEscaped":"x"}}',
  '{"config":{"User":{}}}',
  '{"config":{"Cmd":"sh"}}',
  '{"rootfs":5}',
  '{"rootfs":{"type":1}}',
  '{"rootfs":{"diff_ids":["x",null]}}',
  '{"rootfs":{"diff_ids":[1]}}',
  '{"history":{}}',
  '{"history":[5]}',
  '{"history":[{"empty_layer":1}]}',
  '{"history":[{"created":"x"}]}',
  '{"os.features":"x"}',
  '{"variant":true}',
  '{"created":5}',
  '{"created":"x"}',
  '{"created":"2024-05-06T07:08:09.10-00:00"}',
  '{"docker_version":1,"Size":"x"}',
  '{"architecture":"a"',
  "",
  "[]",
  "5",
  "{} x",
  "{'a'}",
  '{"architecture":"a\tb"}',
  '{"architecture":"a","architecture":"b"}',
  '{"architecture":"\\ud800é\u2028<\u007f\\u0001"}',
  JSON.stringify(fullConfig),
];

afterAll(removeDirectoryImages);

describe.skipIf(realSkopeo === undefined)("configs are read and written like real skopeo does it", () => {
  for (const document of documents) {
    test(document.slice(0, 60) || "nothing", async () => {
      const { path } = writeDirectoryImage("oci", document);
      const real = await runRealSkopeo(["inspect", "--config", `dir:${path}`]);
      expect(describeConfig(document)).toEqual({ stdout: real.stdout, error: real.fatal });
    });
  }
});

function describeConfig(document: string): { stdout: string; error: string } {
  try {
    const json = formatGoJson(reserializeConfig(parse(document)), { indent: 4 });
    return { stdout: `${json}\n`, error: "" };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    expect(error.code).toBe("MANIFEST_INVALID");
    return { stdout: "", error: `Error reading OCI-formatted configuration data: ${error.message}` };
  }
}
