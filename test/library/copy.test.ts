import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MemoryStore, startRegistry } from "../../src/entries/serve.ts";
import {
  type CopyEvent,
  type CopyOptions,
  copy,
  deleteImage,
  ImageError,
  inspect,
  iterateEvents,
  listTags,
} from "../../src/index.ts";
import {
  buildArtifact,
  buildImage,
  buildMultiArch,
  temporary,
  treeOf,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

const ANY: CopyOptions = {
  policy: "accept-anything",
  sourceAccess: { tlsVerify: false },
  destinationAccess: { tlsVerify: false },
};
const startMemory = (): ReturnType<typeof startRegistry> => startRegistry({ store: new MemoryStore() });

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  return error instanceof ImageError ? error.code : String(error);
}

describe("copy", () => {
  test("takes all images of an index along unless it is told otherwise, and gives the digest", async () => {
    await using registry = await startMemory();
    const index = buildMultiArch("library");
    const source = `oci:${writeLayout({ v1: index })}:v1`;
    const there = `docker://${registry.address}/app:1`;
    expect(await copy(source, there, ANY)).toMatchObject({ digest: index.top.digest, isUnchanged: false });
    expect(await copy(source, there, ANY)).toMatchObject({ digest: index.top.digest, isUnchanged: true });
    const single = await copy(source, `docker://${registry.address}/single:1`, {
      ...ANY,
      platforms: { single: "linux/arm64" },
    });
    const entries = JSON.parse(index.blobs.get(index.top.digest)?.toString() ?? "").manifests;
    const arm = entries.find(
      ({ platform }: { platform: { architecture: string } }) => platform.architecture === "arm64",
    );
    expect(single.digest).toBe(arm.digest);
    const two = await copy(source, `dir:${join(temporary("two"), "image")}`, {
      ...ANY,
      platforms: ["linux/amd64"],
    });
    expect(JSON.parse(new TextDecoder().decode(two.manifest.bytes)).manifests).toHaveLength(1);
  });

  test("tells what happens, as events or as something to iterate", async () => {
    const source = `oci:${writeLayout({ v1: buildImage({ seed: "events" }) })}:v1`;
    const kinds = new Set<string>();
    const directory = temporary("events");
    await copy(source, `dir:${join(directory, "a")}`, {
      ...ANY,
      onEvent: ({ kind }) => void kinds.add(kind),
    });
    expect([...kinds]).toEqual(expect.arrayContaining(["blob-start", "blob-end", "manifest"]));
    const seen = new Set<string>();
    const run = (onEvent: (event: CopyEvent) => void): Promise<unknown> =>
      copy(source, `dir:${join(directory, "b")}`, { ...ANY, onEvent });
    for await (const { kind } of iterateEvents(run)) seen.add(kind);
    expect(seen).toEqual(kinds);
    expect(treeOf(join(directory, "b"))).toEqual(treeOf(join(directory, "a")));
    const failing = iterateEvents((onEvent: (event: CopyEvent) => void) =>
      copy("oci:/nonexistent:v1", "dir:/nonexistent", { ...ANY, onEvent }),
    );
    expect(failing.next()).rejects.toThrow(ImageError);
  });

  test("asks the policy that it is given", async () => {
    const source = `oci:${writeLayout({ v1: buildImage({ seed: "policy" }) })}:v1`;
    const target = join(temporary("policy"), "image");
    const refuse = async (): Promise<void> => {
      throw new ImageError("POLICY_REJECTED", "not on a Friday");
    };
    expect(await codeOf(copy(source, `dir:${target}`, { policy: refuse }))).toBe("POLICY_REJECTED");
    expect(existsSync(target)).toBe(false);
  });

  test("ends with the reason of its signal", async () => {
    const source = `oci:${writeLayout({ v1: buildImage({ seed: "abort" }) })}:v1`;
    const reason = new Error("enough");
    const options = { ...ANY, signal: AbortSignal.abort(reason) };
    expect(copy(source, `dir:${join(temporary("abort"), "image")}`, options)).rejects.toBe(reason);
  });

  test("takes referrers along", async () => {
    await using registry = await startMemory();
    const image = buildImage({ seed: "subject" });
    const note = buildArtifact(image.top, "text/x-note");
    const layout = writeLayout({ v1: image, note });
    const there = `docker://${registry.address}/app`;
    await copy(`oci:${layout}:v1`, `${there}:1`, ANY);
    await copy(`oci:${layout}:note`, `${there}@${note.top.digest}`, ANY);
    await copy(`${there}:1`, `docker://${registry.address}/other:1`, { ...ANY, withReferrers: true });
    const answer = await fetch(`${registry.url}/v2/other/referrers/${image.top.digest}`);
    expect(await answer.json()).toMatchObject({ manifests: [{ digest: note.top.digest }] });
  });

  test("tells apart what can be wrong by the code", async () => {
    await using registry = await startMemory();
    const there = `docker://${registry.address}/none:1`;
    const target = `dir:${join(temporary("codes"), "image")}`;
    expect(await codeOf(copy(there, target, ANY))).toBe("NOT_FOUND");
    expect(await codeOf(copy("alpine", target, ANY))).toBe("INVALID_REFERENCE");
    expect(await codeOf(copy("docker://127.0.0.1:1/none:1", target, ANY))).toBe("NETWORK_FAILURE");
    expect(await codeOf(deleteImage("docker-archive:/images.tar:a:1"))).toBe("UNSUPPORTED_OPERATION");
  });
});

describe("what is in a registry", () => {
  test("is listed, inspected and deleted", async () => {
    await using registry = await startMemory();
    const image = buildImage({ seed: "deleted", labels: { purpose: "test" } });
    const repository = `docker://${registry.address}/app`;
    const access = { tlsVerify: false };
    for (const tag of ["1", "2"])
      await copy(`oci:${writeLayout({ v1: image })}:v1`, `${repository}:${tag}`, ANY);
    expect(await Array.fromAsync(listTags(repository, { access }))).toEqual(["1", "2"]);
    expect(await inspect(`${repository}:1`, { access })).toMatchObject({
      Digest: image.top.digest,
      RepoTags: ["1", "2"],
      Labels: { purpose: "test" },
    });
    expect(await inspect(`${repository}:1`, { access, withTags: false })).toMatchObject({ RepoTags: [] });
    await deleteImage(`${repository}:1`, { access });
    expect(await codeOf(inspect(`${repository}:2`, { access }))).toBe("NOT_FOUND");
  });

  peerTest("is described as real skopeo does", ["skopeo 1.16"], async ([skopeo = ""]) => {
    const directory = writeDirectory(buildImage({ seed: "described" }));
    const theirs = JSON.parse(await mustRun([skopeo, "inspect", `dir:${directory}`]));
    expect(JSON.parse(JSON.stringify(await inspect(`dir:${directory}`)))).toEqual(theirs);
  });
});
