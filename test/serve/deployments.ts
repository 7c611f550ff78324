import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LayoutStore } from "../../src/serve/layout-store.ts";
import { MemoryStore } from "../../src/serve/memory-store.ts";
import { type RegistryServerOptions, startRegistry } from "../../src/serve/registry-server.ts";
import type { RegistryStore } from "../../src/serve/store.ts";

/** A running registry. `address` is as in image names, `url` what requests begin with. */
export interface Deployment extends AsyncDisposable {
  readonly address: string;
  readonly url: string;
  /** Where the layout is, if it is one. */
  readonly directory: string | undefined;
}

export type StoreKind = "memory" | "layout";
export type Options = Partial<RegistryServerOptions>;

const NODE = join(import.meta.dir, "..", "..", "node_modules", ".bin", "node");

/** Each way to run a registry: both stores, and the other runtime's server. */
export const deployments: readonly { readonly name: string; readonly start: () => Promise<Deployment> }[] = [
  { name: "in memory", start: () => deploy("memory") },
  { name: "over a layout", start: () => deploy("layout") },
  { name: "over a layout, on Node", start: deployOnNode },
];

export async function deploy(
  kind: StoreKind,
  options: Options = {},
  directory: string = newDirectory(),
): Promise<Deployment> {
  const mode = options.readOnly === true ? "read-only" : "read-write";
  const store: RegistryStore =
    kind === "memory" ? new MemoryStore() : await LayoutStore.open(directory, mode);
  const registry = await startRegistry({ onFailure: (error) => console.error(error), ...options, store });
  return {
    address: registry.address,
    url: registry.url,
    directory: kind === "memory" ? undefined : directory,
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

async function deployOnNode(): Promise<Deployment> {
  const directory = newDirectory();
  const script = new URL("./serve-on-node.ts", import.meta.url).pathname;
  const child = Bun.spawn([NODE, script, directory], { stdout: "pipe", stderr: "inherit", stdin: "pipe" });
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const url = new TextDecoder().decode(value).trim();
  if (!url.startsWith("http://")) throw new Error(`the registry on Node said ${JSON.stringify(url)}`);
  return {
    address: url.slice("http://".length),
    url,
    directory,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await child.exited;
    },
  };
}

export function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), "skopeo-test-serve-"));
}
