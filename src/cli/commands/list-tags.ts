import { repositoryName } from "../../core/docker-name.ts";
import { ImageError, inContext } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import { retrying } from "../../core/retry.ts";
import { formatGoJson } from "../../format/go-json.ts";
import { type Command, defineCommand, UsageError } from "../command.ts";
import { authFileFlags, readImageAccess, registryFlags } from "../flags/image-flags.ts";
import { readRetryPolicy, retryFlags } from "../flags/retry-flags.ts";
import { createEnvironment } from "../session.ts";

export const command: Command = defineCommand({
  name: "list-tags",
  synopsis: "REPOSITORY",
  summary: "List the tags of a repository",
  description:
    "Prints the repository's name and all its tags, in the registry's order, as JSON; for docker-archive:FILE the names of all images in the file.",
  examples: [
    { purpose: "the tags of a repository", command: "list-tags docker://docker.io/library/busybox" },
    { purpose: "the images in an archive", command: "list-tags docker-archive:images.tar" },
  ],
  flags: { ...authFileFlags, ...registryFlags, ...retryFlags },
  helpOnMisuse: true,
  async run(invocation) {
    const [name, ...others] = invocation.arguments;
    if (name === undefined || others.length > 0)
      throw new UsageError("Exactly one non-option argument expected");
    checkTransport(name);
    const access = readImageAccess(invocation.flags, invocation.globals);
    const reference = await createEnvironment(invocation).parseImageName(name, access);
    const { signal } = invocation;
    const data = await retrying(
      readRetryPolicy(invocation.flags, invocation.log),
      () =>
        reference.listImages === undefined ? listTags(reference, signal) : listImages(reference, signal),
      { signal },
    );
    invocation.stdout.write(`${formatGoJson(data, { indent: 4 })}\n`);
  },
});

async function listTags(reference: ImageReference, signal: AbortSignal): Promise<object> {
  return await inContext("Error listing repository tags: fetching tags list", async () => {
    const Tags = await Array.fromAsync(reference.listTags?.({ signal }) ?? []);
    return {
      ...(reference.dockerName === undefined ? {} : { Repository: repositoryName(reference.dockerName) }),
      Tags,
    };
  });
}

/** An archive without images has no list of them. */
async function listImages(reference: ImageReference, signal: AbortSignal): Promise<object> {
  const names = await Array.fromAsync(reference.listImages?.({ signal }) ?? []);
  return { Tags: names.length === 0 ? null : names };
}

/** Only a registry has repositories with tags; there, a tag or digest in the name is a misunderstanding. */
function checkTransport(name: string): void {
  const colon = name.indexOf(":");
  if (colon < 0) {
    throw new ImageError(
      "INVALID_REFERENCE",
      `Invalid ${JSON.stringify(name)}: does not specify a transport`,
    );
  }
  const transport = name.slice(0, colon);
  if (transport === "docker-archive") return;
  if (transport !== "docker") {
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      `Unsupported transport '${transport}' for tag listing. Only supported: docker, docker-archive`,
    );
  }
  if (!name.startsWith("docker://")) {
    throw new ImageError(
      "INVALID_REFERENCE",
      `docker: image reference ${name} does not start with docker://`,
    );
  }
  const path = name.slice("docker://".length);
  if (path.includes("@") || path.slice(path.lastIndexOf("/") + 1).includes(":")) {
    throw new ImageError("INVALID_REFERENCE", "No tag or digest allowed in reference");
  }
}
