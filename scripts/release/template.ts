import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./commands.ts";

/**
 * A file of `packaging` with a value in the place of each `@NAME@`.
 * @throws {Error} for a name that has no value, so that nothing is published with a hole in it
 */
export function fillTemplate(name: string, look: (name: string) => string | undefined): string {
  const template = readFileSync(join(ROOT, "packaging", name), "utf8");
  return template.replace(/@([A-Z][A-Z0-9_]*(?::[a-z0-9.-]+)?)@/g, (_, key: string) => {
    const value = look(key);
    if (value === undefined) throw new Error(`packaging/${name}: there is no value for ${key}`);
    return value;
  });
}
