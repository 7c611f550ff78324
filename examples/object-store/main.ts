/** Copies images to and from an object store: `node main.js FOLDER docker://registry.example.com/app:1 store:app`. */
import { copy, ImageEnvironment } from "skopeo-ts";
import { folderStore } from "./store.js";
import { createStoreTransport } from "./transport.js";

const [folder, source, destination] = process.argv.slice(2);
if (folder === undefined || source === undefined || destination === undefined)
  throw new Error("usage: main.js FOLDER SOURCE DESTINATION");

const environment = new ImageEnvironment({ transports: [createStoreTransport(folderStore(folder))] });
const access = process.env.PLAIN_HTTP === "true" ? { tlsVerify: false } : undefined;
const { digest, isUnchanged } = await copy(source, destination, {
  environment,
  policy: "accept-anything",
  sourceAccess: access,
  destinationAccess: access,
});
console.log(`${isUnchanged ? "unchanged" : "copied"} ${digest}`);
