import type { PlannedImage } from "./plan.ts";

/**
 * Which of `count` parts each image of a plan belongs to, counted from 1. Whoever makes the same plan finds the same parts; by bytes
 * they are about equal: the largest images are dealt out first, each to the part that has least. What is unchanged moves nothing,
 * and is dealt out by number.
 */
export function assignShards(images: readonly PlannedImage[], count: number): readonly number[] {
  const loads = Array.from({ length: count }, (_, index) => ({ index: index + 1, bytes: 0, images: 0 }));
  const order = images
    .map((image, position) => ({ image, position, key: `${image.to} ${image.from}` }))
    .sort(
      (one, other) => (other.image.bytes ?? 0) - (one.image.bytes ?? 0) || (one.key < other.key ? -1 : 1),
    );
  const parts: number[] = [];
  for (const { image, position } of order) {
    const least = loads.reduce((best, load) =>
      load.bytes < best.bytes || (load.bytes === best.bytes && load.images < best.images) ? load : best,
    );
    least.bytes += image.bytes ?? 0;
    least.images++;
    parts[position] = least.index;
  }
  return parts;
}
