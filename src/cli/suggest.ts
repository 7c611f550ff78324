import { editDistance } from "../core/edit-distance.ts";

const MAX_DISTANCE = 2;
const MAX_SUGGESTIONS = 3;

/**
 * The candidates that someone who typed `typed` may have meant, the nearest and shortest first: those at most two edits away, those
 * that it begins, and those of which it is a word (`digest`, `manifest-digest`; `creds`, `src-creds`).
 */
export function suggest(typed: string, candidates: readonly string[]): readonly string[] {
  const word = typed.toLowerCase();
  if (word === "") return [];
  return candidates
    .map((name) => ({ name, distance: distanceOf(word, name) }))
    .filter(({ distance }) => distance <= MAX_DISTANCE + 1)
    .sort((a, b) => a.distance - b.distance || a.name.length - b.name.length)
    .slice(0, MAX_SUGGESTIONS)
    .map(({ name }) => name);
}

/** The lines that an error message ends with; "" where there is nothing to suggest. */
export function suggestionText(names: readonly string[]): string {
  return names.length === 0 ? "" : `\n\nDid you mean this?\n${names.map((name) => `\t${name}`).join("\n")}`;
}

function distanceOf(word: string, name: string): number {
  const distance = editDistance(word, name);
  if (distance <= MAX_DISTANCE) return distance;
  const isPart = name.startsWith(word) || name.endsWith(`-${word}`) || word.endsWith(`-${name}`);
  return isPart ? MAX_DISTANCE + 1 : Number.POSITIVE_INFINITY;
}
