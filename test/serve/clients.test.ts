import { describe, expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  buildImage,
  buildMultiArch,
  checkLayoutBlobs,
  treeOf,
  writeDirectory,
  writeLayout,
} from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun, run } from "../support/run.ts";
import { deploy, newDirectory, type StoreKind } from "./deployments.ts";
import { tagsOf } from "./push.ts";

interface Discovery {
  readonly referrers: readonly { readonly digest: string; readonly artifactType: string }[];
}

for (const kind of ["memory", "layout"] satisfies StoreKind[]) {
  describe(`other people's clients and a registry over ${kind === "memory" ? "memory" : "a layout"}`, () => {
    peerTest(
      "skopeo copies to and from, inspects, lists and deletes",
      ["skopeo 1.16"],
      async ([skopeo = ""]) => {
        await using registry = await deploy(kind);
        const images = {
          one: buildImage(),
          docker: buildImage({ format: "docker" }),
          all: buildMultiArch("skopeo"),
        };
        const source = writeLayout({ one: images.one, all: images.all });
        const docker = writeDirectory(images.docker);
        const name = `docker://${registry.address}/team/app`;
        const copy = [skopeo, "copy", "--insecure-policy", "--preserve-digests", "--all"];
        const tls = ["--dest-tls-verify=false", "--src-tls-verify=false"];
        await mustRun([...copy, ...tls, `oci:${source}:one`, `${name}:one`]);
        await mustRun([...copy, ...tls, `oci:${source}:all`, `${name}:all`]);
        await mustRun([...copy, ...tls, `dir:${docker}`, `${name}:docker`]);
        await mustRun([...copy, ...tls, `${name}:all`, `docker://${registry.address}/other:all`]);

        const tags: { Tags: readonly string[] } = JSON.parse(
          await mustRun([skopeo, "list-tags", "--tls-verify=false", name]),
        );
        expect(tags.Tags).toEqual(["all", "docker", "one"]);
        for (const tag of ["one", "docker", "all"] as const) {
          const inspected = await mustRun([
            skopeo,
            "inspect",
            "--tls-verify=false",
            "--override-os=linux",
            "--override-arch=amd64",
            `${name}:${tag}`,
          ]);
          expect(JSON.parse(inspected)).toMatchObject({
            Digest: images[tag].top.digest,
            Architecture: "amd64",
          });
        }
        const back = newDirectory();
        await mustRun([...copy, ...tls, `${name}:docker`, `dir:${back}`]);
        expect(treeOf(back)).toEqual(treeOf(docker));
        const layout = newDirectory();
        await mustRun([...copy, ...tls, `docker://${registry.address}/other:all`, `oci:${layout}:all`]);
        expect(checkLayoutBlobs(layout)).toBe(images.all.blobs.size);

        await mustRun([skopeo, "delete", "--tls-verify=false", `${name}:one`]);
        const gone = await run([skopeo, "inspect", "--tls-verify=false", `${name}:one`]);
        expect(gone.exitCode).toBe(2);
        expect(gone.stderr).toContain("manifest unknown");
      },
    );

    peerTest("crane pushes, validates, lists, copies, pulls and deletes", ["crane"], async ([crane = ""]) => {
      await using registry = await deploy(kind);
      const image = buildMultiArch("crane");
      const layout = writeLayout({ v1: image });
      const name = `${registry.address}/team/app`;
      await mustRun([crane, "push", "--index", layout, `${name}:v1`]);
      const pushed = (await mustRun([crane, "digest", `${name}:v1`])).trim();
      await mustRun([crane, "validate", "--remote", `${name}:v1`]);
      await mustRun([crane, "copy", `${name}:v1`, `${registry.address}/other/app:v2`]);
      await mustRun([crane, "validate", "--remote", `${registry.address}/other/app:v2`]);
      expect((await mustRun([crane, "catalog", registry.address])).trim().split("\n")).toEqual([
        "other/app",
        "team/app",
      ]);
      await mustRun([crane, "tag", `${name}:v1`, "v1.1"]);
      expect((await mustRun([crane, "ls", name])).trim().split("\n")).toEqual(["v1", "v1.1"]);

      const pulled = join(newDirectory(), "pulled");
      await mustRun([crane, "pull", "--format", "oci", `${name}:v1`, pulled]);
      checkLayoutBlobs(pulled);
      const tarball = join(newDirectory(), "image.tar");
      await mustRun([crane, "pull", "--platform", "linux/amd64", `${name}:v1`, tarball]);
      await mustRun([crane, "push", tarball, `${registry.address}/from/tar:1`]);
      await mustRun([crane, "validate", "--remote", `${registry.address}/from/tar:1`]);

      await mustRun([crane, "delete", `${name}@${pushed}`]);
      expect(await tagsOf(await fetch(`${registry.url}/v2/team/app/tags/list`))).toBeUndefined();
      await mustRun([crane, "validate", "--remote", `${registry.address}/other/app:v2`]);
    });

    peerTest("oras pushes, attaches, discovers, copies, pulls and deletes", ["oras"], async ([oras = ""]) => {
      await using registry = await deploy(kind);
      const cwd = newDirectory();
      writeFileSync(join(cwd, "hello.txt"), "hello");
      mkdirSync(join(cwd, "back"));
      const name = `${registry.address}/files/hello`;
      const call = (...words: string[]): Promise<string> =>
        mustRun([oras, ...words, "--plain-http"], { cwd });
      const discover = async (reference: string): Promise<Discovery> =>
        JSON.parse(await call("discover", "--format", "json", reference));
      await call("push", `${name}:v1`, "--artifact-type", "application/vnd.example", "hello.txt:text/plain");
      await call(
        "attach",
        `${name}:v1`,
        "--artifact-type",
        "application/vnd.example.sbom",
        "hello.txt:text/plain",
      );
      await call(
        "attach",
        `${name}:v1`,
        "--artifact-type",
        "application/vnd.example.note",
        "hello.txt:text/plain",
      );
      const { referrers } = await discover(`${name}:v1`);
      expect(referrers.map((referrer) => referrer.artifactType).toSorted()).toEqual([
        "application/vnd.example.note",
        "application/vnd.example.sbom",
      ]);
      // With the referrers API there is no need for a fallback tag.
      expect(await tagsOf(await fetch(`${registry.url}/v2/files/hello/tags/list`))).toEqual(["v1"]);

      await mustRun(
        [
          oras,
          "cp",
          "-r",
          "--from-plain-http",
          "--to-plain-http",
          `${name}:v1`,
          `${registry.address}/copy:v1`,
        ],
        { cwd },
      );
      expect((await discover(`${registry.address}/copy:v1`)).referrers).toHaveLength(2);
      await call("pull", `${registry.address}/copy:v1`, "-o", "back");
      expect(readFileSync(join(cwd, "back", "hello.txt"), "utf8")).toBe("hello");
      await call(
        "blob",
        "push",
        `${name}@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824`,
        "hello.txt",
      );
      await call("manifest", "delete", "--force", `${name}:v1`);
      expect(await tagsOf(await fetch(`${registry.url}/v2/files/hello/tags/list`))).toEqual([]);
      expect((await discover(`${registry.address}/copy:v1`)).referrers).toHaveLength(2);
    });
  });
}
