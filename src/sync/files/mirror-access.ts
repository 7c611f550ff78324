import { fileError } from "./file-error.ts";
import type { EntryAccess } from "./mirror-entry.ts";
import { expandRegistry, expandVariables, type Variables } from "./variables.ts";
import type { YamlMap, YamlNode } from "./yaml-tree.ts";
import { readBoolean, readKnownKeys, readMap, readText, requiredEntry, valueAt } from "./yaml-values.ts";

export const ACCESS_KEYS: readonly string[] = ["credentials", "tls-verify", "cert-dir"];
const CREDENTIAL_KEYS = ["username", "password"] as const;

/** What a mapping says of how a registry is reached. @throws {ImageError} CONFIG_INVALID */
export function readAccess(map: YamlMap, variables: Variables): EntryAccess {
  const credentials = valueAt(map, "credentials");
  const tlsVerify = valueAt(map, "tls-verify");
  const certDir = valueAt(map, "cert-dir");
  return {
    ...(credentials === undefined ? {} : { credentials: readCredentials(credentials, variables) }),
    ...(tlsVerify === undefined ? {} : { tlsVerify: readBoolean(tlsVerify, "tls-verify") }),
    ...(certDir === undefined ? {} : { certDir: readText(certDir, "cert-dir") }),
  };
}

function readCredentials(node: YamlNode, variables: Variables): { username: string; password: string } {
  const map = readKnownKeys(node, "credentials", CREDENTIAL_KEYS);
  const read = (key: (typeof CREDENTIAL_KEYS)[number]): string => {
    const { value } = requiredEntry(map, key, "credentials");
    return expandVariables(readText(value, key), variables, value.place);
  };
  return { username: read("username"), password: read("password") };
}

/** How registries, or parts of them, are reached, by `host[:port][/path]`. */
export type RegistryAccess = ReadonlyMap<string, EntryAccess>;

/** The `registries` of a mirror file. @throws {ImageError} CONFIG_INVALID */
export function readRegistries(node: YamlNode | undefined, variables: Variables): RegistryAccess {
  if (node === undefined) return new Map();
  return new Map(
    [...readMap(node, "registries").entries.values()].map(({ key, place, value }) => {
      const name = expandRegistry(key, variables, place);
      if (/^[a-z]+:\/\/|\/$|\s/.test(name) || name === "") {
        throw fileError(
          place,
          `"${name}" is no registry; write it as in names of images: host, host:port or host/path`,
        );
      }
      return [name, readAccess(readKnownKeys(value, `registries.${key}`, ACCESS_KEYS), variables)];
    }),
  );
}

/** How `name`, a registry with a path, is reached: the longest that covers it says so, where `access` does not. */
export function accessFor(name: string, access: EntryAccess, registries: RegistryAccess): EntryAccess {
  for (let scope = name; ; scope = scope.slice(0, scope.lastIndexOf("/"))) {
    const found = registries.get(scope);
    if (found !== undefined) return { ...found, ...access };
    if (!scope.includes("/")) return access;
  }
}
