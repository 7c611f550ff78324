import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { BuiltBinary } from "../../scripts/release/binaries.ts";
import { writeDescriptions } from "../../scripts/release/descriptions.ts";
import { TARGETS } from "../../scripts/release/targets.ts";
import { sha256, temporary } from "../support/images.ts";
import { peerTest } from "../support/peers.ts";
import { mustRun } from "../support/run.ts";

const URL = "https://releases.example.com/skopeo";
const Manifest = v.object({
  version: v.string(),
  architecture: v.record(v.string(), v.object({ url: v.string(), hash: v.string() })),
});

/** What package managers are told of a release with all of its binaries. */
export function testDescriptions(binaries: () => readonly BuiltBinary[]): void {
  describe("what package managers are told", () => {
    const directory = temporary("descriptions");
    /** The checksum of the archive for a system. */
    const sums = new Map<string, string>();
    beforeAll(() => {
      mkdirSync(join(directory, "archives"));
      // Their content does not matter here, only that each has a checksum of its own.
      const archives = TARGETS.map(({ name }) => {
        const path = join(directory, "archives", `skopeo-1.2.3-${name}.tar.gz`);
        writeFileSync(path, name);
        sums.set(name, sha256(Buffer.from(name)).replace("sha256:", ""));
        return path;
      });
      const release = { version: "1.2.3", directory, url: URL, time: new Date(0), binaries: binaries() };
      expect(writeDescriptions(release, archives)).toEqual([]);
    });
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    const read = (name: string): string => readFileSync(join(directory, name), "utf8");
    const archiveUrl = (system: string): string => `${URL}/1.2.3/archives/skopeo-1.2.3-${system}.tar.gz`;

    test("has no hole in it", () => {
      const names = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
        /\.(rb|json|nix|sh|yml|md)$/.test(name),
      );
      expect(names.length).toBe(8);
      for (const name of names) expect(read(name).match(/@[A-Z][A-Z0-9_]*(:[^@\s]*)?@/)).toBeNull();
    });

    test("Scoop has the binaries for Windows", () => {
      const { version, architecture } = v.parse(Manifest, JSON.parse(read("scoop/skopeo.json")));
      expect(version).toBe("1.2.3");
      for (const [name, system] of [
        ["64bit", "windows-x64"],
        ["arm64", "windows-arm64"],
      ] as const) {
        const path = binaries().find(({ target }) => target.name === system)?.path ?? "";
        expect(architecture[name]).toEqual({
          url: `${URL}/1.2.3/binaries/skopeo-1.2.3-${system}.exe#/skopeo.exe`,
          hash: sha256(readFileSync(path)).replace("sha256:", ""),
        });
      }
    });

    test("Homebrew has an archive and its checksum for each system", () => {
      const pairs = [...read("homebrew/skopeo.rb").matchAll(/url "(.*)"\s+sha256 "(.*)"/g)];
      const expected = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"];
      expect(pairs.map(([, url, sum]) => [url, sum])).toEqual(
        expected.map((name) => [archiveUrl(name), sums.get(name)]),
      );
    });

    peerTest("Homebrew's formula is Ruby", ["ruby"], async ([ruby = ""]) => {
      expect(await mustRun([ruby, "-c", join(directory, "homebrew/skopeo.rb")])).toContain("Syntax OK");
    });

    peerTest("Nix gets the archive of its system", ["nix-instantiate"], async ([nix = ""]) => {
      const arguments_ =
        "{ lib.optionals = on: list: list; lib.licenses.asl20 = 1; lib.sourceTypes.binaryNativeCode = 1; " +
        'stdenv.hostPlatform = { system = "aarch64-linux"; isLinux = true; }; stdenv.mkDerivation = all: all; ' +
        "fetchurl = all: all; autoPatchelfHook = 1; installShellFiles = 1; }";
      const expression = `(import ${join(directory, "nix/skopeo.nix")} ${arguments_}).src`;
      const home = temporary("nix");
      const told = await mustRun([nix, "--eval", "--strict", "--json", "-E", expression], {
        env: { HOME: home, NIX_STATE_DIR: home, NIX_STORE_DIR: home, NIX_LOG_DIR: home },
      });
      expect(JSON.parse(told)).toEqual({ url: archiveUrl("linux-arm64"), sha256: sums.get("linux-arm64") });
    });
  });
}
