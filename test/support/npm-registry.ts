import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { mustRun, type RunOptions } from "./run.ts";

/**
 * A registry of npm in this process: packages are published to it and installed from it. What this repository depends on it knows
 * from the lock file, so that npm finds the tarballs in its cache, where `npm ci` has put them.
 */
export interface NpmRegistry extends Disposable {
  readonly url: string;
  /** What npm has to be told to use it, to publish too. */
  readonly flags: readonly string[];
}

const REPOSITORY = join(import.meta.dir, "..", "..");
/** Where tarballs are that npm has not in its cache. */
const UPSTREAM = process.env.npm_config_registry ?? "https://registry.npmjs.org/";

const LockSchema = v.object({
  packages: v.record(v.string(), v.looseObject({ version: v.string(), integrity: v.optional(v.string()) })),
});
const PublishSchema = v.object({
  "dist-tags": v.record(v.string(), v.string()),
  versions: v.record(v.string(), v.looseObject({ name: v.string() })),
  _attachments: v.record(v.string(), v.object({ data: v.string() })),
});

/**
 * Runs npm as the machine has it set up: with its cache, so that nothing is fetched twice, and with what it needs to reach npm's own
 * registry (proxies, certificates), which other programs in tests do not get to see.
 */
export async function runNpm(
  words: readonly string[],
  options: Omit<RunOptions, "env"> = {},
): Promise<string> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value] as const],
    ),
  );
  return await mustRun(["npm", ...words], { ...options, env });
}

export function startNpmRegistry(): NpmRegistry {
  const packuments = new Map<string, unknown>();
  const tarballs = new Map<string, Uint8Array>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    maxRequestBodySize: 1 << 30,
    async fetch(request) {
      const path = decodeURIComponent(new URL(request.url).pathname).slice(1);
      if (request.method === "PUT") {
        const { _attachments: files, ...packument } = v.parse(PublishSchema, await request.json());
        packuments.set(path, packument);
        for (const [name, { data }] of Object.entries(files))
          tarballs.set(`${path}/-/${name}`, Buffer.from(data, "base64"));
        return Response.json({ ok: true }, { status: 201 });
      }
      const packument = packuments.get(path);
      if (packument !== undefined) return Response.json(packument);
      const tarball = tarballs.get(path);
      if (tarball !== undefined) return new Response(new Blob([tarball.slice()]));
      if (path.includes("/-/")) return Response.redirect(new URL(path, UPSTREAM).href);
      return Response.json({ error: "Not found" }, { status: 404 });
    },
  });
  const url = `http://127.0.0.1:${server.port}/`;
  for (const [name, packument] of lockedPackages(url)) packuments.set(name, packument);
  return {
    url,
    flags: [
      `--registry=${url}`,
      `--//127.0.0.1:${server.port}/:_authToken=of-nobody`,
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ],
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** What a registry would tell of each package in the lock file, with no other versions than those. */
function lockedPackages(url: string): ReadonlyMap<string, unknown> {
  const { packages } = v.parse(
    LockSchema,
    JSON.parse(readFileSync(join(REPOSITORY, "package-lock.json"), "utf8")),
  );
  const versions = new Map<string, Record<string, unknown>>();
  for (const [path, { integrity, version, resolved: _, ...manifest }] of Object.entries(packages)) {
    const name = path.split("node_modules/").at(-1) ?? "";
    if (integrity === undefined || name === "") continue;
    const tarball = `${url}${name}/-/${name.split("/").at(-1)}-${version}.tgz`;
    versions.set(name, {
      ...versions.get(name),
      [version]: { name, ...manifest, version, dist: { integrity, tarball } },
    });
  }
  return new Map(
    [...versions].map(([name, all]) => [
      name,
      { name, "dist-tags": { latest: Object.keys(all)[0] }, versions: all },
    ]),
  );
}
