import { computeDigest, type Digest, digestHex } from "../../core/digest.ts";
import { formatRawMembers, rawMembers } from "../../format/raw-json.ts";

/** An entry of the layout that archives had before Docker 1.10, which its readers still look for. transports.md 4.2. */
export interface LegacyLayer {
  /** The folder's name. */
  readonly id: string;
  /** The content of `json` in it. */
  readonly json: string;
}

/** What the top layer tells of the config. */
const CONFIG_MEMBERS = [
  "architecture",
  "config",
  "container",
  "container_config",
  "created",
  "docker_version",
  "os",
] as const;

/** The old description of each layer, base first: its ID is made of all that is below it and, at the top, the config. */
export function describeLegacyLayers(layers: readonly Digest[], config: Uint8Array): readonly LegacyLayer[] {
  const described: LegacyLayer[] = [];
  let chainId: Digest | undefined;
  for (const [i, digest] of layers.entries()) {
    chainId = chainId === undefined ? digest : digestOfText(`${chainId} ${digest}`);
    const isTop = i === layers.length - 1;
    const members = new Map(isTop ? configMembers(config) : []);
    const parent = described.at(-1)?.id;
    if (parent !== undefined) members.set("parent", JSON.stringify(parent));
    const identity = new Map(members).set("layer_id", JSON.stringify(chainId));
    const id = digestHex(digestOfText(formatRawMembers(identity)));
    described.push({ id, json: formatRawMembers(members.set("id", JSON.stringify(id))) });
  }
  return described;
}

function configMembers(config: Uint8Array): ReadonlyMap<string, string> {
  const members = rawMembers(config, "config");
  return new Map(CONFIG_MEMBERS.map((key) => [key, members.get(key) ?? "null"]));
}

function digestOfText(text: string): Digest {
  return computeDigest(new TextEncoder().encode(text));
}
