import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { VERSION } from "../../src/version.ts";
import { temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

/** The package of Debian, judged by dpkg. */
export function testDebian(release: string): void {
  describe("the package of Debian", () => {
    const path = join(release, "debian", `skopeo-ts_${VERSION}-1_amd64.deb`);
    const root = temporary("debian");
    const dpkg = ["dpkg", `--root=${root}`, "--force-depends", "--force-not-root", "--no-triggers"];
    const sbin = { env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin` } };
    beforeAll(() => {
      mkdirSync(join(root, "var", "lib", "dpkg", "info"), { recursive: true });
      mkdirSync(join(root, "var", "lib", "dpkg", "updates"));
      writeFileSync(join(root, "var", "lib", "dpkg", "status"), "");
    });
    afterAll(() => rmSync(root, { recursive: true, force: true }));

    peerTest("stands in the place of Debian's own", ["dpkg-deb"], async () => {
      const field = async (name: string): Promise<string> =>
        (await mustRun(["dpkg-deb", "--field", path, name])).trim();
      expect(await field("Package")).toBe("skopeo-ts");
      for (const name of ["Provides", "Conflicts", "Replaces"]) expect(await field(name)).toBe("skopeo");
      expect(Number(await field("Installed-Size"))).toBeGreaterThan(10_000);
    });

    peerTest("installs what runs, with its manual, and goes without a trace", ["dpkg"], async () => {
      await mustRun([...dpkg, "--install", path], sbin);
      expect(await mustRun([join(root, "usr/bin/skopeo"), "--version"])).toBe(`skopeo version ${VERSION}\n`);
      expect(await mustRun(["gzip", "-dc", join(root, "usr/share/man/man1/skopeo-copy.1.gz")])).toContain(
        ".TH ",
      );
      expect(readdirSync(join(root, "usr/share/bash-completion/completions"))).toEqual(["skopeo"]);
      // By the checksums that the package brings along.
      expect(await mustRun([...dpkg, "--verify", "skopeo-ts"], sbin)).toBe("");
      await mustRun([...dpkg, "--purge", "skopeo-ts"], sbin);
      expect(readdirSync(root).filter((name) => name !== "var")).toEqual([]);
    });
  });
}
