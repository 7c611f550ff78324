import { copyImage } from "../copy/copy-image.ts";
import type { CopyRequest } from "../copy/copy-request.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Digest } from "../core/digest.ts";
import { repositoryName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { parseIndex } from "../format/manifest.ts";

/** What points to an image and travels with it. */
export interface ClosureContext extends Pick<CopyRequest, "sharedBlobs" | "knowledge" | "inflationLimit"> {
  /** @throws {ImageError} INVALID_REFERENCE */
  resolve(name: string, role: "source" | "destination"): Promise<ImageReference>;
  /** Which of both kinds; both where it does not say. */
  readonly withReferrers?: boolean | undefined;
  readonly withCosignTags?: boolean | undefined;
  /** All tags of the source's repository, where they are known: then none needs to be asked for. */
  readonly sourceTags?: ReadonlySet<string> | undefined;
}

/** What became of all that points to one image. */
export interface Closure {
  /** Digests and tags that were brought to the destination, or were there. */
  readonly complete: readonly string[];
}

/** How far signatures of signatures are followed. */
const DEPTH = 4;
/** Tags that cosign gives to what belongs to a manifest. */
const COSIGN_SUFFIXES = [".sig", ".att", ".sbom"] as const;

/**
 * Brings what belongs to an image after it: referrers of it, of its platforms and of each other, and cosign's tags. Then asks the
 * destination for each of them. Distribution spec 1.1, "Listing Referrers" and "Referrers Tag Schema".
 * @throws {ImageError} REGISTRY_FAILURE naming what is missing at the destination
 */
export async function copyClosure(
  source: ImageReference,
  destination: ImageReference,
  context: ClosureContext,
  options: OperationOptions = {},
): Promise<Closure> {
  const run = new ClosureRun(source, destination, context, options);
  const subjects = await run.subjects();
  if (context.withReferrers !== false) for (const subject of subjects) await run.bring(subject, 0);
  if (context.withCosignTags !== false) await run.bringTags(subjects);
  return { complete: run.complete };
}

class ClosureRun {
  readonly complete: string[] = [];
  readonly #source: ImageReference;
  readonly #destination: ImageReference;
  readonly #context: ClosureContext;
  readonly #options: OperationOptions;
  readonly #seen = new Set<Digest>();

  constructor(
    source: ImageReference,
    destination: ImageReference,
    context: ClosureContext,
    options: OperationOptions,
  ) {
    this.#source = source;
    this.#destination = destination;
    this.#context = context;
    this.#options = options;
  }

  /** The manifest that the destination names now, and those of its index: what was left out needs no signatures. */
  async subjects(): Promise<readonly Digest[]> {
    await using source = await this.#destination.openSource?.(this.#options);
    const manifest = await source?.readManifest(undefined, this.#options);
    if (manifest === undefined) return [];
    const children = isIndexType(manifest.mediaType) ? parseIndex(manifest).manifests : [];
    return [manifest.digest, ...children.map(({ digest }) => digest)];
  }

  async bring(subject: Digest, depth: number): Promise<void> {
    if (this.#seen.has(subject) || depth > DEPTH) return;
    this.#seen.add(subject);
    const referrers = (await this.#source.listReferrers?.(subject, "source", this.#options)) ?? [];
    if (referrers.length === 0) return;
    for (const { digest } of referrers) await this.#copy(`@${digest}`);
    await this.#destination.announceReferrers?.(subject, referrers, this.#options);
    for (const { digest } of referrers) await this.bring(digest, depth + 1);
  }

  async bringTags(subjects: readonly Digest[]): Promise<void> {
    const tags = subjects.flatMap((subject) =>
      COSIGN_SUFFIXES.map((suffix) => `${subject.replace(":", "-")}${suffix}`),
    );
    const { sourceTags } = this.#context;
    const possible = sourceTags === undefined ? tags : tags.filter((tag) => sourceTags.has(tag));
    await Promise.all(
      possible.map(async (tag) => {
        const from = await this.#context.resolve(this.#name(this.#source, `:${tag}`), "source");
        if ((await from.findDigest?.("source", this.#options)) !== undefined) await this.#copy(`:${tag}`);
      }),
    );
  }

  /** `suffix` is a tag or digest with what stands before it. */
  async #copy(suffix: string): Promise<void> {
    const { sharedBlobs, knowledge, inflationLimit, resolve } = this.#context;
    const from = await resolve(this.#name(this.#source, suffix), "source");
    const to = await resolve(this.#name(this.#destination, suffix), "destination");
    await copyImage(
      {
        source: from,
        destination: to,
        instances: { kind: "all" },
        preserveDigests: true,
        // The image that it is about was admitted; what is said about that needs no leave.
        admit: async () => undefined,
        ...{ sharedBlobs, knowledge, inflationLimit },
      },
      this.#options,
    );
    this.complete.push(suffix.slice(1));
  }

  #name(reference: ImageReference, suffix: string): string {
    return `docker://${repositoryText(reference)}${suffix}`;
  }
}

function repositoryText({ dockerName }: ImageReference): string {
  if (dockerName !== undefined) return repositoryName(dockerName);
  throw new ImageError("UNSUPPORTED_OPERATION", "referrers can be copied between registries only");
}
