import { afterAll, describe, expect, test } from "bun:test";
import {
  InspectTemplateError,
  renderInspect,
  renderInspectConfig,
} from "../../../src/cli/render/inspect-template.ts";
import { errorMessage } from "../../../src/core/errors.ts";
import { parseImageConfig } from "../../../src/format/image-config.ts";
import { buildInspectData } from "../../../src/inspect/inspect-data.ts";
import { realSkopeo, runRealSkopeo } from "../../support/real-skopeo.ts";
import {
  bareConfig,
  type DirectoryImage,
  fullConfig,
  removeDirectoryImages,
  writeDirectoryImage,
} from "./directory-image.ts";
import { configTemplateCases, templateCases } from "./template-cases.ts";

/** What a template prints is compared with what real skopeo prints for the same image, to the byte. */
if (realSkopeo === undefined) {
  console.error("LEFT OUT for want of skopeo 1.22: templates of inspect compared with real skopeo");
}

const TIMEOUT = 60_000;
/** Addresses in memory, which differ from run to run. */
const ADDRESS = /0x[0-9a-f]{9,}/g;

const annotated = [{ k: "v", b: "<c>" }, undefined];
const images: Readonly<Record<string, () => DirectoryImage>> = {
  "a full OCI image": () => writeDirectoryImage("oci", fullConfig, annotated),
  "a bare OCI image": () => writeDirectoryImage("oci", bareConfig),
  "a full Docker image": () =>
    writeDirectoryImage(
      "docker",
      {
        ...fullConfig,
        docker_version: "20.10",
        container_config: { Hostname: "h" },
        config: { ...Object(fullConfig.config), Healthcheck: { Test: ["a"] }, OnBuild: ["b"] },
      },
      annotated,
    ),
  "a bare Docker image": () => writeDirectoryImage("docker", bareConfig),
};

/** Times and offsets in the `created` of an image. */
const times = [
  "2024-05-06T07:08:09.120000000Z",
  "2024-05-06T07:08:09.1234567891Z",
  "2024-05-06T7:08:09,5Z",
  "2024-05-06T07:08:09+02:00",
  "2024-05-06T07:08:09-11:30",
  "2024-05-06T07:08:09+00:00",
  "2024-05-06T07:08:09-00:00",
  "2024-05-06T07:08:09+01:60",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999-23:00",
];
const timeTemplates = [
  "",
  "{{.Created}} {{.Created.Unix}} {{.Created.UTC}}",
  '{{printf "%#v" .Created}} {{json .Created}} {{.Created.Format "Mon Jan _2 03:04PM .000 Z07:00 MST"}}',
];

interface Outcome {
  readonly template: string;
  readonly stdout: string;
  readonly error: string;
}

async function render(image: DirectoryImage, isConfig: boolean, template: string): Promise<Outcome> {
  try {
    const config = parseImageConfig(image.config);
    const { digest, kind, layers } = image;
    const data = buildInspectData({ digest, repoTags: [], manifestKind: kind, config, layers });
    const rendered = isConfig ? renderInspectConfig(template, config) : renderInspect(template, data);
    return { template, stdout: (await rendered).replace(ADDRESS, "ADDRESS"), error: "" };
  } catch (error) {
    const stdout = error instanceof InspectTemplateError ? error.output : "";
    return { template, stdout: stdout.replace(ADDRESS, "ADDRESS"), error: errorMessage(error) };
  }
}

async function renderForReal(image: DirectoryImage, isConfig: boolean, template: string): Promise<Outcome> {
  const flags = isConfig ? ["--config"] : [];
  const run = await runRealSkopeo(["inspect", ...flags, "--format", template, `dir:${image.path}`]);
  return { template, stdout: run.stdout.replace(ADDRESS, "ADDRESS"), error: run.fatal };
}

async function expectSame(
  image: DirectoryImage,
  isConfig: boolean,
  templates: readonly string[],
): Promise<void> {
  const ours = await Promise.all(templates.map((template) => render(image, isConfig, template)));
  const theirs: Outcome[] = [];
  for (const template of templates) theirs.push(await renderForReal(image, isConfig, template));
  expect(ours).toEqual(theirs);
}

/** What does not depend on the image is tried on one only. */
const INDEPENDENT: ReadonlySet<string> = new Set([
  "newlines, tabs and the list of records",
  "tables",
  "constants and variables",
  "pipelines and arguments",
  "functions of container tools",
  "printf",
  "parse errors",
]);
afterAll(removeDirectoryImages);

describe.skipIf(realSkopeo === undefined)("templates print what they print in real skopeo", () => {
  for (const [name, create] of Object.entries(images)) {
    for (const [theme, templates] of Object.entries(templateCases)) {
      if (INDEPENDENT.has(theme) && name !== "a full OCI image") continue;
      test(`${theme}, of ${name}`, () => expectSame(create(), false, templates), TIMEOUT);
    }
    test(`the configuration of ${name}`, () => expectSame(create(), true, configTemplateCases), TIMEOUT);
  }

  for (const created of times) {
    test(
      `the time ${created}`,
      () => expectSame(writeDirectoryImage("oci", { ...bareConfig, created }), false, timeTemplates),
      TIMEOUT,
    );
  }
});
