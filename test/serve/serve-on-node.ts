import { LayoutStore } from "../../src/serve/layout-store.ts";
import { startRegistry } from "../../src/serve/registry-server.ts";

/** Serves the layout in its argument until its standard input ends; prints the URL. Runs on Node. */
if (typeof Bun !== "undefined") throw new Error("this is not Node");
const store = await LayoutStore.open(process.argv[2] ?? "", "read-write");
const registry = await startRegistry({ store, onFailure: (error) => console.error(error) });
console.log(registry.url);
process.stdin.on("end", () => void registry[Symbol.asyncDispose]()).resume();
