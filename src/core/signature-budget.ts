import { ImageError } from "./errors.ts";

/** More than anybody has made. */
const MOST_SIGNATURES = 1000;
/** They have some kilobytes each. */
const MOST_BYTES: number = 64 * 1024 * 1024;

/** How much of the signatures of one image is read: each is bounded, and so must all of them be together. */
export class SignatureBudget {
  readonly #what: string;
  #count = 0;
  #bytes = 0;

  /** `what` has the signatures, in errors. */
  constructor(what: string) {
    this.#what = what;
  }

  /** For a signature of so many bytes. @throws {ImageError} SIZE_LIMIT */
  spend(bytes: number): void {
    if (++this.#count > MOST_SIGNATURES) {
      throw new ImageError("SIZE_LIMIT", `${this.#what} has more than ${MOST_SIGNATURES} signatures`);
    }
    this.spendBytes(bytes);
  }

  /** For what belongs to signatures. @throws {ImageError} SIZE_LIMIT */
  spendBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes <= MOST_BYTES) return;
    throw new ImageError(
      "SIZE_LIMIT",
      `the signatures of ${this.#what} exceed the maximum allowed size of ${MOST_BYTES} bytes in all`,
    );
  }
}
