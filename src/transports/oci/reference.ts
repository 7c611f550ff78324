import { ImageError } from "../../core/errors.ts";
import { splitPath } from "../../runtime/paths.ts";

/** Which entry of a layout is meant: by name, by position (from 0), or the only one. */
export interface OciLocation {
  readonly path: string;
  readonly name?: string | undefined;
  readonly position?: number | undefined;
}

const NAME =
  /^[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:\/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*$/;

/** Parses `PATH[:NAME|:@POSITION]`. @throws {ImageError} INVALID_REFERENCE */
export function parseOciLocation(text: string): OciLocation {
  const { path, rest } = splitPath(text);
  if (rest === undefined || rest === "") return { path };
  if (rest.startsWith("@")) return { path, position: parsePosition(rest) };
  if (!NAME.test(rest)) throw new ImageError("INVALID_REFERENCE", `Invalid image ${rest}`);
  return { path, name: rest };
}

export function formatOciLocation(location: OciLocation): string {
  const { path, name, position } = location;
  if (name !== undefined) return `${path}:${name}`;
  return position === undefined ? path : `${path}:@${position}`;
}

function parsePosition(text: string): number {
  const digits = text.slice(1);
  if (/^-\d+$/.test(digits)) {
    throw new ImageError("INVALID_REFERENCE", `Invalid source index ${text}: must not be negative`);
  }
  if (!/^\d{1,9}$/.test(digits)) {
    throw new ImageError(
      "INVALID_REFERENCE",
      `Invalid source index ${text}: not an integer: strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`,
    );
  }
  return Number(digits);
}
