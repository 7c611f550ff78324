import { expect, test } from "bun:test";
import { linkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { putManifest } from "../serve/push.ts";
import { buildImage, sha256, temporary, writeDirectory } from "../support/images.ts";
import { fatalMessage, runOurs } from "../support/run.ts";
import { startServe } from "../support/serve.ts";

/** Each signature keeps to its limit; all of them together would fill the memory. */
const image = buildImage({ seed: "signature limits", layers: [10] });
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const EACH = 4_000_000;
const TOO_MUCH = /exceed the maximum allowed size of 67108864 bytes in all/;

test("signatures of a dir: are read up to a limit for all together", async () => {
  const directory = writeDirectory(image);
  // 0x90 begins a message of OpenPGP.
  writeFileSync(join(directory, "signature-1"), Buffer.alloc(EACH, 0x90));
  for (let i = 2; i < 18; i++) linkSync(join(directory, "signature-1"), join(directory, `signature-${i}`));
  const outcome = await runOurs(["copy", `dir:${directory}`, `dir:${join(temporary("copy"), "image")}`]);
  expect(outcome.exitCode).toBe(1);
  expect(fatalMessage(outcome)).toMatch(TOO_MUCH);
});

test("sigstore signatures that say to be too large together are not fetched", async () => {
  await using registry = await startServe();
  const name = `docker://${registry.host}/app:1`;
  const push = ["copy", "--dest-tls-verify=false", `dir:${writeDirectory(image)}`, name];
  expect(await runOurs(push)).toMatchObject({ exitCode: 0 });
  const [digest = ""] = image.blobs.keys();
  const layer = { mediaType: "application/vnd.dev.cosign.simplesigning.v1+json", digest, size: EACH };
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: 1 };
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: new Array(17).fill(layer) };
  const referrer = { ...manifest, artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json" };
  const settings = temporary("registries.d");
  writeFileSync(
    join(settings, "all.yaml"),
    `docker:\n  ${registry.host}:\n    use-sigstore-attachments: true\n`,
  );
  const words = ["--registries.d", settings, "copy", "--src-tls-verify=false", name];
  const subject = { mediaType: OCI_MANIFEST, digest: image.top.digest, size: image.top.size };
  const bytes = Buffer.from(JSON.stringify({ ...referrer, subject }));
  const attached = Buffer.from(JSON.stringify(manifest));
  const tag = `${image.top.digest.replace(":", "-")}.sig`;
  for (const [place, content] of [
    [sha256(bytes), bytes],
    [tag, attached],
  ] as const) {
    await putManifest(`http://${registry.host}`, "app", place, content, OCI_MANIFEST);
    const outcome = await runOurs([...words, `dir:${join(temporary("copy"), "image")}`]);
    expect(outcome.exitCode).toBe(1);
    expect(fatalMessage(outcome)).toMatch(TOO_MUCH);
    await fetch(`http://${registry.host}/v2/app/manifests/${sha256(content)}`, { method: "DELETE" });
  }
  expect(await runOurs([...words, `dir:${join(temporary("copy"), "image")}`])).toMatchObject({ exitCode: 0 });
});
