import { expect, test } from "bun:test";
import fc from "fast-check";
import { renderInspect, renderInspectConfig } from "../../src/cli/render/inspect-template.ts";
import { parseImageConfig } from "../../src/format/image-config.ts";
import { buildInspectData } from "../../src/inspect/inspect-data.ts";
import { sampleText } from "./corpus.ts";
import { answersOrRefuses } from "./fuzz.ts";
import { damagedJson, damagedText } from "./inputs.ts";

const config = parseImageConfig(new TextEncoder().encode(sampleText("config.json")));
const data = buildInspectData({
  digest: "sha256:a",
  repoTags: ["a", "b"],
  manifestKind: "oci",
  config,
  layers: [],
});

const TEMPLATES = [
  "{{.Name}} {{.Digest}}",
  "{{range $i, $e := .Layers}}{{$i}}={{$e}}{{else}}none{{end}}",
  "{{json .Labels | printf `%q`}}",
  "table {{.Os}}\\t{{.Architecture}}",
  '{{if and (eq .Os "linux") (gt (len .Env) 1)}}{{index .Env 0 | printf "%-10.3s|%x|%v|%T|%d"}}{{end}}',
  "{{with $x := .Created}}{{$x.Year}} {{$x.Format `2006`}}{{end}}",
  "{{define `a`}}{{.}}{{template `a` .}}{{end}}{{template `a` .Os}}",
  '{{slice .Architecture 1 3}}{{html "<a>"}}{{js "\'"}}{{urlquery "a b"}}',
  "{{- /* comment */ -}} {{1e3}} {{0x1p-2}} {{'a'}} {{nil}} {{(.Labels).a}} {{not true}} {{or 0 1}}",
  "{{range 3}}{{break}}{{continue}}{{end}}",
  "{{block `b` .}}{{end}}",
  '{{printf "%*d %[2]v %!" 1 2}}',
  `{{printf "%${"9".repeat(6)}d" 1}}`,
  "{{range .RepoTags}}{{range $.RepoTags}}{{.}}{{end}}{{end}}",
  `{{${"(".repeat(500)}1${")".repeat(500)}}}`,
  `${"{{if true}}".repeat(300)}${"{{end}}".repeat(300)}`,
  "{{.__proto__}}{{.constructor}}",
  '{{index .Labels "__proto__"}}',
  '{{call .Os}}{{len "a"}}{{print 1 2 "a"}}{{println}}',
  "{{range $k, $v := .Labels}}{{$k}}{{$v}}{{end}}",
]; // prettier-ignore
const ACTIONS = [
  ".",
  "$",
  ".Os",
  "1",
  '"a"',
  "| printf",
  "range",
  "end",
  "if",
  "with",
  "index",
  "len",
  "(",
  ")",
  ":=",
  "$x",
  "-",
  "%v",
  "{{",
  "}}",
  " ",
  "template",
  "`a`",
];

const templates = fc.oneof(
  damagedText(TEMPLATES),
  fc.array(fc.constantFrom(...ACTIONS), { maxLength: 25 }).map((parts) => `{{${parts.join(" ")}}}`),
);

test("templates of inspect print, or are refused in Go's words", async () => {
  await answersOrRefuses(
    templates,
    async (template) => expect(await renderInspect(template, data)).toBeString(),
    { runs: 800 },
  );
});

test("templates of inspect --config print, or are refused in Go's words", async () => {
  await answersOrRefuses(templates, async (template) =>
    expect(await renderInspectConfig(template, config)).toBeString(),
  );
});

test("any config is shown by any template", async () => {
  await answersOrRefuses(
    fc.tuple(damagedJson([sampleText("config.json")]), fc.constantFrom(...TEMPLATES, undefined)),
    async ([bytes, template]) => {
      const image = parseImageConfig(bytes);
      const inspected = buildInspectData({
        digest: "sha256:a",
        repoTags: null,
        manifestKind: "docker",
        config: image,
        layers: [],
      });
      await renderInspect(template, inspected);
      await renderInspectConfig(template, image);
    },
  );
});
