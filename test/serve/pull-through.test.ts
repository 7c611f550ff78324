import { describe, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/docker-registry.ts";
import { buildMultiArch, sha256, writeLayout } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { deploy, newDirectory } from "./deployments.ts";
import { contentOf, instancesOf } from "./push.ts";

describe("docker-registry as a pull-through cache", () => {
  peerTest(
    "fetches from our registry, and answers from its cache afterwards",
    ["docker-registry"],
    async ([program = ""]) => {
      const image = buildMultiArch("cached");
      const directory = writeLayout({ "team/app:v1": image }, newDirectory());
      const registry = await deploy("layout", { readOnly: true }, directory);
      const host = `127.0.0.1:${await freePort()}`;
      const cache = newDirectory();
      const config = join(cache, "config.json");
      writeFileSync(
        config,
        JSON.stringify({
          version: "0.1",
          log: { level: "error" },
          storage: { filesystem: { rootdirectory: join(cache, "data") } },
          http: { addr: host },
          proxy: { remoteurl: registry.url },
        }),
      );
      const child = Bun.spawn([program, "serve", config], { stdout: "ignore", stderr: "ignore" });
      try {
        await answering(`http://${host}/v2/`);
        const first = await pullAll(`http://${host}/v2/team/app`, image);
        expect(first).toEqual([...image.blobs.keys()].toSorted());
        // Blobs are stored while they are sent on, and a moment longer.
        await Bun.sleep(500);
        await registry[Symbol.asyncDispose]();
        const [instance] = instancesOf(image);
        const cached = await digestOf(`http://${host}/v2/team/app/manifests/${instance?.digest}`);
        expect(cached).toBe(instance?.digest ?? "");
      } finally {
        child.kill("SIGKILL");
        await child.exited;
      }
    },
  );
});

/** The digests of all that a pull of the image fetches, each computed from what came. */
async function pullAll(
  repository: string,
  image: ReturnType<typeof buildMultiArch>,
): Promise<readonly string[]> {
  const digests = [await digestOf(`${repository}/manifests/v1`)];
  for (const instance of instancesOf(image)) {
    digests.push(await digestOf(`${repository}/manifests/${instance.digest}`));
    for (const { digest } of contentOf({ top: instance, blobs: image.blobs })) {
      digests.push(await digestOf(`${repository}/blobs/${digest}`));
    }
  }
  return digests.toSorted();
}

async function digestOf(url: string): Promise<string> {
  const response = await fetch(url, {
    headers: {
      Accept: "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
    },
  });
  return sha256(Buffer.from(await response.arrayBuffer()));
}

async function answering(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => undefined,
    );
    if (status === 200) return;
    await Bun.sleep(25);
  }
  throw new Error(`nothing answers at ${url}`);
}
