import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Documents as real programs wrote them, shortened; `corpus/` has them as files. */
export function sample(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(import.meta.dir, "corpus", name)));
}

export function sampleText(name: string): string {
  return new TextDecoder().decode(sample(name));
}
