import { copyImage } from "../copy/copy-image.ts";
import type { CopyRequest } from "../copy/copy-request.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { repositoryName } from "../core/docker-name.ts";
import { ImageError } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import { isIndexType } from "../core/media-type.ts";
import { parseIndex } from "../format/manifest.ts";
import { nameOf } from "./sync-task.ts";

/** What points to an image and travels with it. */
export interface ClosureContext extends Pick<CopyRequest, "sharedBlobs" | "knowledge" | "inflationLimit"> {
  /** @throws {ImageError} INVALID_REFERENCE */
  resolve(name: string, role: "source" | "destination"): Promise<ImageReference>;
  /** Which of both kinds; both where it does not say. */
  readonly withReferrers?: boolean | undefined;
  readonly withCosignTags?: boolean | undefined;
  /** Those tags of the source's repository that belong to images, where its tags are known: then none needs to be asked for. */
  readonly attachedTags?: ReadonlySet<string> | undefined;
}

/** What became of all that points to one image. */
export interface Closure {
  /** Digests and tags that were brought to the destination, or were there. */
  readonly complete: readonly string[];
}

/** Signatures of signatures, and so on, deeper than anybody has made them. */
const MOST_LEVELS = 64;
/** Tags that cosign gives to what belongs to a manifest. */
const COSIGN_SUFFIXES = [".sig", ".att", ".sbom"] as const;

/**
 * Brings what belongs to an image after it: referrers of it, of its platforms and of each other, and cosign's tags. Then asks the
 * destination for each of them. Distribution spec 1.1, "Listing Referrers" and "Referrers Tag Schema".
 * @throws {ImageError} REGISTRY_FAILURE naming what is missing at the destination; SIZE_LIMIT
 */
export async function copyClosure(
  source: ImageReference,
  destination: ImageReference,
  context: ClosureContext,
  options: OperationOptions = {},
): Promise<Closure> {
  return { complete: await new ClosureRun(source, destination, context, options).follow() };
}

/**
 * The digests and tags of what belongs to an image and is not at its destination, which has the image itself. Nothing is written.
 * @throws {ImageError}
 */
export async function findMissingClosure(
  source: ImageReference,
  destination: ImageReference,
  context: ClosureContext,
  options: OperationOptions = {},
): Promise<readonly string[]> {
  return await new ClosureSearch(source, destination, context, options).follow();
}

/** Goes through all that belongs to an image, and says what came of it. */
abstract class ClosureWalk {
  protected readonly found: string[] = [];
  protected readonly source: ImageReference;
  protected readonly destination: ImageReference;
  protected readonly context: ClosureContext;
  protected readonly options: OperationOptions;
  readonly #seen = new Set<Digest>();

  constructor(
    source: ImageReference,
    destination: ImageReference,
    context: ClosureContext,
    options: OperationOptions,
  ) {
    this.source = source;
    this.destination = destination;
    this.context = context;
    this.options = options;
  }

  protected abstract visitReferrers(subject: Digest, referrers: readonly Descriptor[]): Promise<void>;
  /** `digest` is what the tag names at the source. */
  protected abstract visitTag(tag: string, digest: Digest): Promise<void>;

  async follow(): Promise<readonly string[]> {
    const { withReferrers, withCosignTags, attachedTags } = this.context;
    const isByTags = withReferrers === false || (await this.#hasTagsOnly());
    if (isByTags && attachedTags?.size === 0) return [];
    const subjects = await this.#subjects();
    if (withReferrers !== false) for (const subject of subjects) await this.#followReferrers(subject, 0);
    if (withCosignTags !== false) await this.#followTags(subjects);
    return this.found;
  }

  /** The manifest that the destination names now, and those of its index: what was left out needs no signatures. */
  async #subjects(): Promise<readonly Digest[]> {
    await using opened = await this.destination.openSource?.(this.options);
    const manifest = await opened?.readManifest(undefined, this.options);
    if (manifest === undefined) return [];
    const children = isIndexType(manifest.mediaType) ? parseIndex(manifest).manifests : [];
    return [manifest.digest, ...children.map(({ digest }) => digest)];
  }

  async #followReferrers(subject: Digest, level: number): Promise<void> {
    if (this.#seen.has(subject)) return;
    this.#seen.add(subject);
    const { attachedTags } = this.context;
    const isUntagged = attachedTags !== undefined && !attachedTags.has(subject.replace(":", "-"));
    if (isUntagged && (await this.#hasTagsOnly())) return;
    const referrers = (await this.source.listReferrers?.(subject, "source", this.options)) ?? [];
    if (referrers.length === 0) return;
    if (level >= MOST_LEVELS) {
      throw new ImageError("SIZE_LIMIT", `more than ${MOST_LEVELS} levels of referrers, up to ${subject}`);
    }
    await this.visitReferrers(subject, referrers);
    for (const { digest } of referrers) await this.#followReferrers(digest, level + 1);
  }

  /** Whether tags tell of all referrers. */
  async #hasTagsOnly(): Promise<boolean> {
    return (await this.source.lacksReferrersApi?.("source", this.options)) ?? false;
  }

  async #followTags(subjects: readonly Digest[]): Promise<void> {
    const tags = subjects.flatMap((subject) =>
      COSIGN_SUFFIXES.map((suffix) => `${subject.replace(":", "-")}${suffix}`),
    );
    const { attachedTags } = this.context;
    const possible = attachedTags === undefined ? tags : tags.filter((tag) => attachedTags.has(tag));
    await Promise.all(
      possible.map(async (tag) => {
        const from = await this.context.resolve(nameIn(this.source, `:${tag}`), "source");
        const digest = await from.findDigest?.("source", this.options);
        if (digest !== undefined) await this.visitTag(tag, digest);
      }),
    );
  }
}

class ClosureSearch extends ClosureWalk {
  protected override async visitReferrers(subject: Digest, referrers: readonly Descriptor[]): Promise<void> {
    const listed = (await this.destination.listReferrers?.(subject, "destination", this.options)) ?? [];
    const there = new Set<string>(listed.map(({ digest }) => digest));
    this.found.push(...referrers.map(({ digest }) => digest).filter((digest) => !there.has(digest)));
  }

  protected override async visitTag(tag: string, digest: Digest): Promise<void> {
    const to = await this.context.resolve(nameIn(this.destination, `:${tag}`), "destination");
    if ((await to.findDigest?.("destination", this.options)) !== digest) this.found.push(tag);
  }
}

class ClosureRun extends ClosureWalk {
  protected override async visitReferrers(subject: Digest, referrers: readonly Descriptor[]): Promise<void> {
    for (const { digest } of referrers) await this.#copy(`@${digest}`);
    await this.destination.announceReferrers?.(subject, referrers, this.options);
  }

  protected override async visitTag(tag: string, digest: Digest): Promise<void> {
    if (await this.#copy(`:${tag}`)) return;
    const written = await this.context.resolve(nameIn(this.destination, `:${tag}`), "destination");
    if ((await written.findDigest?.("destination", this.options)) === digest) return;
    throw new ImageError("REGISTRY_FAILURE", `${nameOf(written)} is missing after it was written`);
  }

  /** `suffix` is a tag or digest with what stands before it. Whether it was there already. */
  async #copy(suffix: string): Promise<boolean> {
    const { sharedBlobs, knowledge, inflationLimit, resolve } = this.context;
    const from = await resolve(nameIn(this.source, suffix), "source");
    const to = await resolve(nameIn(this.destination, suffix), "destination");
    const { isUnchanged } = await copyImage(
      {
        source: from,
        destination: to,
        instances: { kind: "all" },
        preserveDigests: true,
        // The image that it is about was admitted; what is said about that needs no leave.
        admit: async () => undefined,
        ...{ sharedBlobs, knowledge, inflationLimit },
      },
      this.options,
    );
    this.found.push(suffix.slice(1));
    return isUnchanged;
  }
}

function nameIn(repository: ImageReference, suffix: string): string {
  return `docker://${repositoryText(repository)}${suffix}`;
}

function repositoryText({ dockerName }: ImageReference): string {
  if (dockerName !== undefined) return repositoryName(dockerName);
  throw new ImageError("UNSUPPORTED_OPERATION", "referrers can be copied between registries only");
}
