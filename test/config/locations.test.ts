import { describe, expect, test } from "bun:test";
import {
  authFileLocations,
  certificateLocations,
  type Environment,
  hostEnvironment,
  policyFileLocations,
  registriesConfLocations,
  registriesDropInLocations,
} from "../../src/config/locations.ts";

function environment(
  platform: NodeJS.Platform,
  env: Record<string, string> = {},
  home: string = "/home/u",
): Environment {
  return { env, home, platform, uid: 1000 };
}

describe("auth files", () => {
  const usual = ["/home/u/.config/containers/auth.json", "/home/u/.docker/config.json", "/home/u/.dockercfg"];
  const cases: readonly [title: string, environment: Environment, paths: readonly string[]][] = [
    ["on Linux", environment("linux"), ["/run/containers/1000/auth.json", ...usual]],
    [
      "on Linux with a runtime directory",
      environment("linux", { XDG_RUNTIME_DIR: "/run/user/1" }),
      ["/run/user/1/containers/auth.json", ...usual],
    ],
    [
      "on Linux with an empty variable",
      environment("linux", { XDG_RUNTIME_DIR: "" }),
      ["/run/containers/1000/auth.json", ...usual],
    ],
    ["on macOS, without repeating one", environment("darwin", { XDG_RUNTIME_DIR: "/run/user/1" }), usual],
    [
      "on macOS with a configuration directory",
      environment("darwin", { XDG_CONFIG_HOME: "/c" }),
      [usual[0] ?? "", "/c/containers/auth.json", ...usual.slice(1)],
    ],
    ["on FreeBSD", environment("freebsd"), usual],
    [
      "on Windows",
      environment("win32", {}, "C:\\Users\\u"),
      [
        "C:\\Users\\u\\.config\\containers\\auth.json",
        "C:\\Users\\u\\.docker\\config.json",
        "C:\\Users\\u\\.dockercfg",
      ],
    ],
    [
      "with Docker's directory moved",
      environment("freebsd", { DOCKER_CONFIG: "/d/" }),
      [usual[0] ?? "", "/d/config.json", usual[2] ?? ""],
    ],
  ];
  for (const [title, where, paths] of cases) {
    test(title, () => {
      const locations = authFileLocations(where, true);
      expect(locations.map(({ path }) => path)).toEqual([...paths]);
      expect(locations.map(({ legacy }) => legacy)).toEqual(paths.map((path) => path.endsWith(".dockercfg")));
    });
  }

  test("without the runtime directory start with the user's", () => {
    const where = environment("linux", { XDG_RUNTIME_DIR: "/missing" });
    expect(authFileLocations(where, false).map(({ path }) => path)).toEqual(usual);
  });
});

describe("other files", () => {
  test("are the user's, then the system's", () => {
    const linux = environment("linux", { XDG_CONFIG_HOME: "/not/used" });
    expect(policyFileLocations(linux)).toEqual([
      "/home/u/.config/containers/policy.json",
      "/etc/containers/policy.json",
    ]);
    expect(registriesConfLocations(linux)).toEqual([
      "/home/u/.config/containers/registries.conf",
      "/etc/containers/registries.conf",
    ]);
    expect(registriesDropInLocations(linux)).toEqual([
      "/home/u/.config/containers/registries.conf.d",
      "/etc/containers/registries.conf.d",
    ]);
    expect(certificateLocations(linux, "h:5000")).toEqual([
      "/home/u/.config/containers/certs.d/h:5000",
      "/etc/containers/certs.d/h:5000",
      "/etc/docker/certs.d/h:5000",
    ]);
  });

  test("of the system are elsewhere on FreeBSD", () => {
    const freebsd = environment("freebsd");
    expect(policyFileLocations(freebsd)[1]).toBe("/usr/local/etc/containers/policy.json");
    expect(certificateLocations(freebsd, "h").slice(1)).toEqual([
      "/usr/local/etc/containers/certs.d/h",
      "/usr/local/etc/docker/certs.d/h",
    ]);
  });

  test("of the system are on the current drive on Windows", () => {
    expect(policyFileLocations(environment("win32", {}, "C:\\Users\\u"))).toEqual([
      "C:\\Users\\u\\.config\\containers\\policy.json",
      "\\etc\\containers\\policy.json",
    ]);
  });
});

test("the environment of this process has a home without the help of a variable", () => {
  const { HOME } = process.env;
  try {
    process.env.HOME = "/told";
    expect(hostEnvironment().home).toBe("/told");
    delete process.env.HOME;
    expect(hostEnvironment().home).toStartWith("/");
    expect(hostEnvironment().home).not.toBe("/told");
  } finally {
    if (HOME !== undefined) process.env.HOME = HOME;
  }
});
