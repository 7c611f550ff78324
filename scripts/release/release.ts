import type { BuiltBinary } from "./binaries.ts";

/** What the parts of a release need to know of each other. */
export interface Release {
  readonly version: string;
  /** Where it is made. */
  readonly directory: string;
  /** Below this URL each release is a folder named after its version. */
  readonly url: string;
  /** When its commit was made, which is the time of all its files: the same commit gives the same bytes. */
  readonly time: Date;
  readonly binaries: readonly BuiltBinary[];
}
