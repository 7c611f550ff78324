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
  description: "Prints the repository's name and all its tags, in the registry's order, as JSON.",
  examples: [
    { purpose: "the tags of a repository", command: "list-tags docker://docker.io/library/busybox" },
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
    const tags = await retrying(
      readRetryPolicy(invocation.flags, invocation.log),
      () => inContext("Error listing repository tags: fetching tags list", () => readTags(reference, signal)),
      { signal },
    );
    const repository = reference.dockerName === undefined ? undefined : repositoryName(reference.dockerName);
    const data = { ...(repository === undefined ? {} : { Repository: repository }), Tags: tags };
    invocation.stdout.write(`${formatGoJson(data, { indent: 4 })}\n`);
  },
});

async function readTags(reference: ImageReference, signal: AbortSignal): Promise<string[]> {
  return reference.listTags === undefined ? [] : await Array.fromAsync(reference.listTags({ signal }));
}

/** Only a registry has repositories with tags; a tag or digest in the name is a misunderstanding. */
function checkTransport(name: string): void {
  const colon = name.indexOf(":");
  if (colon < 0) {
    throw new ImageError(
      "INVALID_REFERENCE",
      `Invalid ${JSON.stringify(name)}: does not specify a transport`,
    );
  }
  const transport = name.slice(0, colon);
  if (transport !== "docker") {
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      `Unsupported transport '${transport}' for tag listing. Only supported: docker`,
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
