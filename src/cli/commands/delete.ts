import { ImageError } from "../../core/errors.ts";
import type { ImageReference } from "../../core/image.ts";
import { retrying } from "../../core/retry.ts";
import { type Command, defineCommand, type Invocation, UsageError } from "../command.ts";
import type { FlagTableOf } from "../flag.ts";
import { authFileFlags, readImageAccess, registryFlags, storageFlags } from "../flags/image-flags.ts";
import { readRetryPolicy, retryFlags } from "../flags/retry-flags.ts";
import { createEnvironment, parseArgument } from "../session.ts";

const signatureFlags: FlagTableOf<{ signature: "boolean" }> = {
  signature: {
    kind: "boolean",
    group: "Deleting",
    summary: "delete the image's signatures, wherever they are kept, and leave the image",
  },
};

export const command: Command = defineCommand({
  name: "delete",
  synopsis: "IMAGE",
  summary: "Delete an image from a registry or an OCI layout",
  description:
    "In a registry the manifest is deleted, and with it every tag that points to it. In an OCI layout the entry goes, and all blobs that no other entry needs.",
  examples: [
    { purpose: "an image by its tag", command: "delete docker://registry.example.com/app:1.0" },
    {
      purpose: "its signatures, in the registry and in the lookaside",
      command: "delete --signature docker://registry.example.com/app:1.0",
    },
  ],
  flags: { ...signatureFlags, ...authFileFlags, ...registryFlags, ...storageFlags, ...retryFlags },
  async run(invocation) {
    const [name, ...others] = invocation.arguments;
    if (name === undefined || others.length > 0) throw new UsageError("Usage: delete imageReference");
    const access = readImageAccess(invocation.flags, invocation.globals);
    const reference = await parseArgument(createEnvironment(invocation), "source", name, access);
    const { signal } = invocation;
    const retries = readRetryPolicy(invocation.flags, invocation.log);
    const work = invocation.flags.signature ? deleteSignatures : deleteImage;
    await retrying(retries, () => work(reference, invocation), { signal });
  },
});

type DeletionContext = Pick<Invocation, "log" | "signal">;

async function deleteImage(reference: ImageReference, { signal }: DeletionContext): Promise<void> {
  const { transport } = reference;
  if (reference.deleteImage === undefined) {
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      `Deleting images not implemented for ${transport.name}: images`,
    );
  }
  await reference.deleteImage({ signal });
}

async function deleteSignatures(reference: ImageReference, { log, signal }: DeletionContext): Promise<void> {
  const { transport, text } = reference;
  if (reference.deleteSignatures === undefined) {
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      `Deleting signatures not implemented for ${transport.name}: images`,
    );
  }
  const count = await reference.deleteSignatures({ signal });
  log.info(`${count === 0 ? "No" : count} signatures of ${transport.name}:${text} deleted`);
}
