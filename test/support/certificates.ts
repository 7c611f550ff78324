import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "./run.ts";

/** Paths of PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  /** Such as `IP:127.0.0.1,DNS:localhost`, which is the default. */
  readonly names?: string;
  /** How long it is valid; less than zero makes one that has expired. */
  readonly days?: number;
}

/** A certificate authority: its own certificate and key, and what it can be asked for. */
export interface Authority extends Certificate {
  /** Issues a certificate for servers and clients alike. `name` distinguishes it from others. */
  issue(name: string, request?: CertificateRequest): Promise<Certificate>;
}

const NEW_KEY: readonly string[] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** A certificate authority in a directory of its own, made by openssl. */
export async function createAuthority(name = "test authority"): Promise<Authority> {
  const directory = mkdtempSync(join(tmpdir(), "certificates-"));
  const key = join(directory, "ca.key");
  const certificate = join(directory, "ca.crt");
  await mustRun([
    ...["openssl", "req", "-x509", ...NEW_KEY],
    ...["-keyout", key, "-out", certificate, "-days", "30", "-subj", `/CN=${name}`],
  ]);
  return {
    certificate,
    key,
    async issue(name, { names = "IP:127.0.0.1,DNS:localhost", days = 30 } = {}) {
      const issued = { key: join(directory, `${name}.key`), certificate: join(directory, `${name}.crt`) };
      const request = join(directory, `${name}.csr`);
      const extensions = join(directory, `${name}.ext`);
      writeFileSync(extensions, `subjectAltName=${names}\n`);
      await mustRun([
        ...["openssl", "req", ...NEW_KEY],
        ...["-keyout", issued.key, "-out", request, "-subj", `/CN=${name}`],
      ]);
      await mustRun([
        ...["openssl", "x509", "-req", "-in", request, "-CA", certificate, "-CAkey", key, "-CAcreateserial"],
        ...["-days", String(days), "-extfile", extensions, "-out", issued.certificate],
      ]);
      return issued;
    },
  };
}

/** A certificate for 127.0.0.1 that nobody but itself vouches for. */
export async function createSelfSigned(): Promise<Certificate> {
  const directory = mkdtempSync(join(tmpdir(), "certificates-"));
  const own = { key: join(directory, "own.key"), certificate: join(directory, "own.crt") };
  await mustRun([
    ...["openssl", "req", "-x509", ...NEW_KEY, "-keyout", own.key, "-out", own.certificate, "-days", "30"],
    ...["-subj", "/CN=nobody", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
  ]);
  return own;
}
