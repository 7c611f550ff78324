import {
  checkRegistries,
  checkSearchRegistries,
  checkShortNameMode,
  type Registry,
  type ShortNameMode,
} from "./registries-conf-rules.ts";
import { type AllowedVersions, parseRegistriesConf } from "./registries-conf-schema.ts";
import { checkAliases } from "./short-name-aliases.ts";

/** One file's settings, checked; undefined where the file does not tell. */
export interface RegistriesConfLayer {
  readonly registries: readonly Registry[];
  readonly unqualifiedSearchRegistries: readonly string[] | undefined;
  readonly credentialHelpers: readonly string[] | undefined;
  readonly shortNameMode: ShortNameMode | undefined;
  readonly aliases: ReadonlyMap<string, string>;
  readonly additionalLayerStoreAuthHelper: string | undefined;
}

/** @throws {ImageError} CONFIG_INVALID */
export async function parseLayer(bytes: Uint8Array, versions: AllowedVersions): Promise<RegistriesConfLayer> {
  const file = await parseRegistriesConf(bytes, versions);
  const search = file["unqualified-search-registries"];
  return {
    registries: checkRegistries(file.registry ?? []),
    unqualifiedSearchRegistries: search === undefined ? undefined : checkSearchRegistries(search),
    credentialHelpers: file["credential-helpers"],
    shortNameMode: checkShortNameMode(file["short-name-mode"] ?? ""),
    aliases: checkAliases(file.aliases ?? {}),
    additionalLayerStoreAuthHelper: file["additional-layer-store-auth-helper"] || undefined,
  };
}
