import { ImageError } from "../../core/errors.ts";
import { VERSION } from "../../version.ts";
import type { FlagTable } from "../flag.ts";
import type { CopyFlagValues } from "./copy-flags.ts";

/** A flag that was given, and the feature that it needs and this release lacks. */
export interface UnavailableFlag {
  readonly flag: string;
  readonly feature: string;
}

const FEATURES: readonly (readonly [flag: keyof CopyFlagValues, feature: string])[] = [
  ["encryption-key", "encrypting layers"],
  ["decryption-key", "decrypting layers"],
];

/** The table without help for what cannot be used: such flags are known, so that they are refused with a reason. */
export function hideUnavailable<Table extends FlagTable>(table: Table): Table {
  const names = new Set<string>(FEATURES.map(([flag]) => flag));
  names.add("sign-by-sq-fingerprint").add("encrypt-layer");
  const entries = Object.entries(table).map(([name, flag]) => [
    name,
    names.has(name) ? { ...flag, hidden: true } : flag,
  ]);
  // Each flag is itself, but for one member that every flag may have.
  return Object.fromEntries(entries) as Table;
}

/** The flags of `copy` or `sync` that were given and ask for what this release cannot do. */
export function requestedButUnavailable(flags: Partial<CopyFlagValues>): readonly UnavailableFlag[] {
  return FEATURES.filter(([flag]) => isGiven(flags[flag])).map(([flag, feature]) => ({
    flag: `--${flag}`,
    feature,
  }));
}

/**
 * Refuses a copy that would not do what its flags ask for.
 * @throws {ImageError} UNSUPPORTED_OPERATION
 */
export function refuseUnavailable(flags: Partial<CopyFlagValues>): void {
  if (flags["sign-by-sq-fingerprint"] !== undefined) {
    throw new ImageError(
      "UNSUPPORTED_OPERATION",
      "Error using --sign-by-sq-fingerprint: Sequoia-PGP support is not enabled in this build",
    );
  }
  const first = requestedButUnavailable(flags)[0];
  if (first === undefined) return;
  throw new ImageError(
    "UNSUPPORTED_OPERATION",
    `${first.flag} cannot be used: ${first.feature} is not supported by skopeo ${VERSION}`,
  );
}

function isGiven(value: CopyFlagValues[keyof CopyFlagValues] | undefined): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false;
}
