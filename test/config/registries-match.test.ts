import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/config/locations.ts";
import { loadRegistriesConf, type RegistriesConf } from "../../src/config/registries-conf.ts";
import { lookupRegistry, resolveEndpoints } from "../../src/config/registries-match.ts";
import { formatDockerName, parseDockerName, withDefaultTag } from "../../src/core/docker-name.ts";
import { errorMessage, ImageError } from "../../src/core/errors.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";

const directory = mkdtempSync(join(tmpdir(), "registries-match-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const environment: Environment = {
  env: {},
  home: join(directory, "home"),
  platform: "freebsd",
  uid: 1000,
};
const file = join(directory, "r.conf");
const origin = `${file} or ${environment.home}/.config/containers/registries.conf.d`;

function load(conf: string): Promise<RegistriesConf> {
  writeFileSync(file, conf);
  return loadRegistriesConf({ environment, file });
}

interface MatchCase {
  readonly title: string;
  readonly conf: string;
  readonly name: string;
  /** Where to read, in order: `http:` marks what is insecure, `blocked:` what must not be contacted. */
  readonly endpoints: readonly string[] | { readonly error: string };
  /** Contacting the endpoints would leave this machine, or real skopeo is known to differ. */
  readonly withoutSkopeo?: true;
}

/** `[[registry]]` from `prefix = location`, flags, and mirrors as `location usage`. */
function registry(
  prefix: string,
  location: string,
  flags: string = "",
  mirrors: readonly string[] = [],
): string {
  const tables = mirrors.map((mirror) => {
    const [place = "", usage = "", insecure = "false"] = mirror.split(" ");
    const pull = usage === "" ? "" : `pull-from-mirror = "${usage}"\n`;
    return `[[registry.mirror]]\nlocation = "${place}"\ninsecure = ${insecure}\n${pull}`;
  });
  const settings = flags.split(" ").filter((flag) => flag !== "");
  return [
    "[[registry]]",
    `prefix = "${prefix}"`,
    `location = "${location}"`,
    ...settings.map((flag) => `${flag} = true`),
    ...tables,
    "",
  ].join("\n");
}

const digest = `sha256:${"01".repeat(32)}`;
const mirrored = registry("example.com", "127.0.0.1:1/x", "", [
  "127.0.0.1:2/m",
  "127.0.0.1:3 digest-only",
  "127.0.0.1:4 tag-only",
  "127.0.0.1:5/ all true",
]);

const cases: readonly MatchCase[] = [
  {
    title: "a name that nothing matches is itself",
    conf: registry("example.com", "127.0.0.1:2"),
    name: "127.0.0.1:1/a:t",
    endpoints: ["127.0.0.1:1/a:t"],
  },
  {
    title: "mirrors come before the location, those for digests not with a tag",
    conf: mirrored,
    name: "example.com/a:t",
    endpoints: ["127.0.0.1:2/m/a:t", "127.0.0.1:4/a:t", "http:127.0.0.1:5/a:t", "127.0.0.1:1/x/a:t"],
  },
  {
    title: "mirrors for tags are not used with a digest",
    conf: mirrored,
    name: `example.com/a@${digest}`,
    endpoints: [
      `127.0.0.1:2/m/a@${digest}`,
      `127.0.0.1:3/a@${digest}`,
      `http:127.0.0.1:5/a@${digest}`,
      `127.0.0.1:1/x/a@${digest}`,
    ],
  },
  {
    title: "mirror-by-digest-only leaves mirrors out for a tag",
    conf: registry("example.com", "127.0.0.1:1", "mirror-by-digest-only", ["127.0.0.1:2"]),
    name: "example.com/a:t",
    endpoints: ["127.0.0.1:1/a:t"],
  },
  {
    title: "mirror-by-digest-only uses mirrors for a digest",
    conf: registry("example.com", "127.0.0.1:1", "mirror-by-digest-only", ["127.0.0.1:2"]),
    name: `example.com/a@${digest}`,
    endpoints: [`127.0.0.1:2/a@${digest}`, `127.0.0.1:1/a@${digest}`],
  },
  {
    title: "a prefix ends where a path component does",
    conf: registry("127.0.0.1:1/foo", "127.0.0.1:2/bar"),
    name: "127.0.0.1:1/foobar",
    endpoints: ["127.0.0.1:1/foobar:latest"],
  },
  {
    title: "a prefix may be the whole repository",
    conf: registry("127.0.0.1:1/foo", "127.0.0.1:2/bar"),
    name: "127.0.0.1:1/foo",
    endpoints: ["127.0.0.1:2/bar:latest"],
  },
  {
    title: "slashes at the end of prefix and location do not count",
    conf: registry("127.0.0.1:1/foo/", "127.0.0.1:2//"),
    name: "127.0.0.1:1/foo/x",
    endpoints: ["127.0.0.1:2/x:latest"],
  },
  {
    title: "a prefix with a tag matches nothing",
    conf: registry("127.0.0.1:1/foo:t", "127.0.0.1:2/bar"),
    name: "127.0.0.1:1/foo:t",
    endpoints: ["127.0.0.1:1/foo:t"],
  },
  {
    title: "the longest prefix decides",
    conf: registry("127.0.0.1:1", "127.0.0.1:2") + registry("127.0.0.1:1/a/b", "127.0.0.1:3"),
    name: "127.0.0.1:1/a/b/c",
    endpoints: ["127.0.0.1:3/c:latest"],
  },
  {
    title: "a host with a port is longer than a wildcard for it",
    conf: registry("*.0.0.1", "127.0.0.1:2") + registry("127.0.0.1:1", "127.0.0.1:3"),
    name: "127.0.0.1:1/a",
    endpoints: ["127.0.0.1:3/a:latest"],
  },
  {
    title: "a wildcard as long as a plain prefix wins",
    conf: registry("a.b.com", "127.0.0.1:3") + registry("*.b.com", "127.0.0.1:2"),
    name: "a.b.com/x",
    endpoints: ["127.0.0.1:2/x:latest"],
  },
  {
    title: "a wildcard covers hosts of any depth",
    conf: registry("*.example.com", "127.0.0.1:1/x", "", ["127.0.0.1:2/m"]),
    name: "w.q.example.com/a:t",
    endpoints: ["127.0.0.1:2/m/a:t", "127.0.0.1:1/x/a:t"],
  },
  {
    title: "a wildcard covers a domain that occurs twice",
    conf: registry("*.b.com", "127.0.0.1:1"),
    name: "a.b.com.b.com/a:t",
    endpoints: ["127.0.0.1:1/a:t"],
    withoutSkopeo: true,
  },
  {
    title: "a wildcard does not cover the domain itself",
    conf: registry("*.0.0.1", "127.0.0.1:2") + registry("0.0.1:1", "127.0.0.1:3"),
    name: "0.0.1:1/a",
    endpoints: ["127.0.0.1:3/a:latest"],
  },
  {
    title: "a wildcard does not look into the path",
    conf: registry("*.example.com", "127.0.0.1:2"),
    name: "127.0.0.1:1/a.example.com/b",
    endpoints: ["127.0.0.1:1/a.example.com/b:latest"],
  },
  {
    title: "a wildcard without location keeps the name for the registry itself",
    conf: '[[registry]]\nprefix = "*.0.0.1"\ninsecure = true\n[[registry.mirror]]\nlocation = "127.0.0.1:2/m"',
    name: "127.0.0.1/b",
    endpoints: ["127.0.0.1:2/m/b:latest", "http:127.0.0.1/b:latest"],
    withoutSkopeo: true,
  },
  {
    title: "names of the default registry match in full",
    conf: registry("docker.io/library", "127.0.0.1:2"),
    name: "busybox",
    endpoints: ["127.0.0.1:2/busybox:latest"],
  },
  {
    title: "letter case of hosts counts",
    conf: registry("Example.com", "127.0.0.1:3"),
    name: "Example.com/x",
    endpoints: ["127.0.0.1:3/x:latest"],
  },
  {
    title: "a host matches with any port, though the result makes no sense",
    conf: mirrored,
    name: "example.com:5000/a:t",
    endpoints: { error: "rewriting reference: invalid reference format" },
  },
  {
    title: "a location must leave a repository",
    conf: registry("127.0.0.1:1/foo", "127.0.0.1:2"),
    name: "127.0.0.1:1/foo",
    endpoints: { error: "rewriting reference: invalid reference format" },
  },
  {
    title: "a location in upper case is no repository",
    conf: registry("127.0.0.1:1/foo", "127.0.0.1:2/BAR"),
    name: "127.0.0.1:1/foo/x",
    endpoints: { error: "rewriting reference: invalid reference format: repository name must be lowercase" },
  },
  {
    title: "a bad mirror spoils the rest",
    conf: registry("127.0.0.1:1", "127.0.0.1:1", "", ["127.0.0.1:2/BAD"]),
    name: "127.0.0.1:1/b",
    endpoints: { error: "rewriting reference: invalid reference format: repository name must be lowercase" },
  },
  {
    title: "a location must name a registry",
    conf: registry("127.0.0.1:1/foo", "bar"),
    name: "127.0.0.1:1/foo/x",
    endpoints: { error: "rewriting reference: repository name must be canonical" },
  },
  {
    title: "a location must not be an alias of the default registry",
    conf: registry("docker.io", "index.docker.io/m"),
    name: "busybox",
    endpoints: { error: "rewriting reference: repository name must be canonical" },
  },
  {
    title: "a registry is insecure when its own table says so",
    conf: registry("127.0.0.1:1", "127.0.0.1:1", "insecure"),
    name: "127.0.0.1:1/b",
    endpoints: ["http:127.0.0.1:1/b:latest"],
  },
  {
    title: "the table of the place rewritten to does not make it insecure",
    conf: registry("127.0.0.1:2/x", "127.0.0.1:2/x", "insecure") + registry("foo.bar", "127.0.0.1:2"),
    name: "foo.bar/x",
    endpoints: ["127.0.0.1:2/x:latest"],
  },
  {
    title: "a blocked registry is refused",
    conf: registry("127.0.0.1:1", "127.0.0.1:1", "blocked"),
    name: "127.0.0.1:1/foo:t",
    endpoints: ["blocked:127.0.0.1:1/foo:t"],
  },
  {
    title: "a blocked wildcard is refused",
    conf: '[[registry]]\nprefix = "*.com"\nblocked = true',
    name: "a.b.com:5000/foo:t",
    endpoints: ["blocked:a.b.com:5000/foo:t"],
  },
  {
    title: "a blocked repository of the default registry is refused",
    conf: registry("docker.io/library/foo", "docker.io/library/foo", "blocked"),
    name: "foo",
    endpoints: ["blocked:docker.io/library/foo:latest"],
  },
  {
    title: "a blocked registry is still read through its mirrors",
    conf: registry("127.0.0.1:1", "127.0.0.1:1", "blocked", ["127.0.0.1:2"]),
    name: "127.0.0.1:1/foo:t",
    endpoints: ["127.0.0.1:2/foo:t", "blocked:127.0.0.1:1/foo:t"],
  },
  {
    title: "a mirror in a blocked registry is refused",
    conf:
      registry("127.0.0.1:1", "127.0.0.1:1", "", ["127.0.0.1:2"]) +
      registry("127.0.0.1:2", "127.0.0.1:2", "blocked"),
    name: "127.0.0.1:1/foo:t",
    endpoints: ["blocked:127.0.0.1:2/foo:t", "127.0.0.1:1/foo:t"],
  },
  {
    title: "a mirror inside of the blocked registry is no way around",
    conf: registry("127.0.0.1:1", "127.0.0.1:1", "blocked", ["127.0.0.1:1/m"]),
    name: "127.0.0.1:1/foo:t",
    endpoints: ["blocked:127.0.0.1:1/m/foo:t", "blocked:127.0.0.1:1/foo:t"],
  },
];

/** The outcome of ours in the notation of the cases; refused endpoints stand where they were. */
function resolve(conf: RegistriesConf, text: string): readonly string[] | { readonly error: string } {
  const name = withDefaultTag(parseDockerName(text));
  try {
    const { endpoints, refused, blocked } = resolveEndpoints(conf, name);
    expect(blocked !== undefined).toBe(endpoints.length === 0);
    const usable = endpoints.map((endpoint) => ({
      mirror: endpoint.mirror,
      text: `${endpoint.insecure ? "http:" : ""}${formatDockerName(endpoint.name)}`,
    }));
    const left = refused.map((endpoint) => ({
      mirror: endpoint.mirror,
      text: `blocked:${formatDockerName(endpoint.name)}`,
    }));
    return [...left, ...usable]
      .sort((one, other) => Number(other.mirror) - Number(one.mirror))
      .map((entry) => entry.text);
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "INVALID_REFERENCE") throw error;
    return { error: errorMessage(error) };
  }
}

describe("resolving where to read from", () => {
  for (const { title, conf, name, endpoints } of cases) {
    test(title, async () => expect(resolve(await load(conf), name)).toEqual(endpoints));
  }

  test("tells who blocks and where", async () => {
    const conf = await load(registry("127.0.0.1:1/a", "127.0.0.1:1/a", "blocked"));
    const { blocked, refused } = resolveEndpoints(conf, parseDockerName("127.0.0.1:1/a/b:t"));
    expect(blocked).toBe(`registry 127.0.0.1:1/a is blocked in ${origin}`);
    expect(refused.map(({ message }) => message)).toEqual([blocked ?? ""]);
  });

  test("the name that mirrors stand in for is said to be no mirror", async () => {
    const { endpoints } = resolveEndpoints(await load(mirrored), parseDockerName("example.com/a:t"));
    expect(endpoints.map(({ mirror }) => mirror)).toEqual([true, true, true, false]);
  });

  test.skipIf(realSkopeo === undefined)(
    "agrees with real skopeo, which fails at closed ports",
    async () => {
      for (const { conf, name, endpoints, withoutSkopeo } of cases) {
        if (withoutSkopeo) continue;
        writeFileSync(file, conf);
        const parameters = ["--registries-conf", file, "inspect", "--raw", `docker://${name}`];
        const { fatal } = await runRealSkopeo(parameters, { HOME: environment.home });
        if ("error" in endpoints) expect(fatal).toEndWith(endpoints.error);
        else
          expect({ name, attempts: attemptsOf(fatal) }).toEqual({ name, attempts: endpoints.map(attempt) });
      }
    },
    60_000,
  );
});

/** What an attempt at an endpoint leaves in the error of skopeo. */
function attempt(endpoint: string): string {
  if (endpoint.startsWith("blocked:")) return "blocked";
  const host = endpoint.replace(/^http:/, "").split("/")[0];
  return `${endpoint.startsWith("http:") ? "http" : "https"}://${host}`;
}

function attemptsOf(fatal: string): readonly string[] {
  return [...fatal.matchAll(/Get "(https?:\/\/[^/]+)\/v2\/"|is (blocked) in/g)].map(
    ([, url, blocked]) => url ?? blocked ?? "",
  );
}

describe("looking up a registry to write to", () => {
  test("only the table of the name itself counts", async () => {
    const conf = await load(
      registry("127.0.0.1:1", "127.0.0.1:2", "insecure", ["127.0.0.1:3"]) +
        registry("127.0.0.1:4", "127.0.0.1:5", "blocked"),
    );
    expect(lookupRegistry(conf, parseDockerName("127.0.0.1:1/a"))).toEqual({ insecure: true });
    expect(lookupRegistry(conf, parseDockerName("127.0.0.1:2/a"))).toEqual({ insecure: false });
    expect(lookupRegistry(conf, parseDockerName("127.0.0.1:4/a:t")).blockedMessage).toBe(
      `registry 127.0.0.1:4 is blocked in ${origin}`,
    );
  });
});
