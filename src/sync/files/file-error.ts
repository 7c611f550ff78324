import { editDistance } from "../../core/edit-distance.ts";
import { ImageError } from "../../core/errors.ts";

/** A fault of a file: `mirror.yaml:12: what is wrong`. */
export function fileError(place: string, message: string): ImageError {
  return new ImageError("CONFIG_INVALID", `${place}: ${message}`);
}

/** Where the fault is a wrong word: the right one that is nearest, to be put behind the message. */
export function hint(word: string, rightOnes: readonly string[]): string {
  const nearest = rightOnes
    .map((name) => ({ name, distance: distanceOf(word.toLowerCase(), name) }))
    .sort((one, other) => one.distance - other.distance)[0];
  if (nearest === undefined) return "";
  const isNear = nearest.distance <= Math.max(2, nearest.name.length / 2);
  return isNear ? `; did you mean "${nearest.name}"?` : `; possible are ${rightOnes.join(", ")}`;
}

/** Words of which the longer is not much longer than a key can be; others are far apart. */
const LONGEST_WORD = 64;

/** That one is the beginning of the other says more than how much is missing. */
function distanceOf(word: string, name: string): number {
  const isBeginning = word.length > 2 && (name.startsWith(word) || word.startsWith(name));
  if (isBeginning) return 1;
  return word.length > LONGEST_WORD ? Number.POSITIVE_INFINITY : editDistance(word, name);
}
