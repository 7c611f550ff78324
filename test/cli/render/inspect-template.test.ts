import { describe, expect, test } from "bun:test";
import {
  InspectTemplateError,
  renderInspect,
  renderInspectConfig,
} from "../../../src/cli/render/inspect-template.ts";
import { parseImageConfig } from "../../../src/format/image-config.ts";
import type { InspectData } from "../../../src/inspect/inspect-data.ts";
import { fullConfig } from "./directory-image.ts";

const data: InspectData = {
  Name: "reg.example:5000/app",
  Digest: "sha256:09be97e0c2da65ff2da44030bf56b104843a0d5d67ae1164d24509f6115696f3",
  RepoTags: ["v1"],
  Created: "2024-05-06T07:08:09.123456789Z",
  DockerVersion: "",
  Labels: { z: "last", html: "<b>&", a: "first" },
  Architecture: "amd64",
  Os: "linux",
  Layers: ["sha256:bfcb0129dfd69a08f5d8857fdedd66787bef4100fde88f6d9f16eeef6dbca8e2"],
  LayersData: [
    {
      MIMEType: "application/vnd.oci.image.layer.v1.tar+gzip",
      Digest: "sha256:bfcb0129dfd69a08f5d8857fdedd66787bef4100fde88f6d9f16eeef6dbca8e2",
      Size: 102,
      Annotations: { k: "v" },
    },
  ],
  Env: null,
};

const json = `{
    "Name": "reg.example:5000/app",
    "Digest": "sha256:09be97e0c2da65ff2da44030bf56b104843a0d5d67ae1164d24509f6115696f3",
    "RepoTags": [
        "v1"
    ],
    "Created": "2024-05-06T07:08:09.123456789Z",
    "DockerVersion": "",
    "Labels": {
        "a": "first",
        "html": "\\u003cb\\u003e\\u0026",
        "z": "last"
    },
    "Architecture": "amd64",
    "Os": "linux",
    "Layers": [
        "sha256:bfcb0129dfd69a08f5d8857fdedd66787bef4100fde88f6d9f16eeef6dbca8e2"
    ],
    "LayersData": [
        {
            "MIMEType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "Digest": "sha256:bfcb0129dfd69a08f5d8857fdedd66787bef4100fde88f6d9f16eeef6dbca8e2",
            "Size": 102,
            "Annotations": {
                "k": "v"
            }
        }
    ],
    "Env": null
}
`;

async function problemOf(rendered: Promise<string>): Promise<InspectTemplateError> {
  const error: unknown = await rendered.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof InspectTemplateError) return error;
  throw new Error("the template did not fail", { cause: error });
}

describe("the report of inspect", () => {
  for (const template of [undefined, "", "json", " json ", "{{json}}", "{{ json. }}"]) {
    test(`is indented JSON with ${template === undefined ? "no template" : JSON.stringify(template)}`, async () => {
      expect(await renderInspect(template, data)).toBe(json);
    });
  }

  const cases: readonly (readonly [template: string, output: string])[] = [
    ["{{.Digest}}", `${data.Digest}\n`],
    ["{{.Name}}|{{.Os}}", "reg.example:5000/app|linux\n"],
    ["{{range .Layers}}{{println .}}{{end}}", `${data.Layers[0]}\n\n`],
    ['{{join .RepoTags ","}}', "v1\n"],
    ['{{.Labels.a}} {{index .Labels "z"}}', "first last\n"],
    ["{{.LayersData}}", `[{${data.LayersData[0]?.MIMEType} ${data.Layers[0]} 102 map[k:v]}]\n`],
    ["{{.Labels.nope}} {{.Env}} {{.Created.Year}}", "<no value> [] 2024\n"],
    ["{{.Created}}", "2024-05-06 07:08:09.123456789 +0000 UTC\n"],
    ["table {{.Os}} {{.Architecture}}", "linux       amd64\n"],
    ["{{json .Labels}}", '{"a":"first","html":"<b>&","z":"last"}\n'],
    ["a\\tb\\n", "a\tb\n"],
    ['{{printf "a\\nb"}}', "a\nb"],
    ["{{range .}}{{.Os}}{{end}}", "linux\n"],
  ];
  for (const [template, output] of cases) {
    test(`follows ${template}`, async () => expect(await renderInspect(template, data)).toBe(output));
  }
});

describe("a template that fails", () => {
  test("says where, and hands over what it had printed", async () => {
    const error = await problemOf(renderInspect("{{.Os}} {{.Nope}}", data));
    expect(error.code).toBe("CONFIG_INVALID");
    expect(error.output).toBe("linux ");
    expect(error.message).toBe(
      'template: skopeo inspect:1:21: executing "skopeo inspect" at <.Nope>: can\'t evaluate field Nope in type interface {}',
    );
  });

  test("prints nothing when it cannot even be parsed", async () => {
    const error = await problemOf(renderInspect("{{.Os}} {{nofunc}}", data));
    expect(error.output).toBe("");
    expect(error.message).toBe('template: skopeo inspect:1: function "nofunc" not defined');
  });

  test("is no endless recursion, neither in templates nor in parentheses", async () => {
    const recursive = '{{range .}}{{end}}{{define "x"}}a{{template "x" .}}{{end}}{{template "x" .}}';
    expect((await problemOf(renderInspect(recursive, data))).message).toBe(
      'template: skopeo inspect:1:44: executing "x" at <{{template "x" .}}>: exceeded maximum template depth (100000)',
    );
    const nested = `{{${"(".repeat(20_000)}1${")".repeat(20_000)}}}`;
    expect((await problemOf(renderInspect(nested, data))).message).toBe(
      "template: skopeo inspect:1: max expression depth exceeded",
    );
  });
});

describe("the configuration", () => {
  const config = parseImageConfig(Buffer.from(JSON.stringify(fullConfig)));

  test("is shown in the OCI form", async () => {
    const text = await renderInspectConfig(undefined, config);
    expect(
      text.startsWith('{\n    "created": "2024-05-06T07:08:09.123456789Z",\n    "author": "A \\u003ca@b'),
    ).toBeTrue();
    expect(text.endsWith('            "empty_layer": true\n        }\n    ]\n}\n')).toBeTrue();
  });

  test("has fields of its own for templates", async () => {
    const template = "{{.OS}} {{.Platform.Architecture}} {{.Config.ExposedPorts}} {{json .Config.Volumes}}";
    expect(await renderInspectConfig(template, config)).toBe(
      'linux amd64 map[443/tcp:{} 80/tcp:{}] {"/v":{}}\n',
    );
  });

  test("is named in errors", async () => {
    const error = await problemOf(renderInspectConfig("{{.Nope}}", config));
    expect(error.message).toBe(
      "Error writing OCI-formatted configuration data to standard output: template: skopeo inspect:1:13: " +
        'executing "skopeo inspect" at <.Nope>: can\'t evaluate field Nope in type interface {}',
    );
  });
});
