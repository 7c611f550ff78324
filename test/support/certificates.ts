import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "./run.ts";

/** Paths of PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

export interface Authority extends Certificate {
  /** Issues a certificate; its names are such as `IP:127.0.0.1,DNS:localhost`. Days may lie in the past. */
  issue(name: string, options?: { readonly names?: string; readonly days?: number }): Promise<Certificate>;
}

/** A certificate authority in a directory of its own, made by openssl. */
export async function createAuthority(): Promise<Authority> {
  const directory = mkdtempSync(join(tmpdir(), "certificates-"));
  const key = join(directory, "ca.key");
  const certificate = join(directory, "ca.crt");
  await mustRun([
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", key, "-out", certificate, "-days", "30", "-subj", "/CN=test authority"],
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
        ...["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
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
