import type { KeySource, SigstoreAuthority, SigstoreTrust } from "../signing/trust.ts";
import { readSignedIdentity } from "./identity-rule.ts";
import { invalid, type JsonMembers, readMembers } from "./json-members.ts";

/** A sigstore signature that one of the trusted parties made. Signing reference 1.6. */
export interface SigstoreRequirement extends SigstoreTrust {
  /** Tells the requirements apart. */
  readonly type: "sigstoreSigned";
}

const AUTHORITY_KEYS = ["keyPath", "keyPaths", "keyData", "keyDatas", "fulcio", "pki"] as const;
const REKOR_KEYS = [
  "rekorPublicKeyPath",
  "rekorPublicKeyPaths",
  "rekorPublicKeyData",
  "rekorPublicKeyDatas",
] as const;
// The messages spell two of the keys otherwise than the policy does.
const REKOR_NAMES = "rekorPublickeyPath, rekorPublicKeyPaths, rekorPublickeyData and rekorPublicKeyDatas";

/** @throws {ImageError} CONFIG_INVALID */
export function parseSigstoreRequirement(value: unknown): SigstoreRequirement {
  const members = readMembers(value, ["type", ...AUTHORITY_KEYS, ...REKOR_KEYS, "signedIdentity"]);
  const signedIdentity = readSignedIdentity(members);
  const authority = readAuthority(members);
  const rekorKeys = readRekorKeys(members);
  if (authority.kind === "fulcio" && rekorKeys === undefined) {
    throw invalid(`At least one of ${REKOR_NAMES} must be specified if fulcio is used`);
  }
  if (authority.kind === "pki" && rekorKeys !== undefined) {
    throw invalid(`${REKOR_NAMES} are not supported for pki`);
  }
  return { type: "sigstoreSigned", authority, rekorKeys, signedIdentity };
}

function readAuthority(members: JsonMembers): SigstoreAuthority {
  const found: (SigstoreAuthority | undefined)[] = [
    ...readKeySources(members, ["keyPath", "keyPaths", "keyData", "keyDatas"]).map(
      (keys): SigstoreAuthority => ({ kind: "keys", keys }),
    ),
    members.has("fulcio") ? parseFulcio(members.value("fulcio")) : undefined,
    members.has("pki") ? parsePki(members.value("pki")) : undefined,
  ];
  const [authority, ...others] = found.filter((entry) => entry !== undefined);
  if (authority !== undefined && others.length === 0) return authority;
  throw invalid("exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio, and pki must be specified");
}

function readRekorKeys(members: JsonMembers): KeySource | undefined {
  const [keys, ...others] = readKeySources(members, REKOR_KEYS, [
    "rekorPublickeyPath",
    "rekorPublickeyPaths",
    "rekorPublickeyData",
    "rekorPublickeyDatas",
  ]);
  if (others.length === 0) return keys;
  throw invalid(`at most one of ${REKOR_NAMES} can be used simultaneously`);
}

type FourKeys = readonly [path: string, paths: string, data: string, datas: string];

/** The sources that are given: an empty path is none, an empty list is an error that calls it by its name in `names`. */
function readKeySources(members: JsonMembers, keys: FourKeys, names: FourKeys = keys): readonly KeySource[] {
  const [pathKey, pathsKey, dataKey, datasKey] = keys;
  const path = members.text(pathKey);
  const paths = members.texts(pathsKey) ?? [];
  const data = members.bytes(dataKey);
  const datas = members.bytesList(datasKey) ?? [];
  if (members.has(pathsKey) && paths.length === 0) throw invalid(`"${names[1]}" contains no entries`);
  if (members.has(datasKey) && datas.length === 0) throw invalid(`"${names[3]}" contains no entries`);
  return [
    ...(path === "" ? [] : [{ kind: "paths" as const, paths: [path] }]),
    ...(paths.length === 0 ? [] : [{ kind: "paths" as const, paths }]),
    ...(data === undefined ? [] : [{ kind: "data" as const, data: [data] }]),
    ...(datas.length === 0 ? [] : [{ kind: "data" as const, data: datas }]),
  ];
}

function parseFulcio(value: unknown): SigstoreAuthority {
  const members = readMembers(value, ["caPath", "caData", "oidcIssuer", "subjectEmail"]);
  const authorities = requireCertificates(members, "caPath", "caData");
  const oidcIssuer = members.text("oidcIssuer");
  if (oidcIssuer === "") throw invalid("oidcIssuer not specified");
  const subjectEmail = members.text("subjectEmail");
  if (subjectEmail === "") throw invalid("subjectEmail not specified");
  return { kind: "fulcio", authorities, oidcIssuer, subjectEmail };
}

function parsePki(value: unknown): SigstoreAuthority {
  const members = readMembers(value, [
    "caRootsPath",
    "caRootsData",
    "caIntermediatesPath",
    "caIntermediatesData",
    "subjectEmail",
    "subjectHostname",
  ]);
  const roots = requireCertificates(members, "caRootsPath", "caRootsData");
  const intermediates = readCertificates(members, "caIntermediatesPath", "caIntermediatesData");
  const subjectEmail = members.text("subjectEmail") || undefined;
  const subjectHostname = members.text("subjectHostname") || undefined;
  if (subjectEmail === undefined && subjectHostname === undefined) {
    throw invalid("At least one of subjectEmail, subjectHostname must be specified");
  }
  return { kind: "pki", roots, intermediates, subjectEmail, subjectHostname };
}

function requireCertificates(members: JsonMembers, pathKey: string, dataKey: string): KeySource {
  const certificates = readCertificates(members, pathKey, dataKey);
  if (certificates !== undefined) return certificates;
  throw invalid(`At least one of ${pathKey} and ${dataKey} must be specified`);
}

function readCertificates(members: JsonMembers, pathKey: string, dataKey: string): KeySource | undefined {
  const path = members.text(pathKey);
  const data = members.bytes(dataKey);
  if (path !== "" && data !== undefined) {
    throw invalid(`${pathKey} and ${dataKey} cannot be used simultaneously`);
  }
  if (path !== "") return { kind: "paths", paths: [path] };
  return data === undefined ? undefined : { kind: "data", data: [data] };
}
