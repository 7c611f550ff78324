import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun, run } from "../../support/run.ts";

/** Whom a certificate is for, and who says so. */
export interface Identity {
  readonly email: string;
  readonly issuer: string;
}

/** A root and an intermediate authority that certify keys for signing, as Fulcio's do. */
export interface CodeAuthority extends Disposable {
  readonly rootPem: string;
  /** What Fulcio sends after the leaf. */
  readonly chainPem: string;
  certify(publicKeyPem: string, identity: Identity): Promise<string>;
}

const NEW_KEY: readonly string[] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
const AUTHORITY = "keyUsage=critical,keyCertSign,cRLSign\nbasicConstraints=critical,CA:true";

/** Makes the authorities with openssl, in a directory of their own. */
export async function createCodeAuthority(): Promise<CodeAuthority> {
  const directory = mkdtempSync(join(tmpdir(), "fulcio-"));
  const at = (name: string): string => join(directory, name);
  await mustRun([
    ...["openssl", "req", "-x509", ...NEW_KEY, "-keyout", at("root.key"), "-out", at("root.pem")],
    ...["-days", "30", "-subj", "/O=mock/CN=mock fulcio root"],
    ...["-addext", "keyUsage=critical,keyCertSign,cRLSign"],
  ]);
  writeFileSync(at("middle.ext"), `${AUTHORITY},pathlen:0\nextendedKeyUsage=codeSigning\n`);
  await mustRun([
    ...["openssl", "req", ...NEW_KEY, "-keyout", at("middle.key"), "-out", at("middle.csr")],
    ...["-subj", "/O=mock/CN=mock fulcio intermediate"],
  ]);
  await mustRun([
    ...["openssl", "x509", "-req", "-in", at("middle.csr"), "-CA", at("root.pem"), "-CAkey", at("root.key")],
    ...["-CAcreateserial", "-days", "30", "-extfile", at("middle.ext"), "-out", at("middle.pem")],
  ]);
  const [rootPem, middlePem] = [readFileSync(at("root.pem"), "utf8"), readFileSync(at("middle.pem"), "utf8")];
  let issued = 0;
  return {
    rootPem,
    chainPem: `${middlePem}${rootPem}`,
    async certify(publicKeyPem, { email, issuer }) {
      const name = `leaf-${++issued}`;
      writeFileSync(at(`${name}.pub`), publicKeyPem);
      const extensions = [
        "keyUsage=critical,digitalSignature",
        "extendedKeyUsage=codeSigning",
        `subjectAltName=critical,email:${email}`,
        `1.3.6.1.4.1.57264.1.1=DER:${Buffer.from(issuer).toString("hex")}`,
        `1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:${issuer}`,
      ];
      writeFileSync(at(`${name}.ext`), `${extensions.join("\n")}\n`);
      return await mustRun([
        ...["openssl", "x509", "-new", "-force_pubkey", at(`${name}.pub`), "-subj", "/"],
        ...["-CA", at("middle.pem"), "-CAkey", at("middle.key"), "-days", "1"],
        ...["-extfile", at(`${name}.ext`)],
      ]);
    },
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Whether `signature` is over what has this SHA-256; Node can only verify what it has digested itself. */
export async function verifiesDigest(
  publicKeyPem: string,
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const directory = mkdtempSync(join(tmpdir(), "rekor-"));
  const at = (name: string): string => join(directory, name);
  try {
    writeFileSync(at("key"), publicKeyPem);
    writeFileSync(at("digest"), digest);
    writeFileSync(at("signature"), signature);
    const kind = publicKeyPem.includes("BEGIN CERTIFICATE") ? "-certin" : "-pubin";
    const { exitCode } = await run([
      ...["openssl", "pkeyutl", "-verify", kind, "-inkey", at("key"), "-in", at("digest")],
      ...["-sigfile", at("signature"), "-pkeyopt", "digest:sha256"],
    ]);
    return exitCode === 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
