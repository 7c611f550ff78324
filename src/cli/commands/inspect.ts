import { ImageError, inContext, withContext } from "../../core/errors.ts";
import type { ImageReference, ImageSource } from "../../core/image.ts";
import { retrying } from "../../core/retry.ts";
import { type Command, defineCommand, type Invocation, UsageError } from "../command.ts";
import type { FlagTableOf, FlagValues } from "../flag.ts";
import { authFileFlags, readImageAccess, registryFlags, storageFlags } from "../flags/image-flags.ts";
import { readRetryPolicy, retryFlags } from "../flags/retry-flags.ts";
import type { Output } from "../output.ts";
import { createEnvironment, wantedPlatform } from "../session.ts";

type InspectFlagTable = FlagTableOf<{
  raw: "boolean";
  config: "boolean";
  format: "string";
  "no-tags": "boolean";
}>;

const group = "Output";

const inspectFlags: InspectFlagTable = {
  raw: {
    kind: "boolean",
    group,
    summary: "print the manifest, or with --config the config, exactly as stored",
  },
  config: { kind: "boolean", group, summary: "print the image's configuration in OCI form" },
  format: { kind: "string", short: "f", group, placeholder: "TEMPLATE", summary: "print this Go template" },
  "no-tags": { kind: "boolean", short: "n", group, summary: "do not list the tags of the repository" },
};

const flags = { ...inspectFlags, ...authFileFlags, ...registryFlags, ...storageFlags, ...retryFlags };

export const command: Command = defineCommand({
  name: "inspect",
  synopsis: "IMAGE",
  summary: "Show what an image is made of, without its layers",
  description:
    "Prints the image's name, digest, tags, platform, labels, environment and layers as JSON. Of an index, the image for this machine's platform is shown; --override-arch and --override-os choose another.",
  examples: [
    { purpose: "an image in a registry", command: "inspect docker://docker.io/library/busybox" },
    {
      purpose: "its digest alone",
      command: "inspect --format '{{.Digest}}' docker://docker.io/library/busybox",
    },
    { purpose: "the manifest as it is stored", command: "inspect --raw oci:layout:v1" },
  ],
  flags,
  async run(invocation) {
    const [name, ...others] = invocation.arguments;
    if (name === undefined || others.length > 0) throw new UsageError("Exactly one argument expected");
    if (invocation.flags.raw && invocation.flags.format) {
      throw new UsageError("raw output does not support format option");
    }
    const reference = await parseName(invocation, name);
    const { raw, config } = invocation.flags;
    if (raw || config) await showStored(invocation, name, reference);
    else await showDescription(invocation, name, reference);
  },
});

type InspectInvocation = Invocation<typeof flags>;

/** Every failure to reach an image begins alike. */
async function naming<T>(name: string, operation: () => Promise<T>): Promise<T> {
  return await inContext(`Error parsing image name ${JSON.stringify(name)}`, operation, "INVALID_REFERENCE");
}

async function parseName(invocation: InspectInvocation, name: string): Promise<ImageReference> {
  const access = readImageAccess(invocation.flags, invocation.globals);
  return await naming(name, () => createEnvironment(invocation).parseImageName(name, access));
}

async function openSource(
  invocation: InspectInvocation,
  name: string,
  reference: ImageReference,
): Promise<ImageSource> {
  const { signal } = invocation;
  return await naming(name, async () => {
    if (reference.openSource !== undefined) {
      const open = reference.openSource.bind(reference);
      return await retried(invocation, () => open({ signal }));
    }
    throw new ImageError("UNSUPPORTED_OPERATION", `${reference.transport.name}: images cannot be read`);
  });
}

/** `--raw` and `--config`: parts of the image as they are, or nearly so. */
async function showStored(
  invocation: InspectInvocation,
  name: string,
  reference: ImageReference,
): Promise<void> {
  const { raw, config } = invocation.flags;
  const { signal, stdout } = invocation;
  await using source = await openSource(invocation, name, reference);
  if (raw && !config) {
    stdout.write((await retried(invocation, () => readManifest(source, signal))).bytes);
    return;
  }
  const { ImageInspection } = await import("../../inspect/inspect-image.ts");
  const inspection = new ImageInspection(source, await wantedPlatform(invocation.globals));
  if (raw) stdout.write(await retried(invocation, () => inspection.readConfig({ signal })));
  else await print(stdout, renderConfig(invocation, inspection));
}

/** The summary of the image. The tags are asked for at once, so that they arrive with the manifest. */
async function showDescription(
  invocation: InspectInvocation,
  name: string,
  reference: ImageReference,
): Promise<void> {
  const { log, stdout, flags: values } = invocation;
  const leaving = new AbortController();
  const signal = AbortSignal.any([invocation.signal, leaving.signal]);
  const { ImageInspection, readTags } = await import("../../inspect/inspect-image.ts");
  const onRefused = (): void => log.warn("Registry disallows tag list retrieval; skipping");
  const tags = values["no-tags"] ? Promise.resolve([]) : readTags(reference, onRefused, { signal });
  // A failure of the image itself is the one to report, and comes before that of its tags.
  tags.catch(() => undefined);
  try {
    await using source = await openSource(invocation, name, reference);
    const inspection = new ImageInspection(source, await wantedPlatform(invocation.globals));
    const data = await retried(invocation, () => inspection.describe(tags, { signal }));
    const { renderInspect } = await import("../render/inspect-template.ts");
    await print(stdout, renderInspect(values.format, data));
  } finally {
    leaving.abort();
  }
}

/** Writes what was rendered; of a template that failed, what it had printed until then. */
async function print(stdout: Output, rendering: Promise<string>): Promise<void> {
  try {
    stdout.write(await rendering);
  } catch (error) {
    const { InspectTemplateError } = await import("../render/inspect-template.ts");
    if (error instanceof InspectTemplateError) stdout.write(error.output);
    throw error;
  }
}

async function readManifest(
  source: ImageSource,
  signal: AbortSignal,
): ReturnType<ImageSource["readManifest"]> {
  try {
    return await source.readManifest(undefined, { signal });
  } catch (error) {
    throw withContext("Error retrieving manifest for image", error);
  }
}

type Inspection = InstanceType<typeof import("../../inspect/inspect-image.ts").ImageInspection>;

async function renderConfig(invocation: InspectInvocation, inspection: Inspection): Promise<string> {
  const { signal } = invocation;
  const { renderInspectConfig } = await import("../render/inspect-template.ts");
  const { parseImageConfig } = await import("../../format/image-config.ts");
  const bytes = await retried(invocation, () => inspection.readImageConfig({ signal }));
  return await renderInspectConfig(invocation.flags.format, parseImageConfig(bytes));
}

async function retried<T>(invocation: InspectInvocation, operation: () => Promise<T>): Promise<T> {
  const { signal, flags: values, log } = invocation;
  return await retrying(readRetryPolicy(values satisfies FlagValues<typeof flags>, log), operation, {
    signal,
  });
}
