import type { OperationOptions } from "../core/byte-stream.ts";
import type { RawManifest } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import { ImageError } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import { forEachLimited } from "../core/limiter.ts";
import { isIndexType } from "../core/media-type.ts";
import { parseIndex, subjectOf } from "../format/manifest.ts";

/** Questions to one registry at a time. */
const ASKED_AT_A_TIME = 16;

/** A manifest, and the name or digest by which it was read. */
export interface NamedManifest {
  /** `docker://registry/repository:tag`, or with `@digest`. */
  readonly name: string;
  readonly manifest: RawManifest;
}

/** The manifests of a repository that must not be deleted, each with the reason. */
export class NeededManifests {
  readonly #repository: string;
  readonly #resolve: (name: string) => Promise<ImageReference>;
  readonly #options: OperationOptions;
  readonly #reasons = new Map<Digest, string>();

  constructor(
    repository: string,
    resolve: (name: string) => Promise<ImageReference>,
    options: OperationOptions,
  ) {
    this.#repository = repository;
    this.#resolve = resolve;
    this.#options = options;
  }

  /** What tags and digests name stays, with all that it needs. */
  async keepAll(references: readonly string[]): Promise<void> {
    await this.read(
      references,
      async (found) => await this.keep(found, `${found.name} names the same manifest`),
    );
  }

  /** A manifest that stays, the images of an index, and what it is about: a signature of nothing is worth nothing. */
  async keep({ name, manifest }: NamedManifest, reason: string): Promise<void> {
    if (!this.#reasons.has(manifest.digest)) this.#reasons.set(manifest.digest, reason);
    const unread: Digest[] = [];
    if (isIndexType(manifest.mediaType)) {
      for (const { digest, mediaType } of parseIndex(manifest).manifests) {
        if (this.#reasons.has(digest)) continue;
        this.#reasons.set(digest, `the index ${name} needs it`);
        if (isIndexType(mediaType)) unread.push(digest);
      }
    }
    const subject = subjectOf(manifest);
    if (subject !== undefined && !this.#reasons.has(subject)) {
      this.#reasons.set(subject, `${name} is about it`);
      unread.push(subject);
    }
    await this.read(unread, async (found) => await this.keep(found, reason));
  }

  /** Why a manifest must stay: it is needed itself, or is about something that stays. */
  async reasonFor(manifest: RawManifest): Promise<string | undefined> {
    const needed = this.#reasons.get(manifest.digest);
    if (needed !== undefined) return needed;
    const subject = subjectOf(manifest);
    if (subject === undefined) return undefined;
    let stays = this.#reasons.has(subject);
    // A signature of a signature is about the image in the end.
    if (!stays) {
      await this.read([subject], async (found) => {
        stays = (await this.reasonFor(found.manifest)) !== undefined;
      });
    }
    return stays ? `it is about ${subject}, which stays` : undefined;
  }

  /** Reads what tags and digests name; one that has gone meanwhile is left out. */
  async read(
    references: readonly string[],
    visit: (found: NamedManifest, index: number) => Promise<void> | void,
  ): Promise<void> {
    await forEachLimited(
      references,
      ASKED_AT_A_TIME,
      async (text, index, operation) => {
        const name = `docker://${this.#repository}${text.includes(":") ? "@" : ":"}${text}`;
        const manifest = await readManifest(await this.#resolve(name), operation);
        if (manifest !== undefined) await visit({ name, manifest }, index);
      },
      this.#options,
    );
  }
}

async function readManifest(
  reference: ImageReference,
  options: OperationOptions,
): Promise<RawManifest | undefined> {
  try {
    await using source = await reference.openSource?.(options);
    return await source?.readManifest(undefined, options);
  } catch (error) {
    if (error instanceof ImageError && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}
