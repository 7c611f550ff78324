import { beforeAll, describe, expect, test } from "bun:test";
import { createPrivateKey, sign } from "node:crypto";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatSignatureBlob, type Signature } from "../../../src/core/signature.ts";
import { parseRequirement } from "../../../src/policy/requirement.ts";
import { judgeSigstoreSigned } from "../../../src/signing/sigstore/signed-by.ts";
import { temporary } from "../../support/images.ts";
import { realSkopeo, runRealSkopeo } from "../../support/real-skopeo.ts";
import { DIGEST, FIXTURES, manifest, REFERENCE } from "../fixtures.ts";
import { AUTHORITY, type Issued, TestPki } from "./test-pki.ts";

/** Which certificates a `pki` requirement takes: real skopeo, with Go's own X.509, must say the same. */

interface Case {
  readonly leaf: Issued;
  readonly roots?: readonly Issued[];
  readonly intermediates?: readonly Issued[];
  /** What comes with the signature; the last one of it is not used. */
  readonly chain?: readonly Issued[];
  readonly hostname?: string;
  readonly email?: string;
  /** Part of the reason; undefined where the signature is good. */
  readonly refused?: string;
}

const EMAIL = "release@example.com";
const NAMED = [`subjectAltName=email:${EMAIL},DNS:build.example.com,IP:192.0.2.7`];
const pki = new TestPki();
let cases: Readonly<Record<string, Case>> = {};
let root: Issued;

beforeAll(async () => {
  root = await pki.issue({ name: "root", extensions: AUTHORITY });
  const other = await pki.issue({ name: "other root", extensions: AUTHORITY });
  const middle = await pki.issue({ name: "middle", by: root, extensions: AUTHORITY });
  const lower = await pki.issue({ name: "lower", by: middle, extensions: AUTHORITY });
  const leafBy = (by: Issued, extensions: readonly string[] = NAMED, name = "leaf"): Promise<Issued> =>
    pki.issue({ name, by, extensions });
  const authority = (name: string, extensions: readonly string[], by = root): Promise<Issued> =>
    pki.issue({ name, by, extensions });
  const direct = await leafBy(root);
  const below = await leafBy(middle);
  const deep = await leafBy(lower);
  const noAuthority = await authority("no authority", ["basicConstraints=critical,CA:FALSE"]);
  const unmarked = await authority("unmarked", []);
  const cannotSign = await authority("cannot sign", [
    "basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,cRLSign",
  ]);
  const endOfPath = await authority("end of path", [
    "basicConstraints=critical,CA:TRUE,pathlen:0",
    "keyUsage=critical,keyCertSign",
  ]);
  const beyondPath = await authority("beyond path", AUTHORITY, endOfPath);
  const oldAuthority = await pki.issue({ name: "old", by: root, extensions: AUTHORITY, days: -1 });
  const forServers = await authority("for servers", [...AUTHORITY, "extendedKeyUsage=serverAuth"]);
  const forCode = await authority("for code", [...AUTHORITY, "extendedKeyUsage=codeSigning"]);
  const odd = await authority("odd", [...AUTHORITY, "1.2.3.4.5=critical,ASN1:UTF8String:odd"]);
  let constrained = 0;
  const within = (constraint: string): Promise<Issued> =>
    authority(`constrained ${++constrained}`, [...AUTHORITY, `nameConstraints=critical,${constraint}`]);
  const ownDomain = await within(
    "permitted;email:example.com,permitted;DNS:example.com,permitted;IP:192.0.2.0/255.255.255.0",
  );
  const otherMail = await within("permitted;email:example.org");
  const otherHosts = await within("permitted;DNS:example.org");
  const notThisMail = await within("excluded;email:release@example.com");
  const notThisHost = await within("excluded;DNS:build.example.com");
  const notThisAddress = await within("excluded;IP:192.0.2.0/255.255.255.0");
  const crossed = await pki.reissue(middle, { by: other });
  const selfMade = await pki.issue({ name: "root", extensions: AUTHORITY });
  const weak = await pki.issue({ name: "leaf", by: root, extensions: NAMED, digest: "sha1" });
  const rsa = await pki.issue({ name: "leaf", by: root, extensions: NAMED, key: ["-newkey", "rsa:2048"] });
  const unknown = "x509: certificate signed by unknown authority";
  const notAuthority = "x509: ";
  cases = {
    "a leaf of the root's": { leaf: direct },
    "a leaf with an RSA key": { leaf: rsa },
    "a leaf of another root's": { leaf: direct, roots: [other], refused: unknown },
    "several roots, of which one fits": { leaf: direct, roots: [other, root] },
    "a root of the same name with another key": { leaf: direct, roots: [selfMade], refused: "x509: " },
    "an authority between that the policy has": { leaf: below, intermediates: [middle] },
    "an authority between that comes along": { leaf: below, chain: [middle, root] },
    "an authority between that is the last that comes along": {
      leaf: below,
      chain: [middle],
      refused: unknown,
    },
    "an authority between that is missing": { leaf: below, refused: unknown },
    "an authority that is no root, as an anchor": { leaf: below, roots: [middle] },
    "two authorities between": { leaf: deep, chain: [lower, middle, root] },
    "two authorities between, in the wrong order": { leaf: deep, chain: [middle, lower, root] },
    "one of two authorities missing": { leaf: deep, chain: [lower, root], refused: unknown },
    "an attacker's own root among what comes along": {
      leaf: await leafBy(selfMade),
      chain: [selfMade, selfMade],
      refused: "x509: ",
    },
    "an authority that two roots vouch for": { leaf: below, roots: [other], chain: [middle, crossed, other] },
    "a leaf that is trusted itself": { leaf: direct, roots: [direct] },
    "a leaf that has expired": {
      leaf: await pki.issue({ name: "leaf", by: root, extensions: NAMED, days: -1 }),
      refused: "x509: certificate has expired or is not yet valid",
    },
    "an authority that has expired": {
      leaf: await leafBy(oldAuthority),
      intermediates: [oldAuthority],
      refused: "x509: ",
    },
    "an issuer that is none": {
      leaf: await leafBy(noAuthority),
      intermediates: [noAuthority],
      refused: notAuthority,
    },
    "an issuer that does not say what it is": {
      leaf: await leafBy(unmarked),
      intermediates: [unmarked],
      refused: notAuthority,
    },
    "an issuer whose key may not sign certificates": {
      leaf: await leafBy(cannotSign),
      intermediates: [cannotSign],
      refused: notAuthority,
    },
    "a path as long as is allowed": { leaf: await leafBy(endOfPath), intermediates: [endOfPath] },
    "a path that is longer": {
      leaf: await leafBy(beyondPath),
      intermediates: [endOfPath, beyondPath],
      refused: notAuthority,
    },
    "an authority for servers": {
      leaf: await leafBy(forServers),
      intermediates: [forServers],
      refused: "x509: certificate specifies an incompatible key usage",
    },
    "an authority for code": { leaf: await leafBy(forCode), intermediates: [forCode] },
    "a leaf for servers": {
      leaf: await leafBy(root, [...NAMED, "extendedKeyUsage=serverAuth"]),
      refused: "x509: certificate specifies an incompatible key usage",
    },
    "a leaf for code and servers": {
      leaf: await leafBy(root, [...NAMED, "extendedKeyUsage=serverAuth,codeSigning"]),
    },
    "a leaf for anything": { leaf: await leafBy(root, [...NAMED, "extendedKeyUsage=anyExtendedKeyUsage"]) },
    "a leaf with a critical extension that nobody knows": {
      leaf: await leafBy(root, [...NAMED, "1.2.3.4.5=critical,ASN1:UTF8String:odd"]),
      refused: "x509: unhandled critical extension",
    },
    "a leaf with an extension that nobody knows": {
      leaf: await leafBy(root, [...NAMED, "1.2.3.4.5=ASN1:UTF8String:odd"]),
    },
    "an authority with a critical extension that nobody knows": {
      leaf: await leafBy(odd),
      intermediates: [odd],
      refused: "x509: ",
    },
    "a leaf with critical names of an unknown kind alone": {
      leaf: await leafBy(root, ["subjectAltName=critical,otherName:1.2.3.4;UTF8:odd"]),
      refused: "x509: unhandled critical extension",
    },
    "names within the constraints": { leaf: await leafBy(ownDomain), intermediates: [ownDomain] },
    "a mail address outside of those permitted": {
      leaf: await leafBy(otherMail),
      intermediates: [otherMail],
      refused: notAuthority,
    },
    "a host outside of those permitted": {
      leaf: await leafBy(otherHosts),
      intermediates: [otherHosts],
      refused: notAuthority,
    },
    "a mail address that is excluded": {
      leaf: await leafBy(notThisMail),
      intermediates: [notThisMail],
      refused: notAuthority,
    },
    "a host that is excluded": {
      leaf: await leafBy(notThisHost),
      intermediates: [notThisHost],
      refused: notAuthority,
    },
    "an address that is excluded": {
      leaf: await leafBy(notThisAddress),
      intermediates: [notThisAddress],
      refused: notAuthority,
    },
    "a signature over SHA-1": { leaf: weak, refused: "x509: " },
    "another mail address": {
      leaf: direct,
      email: "other@example.com",
      refused: 'Required email "other@example.com" not found',
    },
    "a mail address in other letters": {
      leaf: direct,
      email: "Release@example.com",
      refused: "Required email",
    },
    "no mail address": {
      leaf: await leafBy(root, ["subjectAltName=DNS:build.example.com"]),
      refused: "Required email",
    },
    "a mail address that is in the subject only": {
      leaf: await leafBy(root, [], EMAIL),
      refused: "Required email",
    },
    "a host": { leaf: direct, hostname: "build.example.com" },
    "a host in other letters": { leaf: direct, hostname: "BUILD.example.com" },
    "another host": { leaf: direct, hostname: "test.example.com", refused: "Unexpected subject hostname" },
    "a host that is in the subject only": {
      leaf: await leafBy(root, [`subjectAltName=email:${EMAIL}`], "build.example.com"),
      hostname: "build.example.com",
      refused: "Unexpected subject hostname",
    },
    "a host by a wildcard": {
      leaf: await leafBy(root, [`subjectAltName=email:${EMAIL},DNS:*.example.com`]),
      hostname: "any.example.com",
    },
    "a wildcard for one label only": {
      leaf: await leafBy(root, [`subjectAltName=email:${EMAIL},DNS:*.example.com`]),
      hostname: "a.b.example.com",
      refused: "Unexpected subject hostname",
    },
    "part of a label as a wildcard": {
      leaf: await leafBy(root, [`subjectAltName=email:${EMAIL},DNS:b*.example.com`]),
      hostname: "build.example.com",
      refused: "Unexpected subject hostname",
    },
    "an address": { leaf: direct, hostname: "192.0.2.7" },
    "another address": { leaf: direct, hostname: "192.0.2.8", refused: "Unexpected subject hostname" },
  };
}, 120_000);

const pem = (issued: readonly Issued[]): string => issued.map((each) => each.pem).join("");
const encoded = (issued: readonly Issued[]): string => Buffer.from(pem(issued)).toString("base64");

function requirementOf({ roots = [root], intermediates = [], hostname, email }: Case): object {
  return {
    type: "sigstoreSigned",
    pki: {
      caRootsData: encoded(roots),
      ...(intermediates.length === 0 ? {} : { caIntermediatesData: encoded(intermediates) }),
      ...(hostname === undefined ? { subjectEmail: email ?? EMAIL } : { subjectHostname: hostname }),
    },
    signedIdentity: { type: "exactReference", dockerReference: REFERENCE },
  };
}

function signatureOf({ leaf, chain = [] }: Case): Signature {
  const payload = Buffer.from(
    JSON.stringify({
      critical: {
        identity: { "docker-reference": REFERENCE },
        image: { "docker-manifest-digest": DIGEST },
        type: "cosign container image signature",
      },
      optional: {},
    }),
  );
  const key = createPrivateKey(readFileSync(leaf.keyFile));
  return {
    kind: "sigstore",
    mimeType: "application/vnd.dev.cosign.simplesigning.v1+json",
    payload,
    annotations: {
      "dev.cosignproject.cosign/signature": sign("sha256", payload, key).toString("base64"),
      "dev.sigstore.cosign/certificate": leaf.pem,
      ...(chain.length === 0 ? {} : { "dev.sigstore.cosign/chain": pem(chain) }),
    },
  };
}

describe("a certificate with a signature", () => {
  test("is judged as by real skopeo", async () => {
    const differences: object[] = [];
    for (const [title, entry] of Object.entries(cases)) {
      const fields = requirementOf(entry);
      const requirement = parseRequirement(fields);
      if (requirement.type !== "sigstoreSigned") throw new Error("another requirement");
      const signature = signatureOf(entry);
      const image = { manifest, dockerName: undefined };
      const verdict = await judgeSigstoreSigned(requirement, image, [signature]);
      const reason = verdict.accepted ? "" : verdict.reason;
      const real = realSkopeo === undefined ? reason : await decideReally(fields, signature);
      const isAsExpected = entry.refused === undefined ? verdict.accepted : reason.includes(entry.refused);
      if (isAsExpected && (real === "") === verdict.accepted) continue;
      differences.push({ title, expected: entry.refused ?? "accepted", reason, real });
    }
    expect(differences).toEqual([]);
  }, 120_000);
});

async function decideReally(requirement: object, signature: Signature): Promise<string> {
  const directory = temporary("pki-policy");
  const image = join(directory, "image");
  cpSync(join(FIXTURES, "images", "unsigned"), image, { recursive: true });
  writeFileSync(join(image, "signature-1"), formatSignatureBlob(signature));
  const file = join(directory, "policy.json");
  writeFileSync(file, JSON.stringify({ default: [requirement] }));
  return (await runRealSkopeo(["--policy", file, "copy", `dir:${image}`, `dir:${join(directory, "copy")}`]))
    .fatal;
}
