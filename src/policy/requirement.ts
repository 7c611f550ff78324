import {
  type IdentityRule,
  KEY_TYPES,
  type KeySource,
  type KeyType,
  type SimpleTrust,
} from "../signing/trust.ts";
import { parseIdentityRule, readSignedIdentity } from "./identity-rule.ts";
import { invalid, type JsonMembers, readMembers, readType } from "./json-members.ts";
import { parseSigstoreRequirement, type SigstoreRequirement } from "./sigstore-requirement.ts";

/** What must hold for an image to be used. Signing reference 1.6. */
export type PolicyRequirement =
  | { readonly type: "insecureAcceptAnything" }
  | { readonly type: "reject" }
  | SignedByRequirement
  | { readonly type: "signedBaseLayer"; readonly baseLayerIdentity: IdentityRule }
  | SigstoreRequirement;

/** An OpenPGP signature by one of the keys. */
export interface SignedByRequirement extends SimpleTrust {
  /** Tells the requirements apart. */
  readonly type: "signedBy";
}

/** @throws {ImageError} CONFIG_INVALID */
export function parseRequirement(value: unknown): PolicyRequirement {
  const type = readType(value);
  switch (type) {
    case "insecureAcceptAnything":
    case "reject":
      readMembers(value, ["type"]);
      return { type };
    case "signedBy":
      return parseSignedBy(value);
    case "signedBaseLayer": {
      const members = readMembers(value, ["type", "baseLayerIdentity"]);
      return { type, baseLayerIdentity: parseIdentityRule(members.value("baseLayerIdentity") ?? null) };
    }
    case "sigstoreSigned":
      return parseSigstoreRequirement(value);
    default:
      throw invalid(`Unknown policy requirement type ${JSON.stringify(type)}`);
  }
}

function parseSignedBy(value: unknown): SignedByRequirement {
  const members = readMembers(value, ["type", "keyType", "keyPath", "keyPaths", "keyData", "signedIdentity"]);
  const keyType = readKeyType(members);
  const keys = readKeys(members);
  if (keyType === undefined) throw invalid('invalid keyType ""');
  return { type: "signedBy", keyType, keys, signedIdentity: readSignedIdentity(members) };
}

function readKeyType(members: JsonMembers): KeyType | undefined {
  if (!members.has("keyType")) return undefined;
  const text = members.text("keyType");
  const keyType = KEY_TYPES.find((known) => known === text);
  if (keyType === undefined) throw invalid(`Unrecognized keyType value ${JSON.stringify(text)}`);
  return keyType;
}

function readKeys(members: JsonMembers): KeySource {
  const path = members.text("keyPath");
  const paths = members.texts("keyPaths");
  const data = members.bytes("keyData");
  const count = ["keyPath", "keyPaths", "keyData"].filter(members.has).length;
  if (count !== 1) {
    const found = count === 0 ? "none of them present" : "more than one present";
    throw invalid(`Exactly one of keyPath, keyPaths and keyData must be specified, ${found}`);
  }
  if (path !== "") return { kind: "paths", paths: [path] };
  if (paths !== undefined) return { kind: "paths", paths };
  if (data !== undefined) return { kind: "data", data: [data] };
  throw invalid("exactly one of keyPath, keyPaths and keyData must be specified");
}
