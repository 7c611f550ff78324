import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporary } from "../../support/images.ts";
import { mustRun } from "../../support/run.ts";

/** A certificate that openssl has issued, and its key. */
export interface Issued {
  readonly name: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly pem: string;
}

export interface IssueRequest {
  readonly name: string;
  /** Who signs it; without one, itself. */
  readonly by?: Issued;
  /** Lines of openssl's configuration of extensions. */
  readonly extensions?: readonly string[];
  /** How long it is valid; less than zero makes one that has expired. */
  readonly days?: number;
  readonly digest?: "sha256" | "sha1";
  /** What openssl makes a key by. */
  readonly key?: readonly string[];
}

/** The extensions of an authority. */
export const AUTHORITY: readonly string[] = [
  "basicConstraints=critical,CA:TRUE",
  "keyUsage=critical,keyCertSign,cRLSign",
];

const EC_KEY: readonly string[] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

/** Certificates of all kinds, sound and unsound. */
export class TestPki {
  readonly #directory = temporary("pki");
  #count = 0;

  async issue({
    name,
    by,
    extensions = [],
    days = 30,
    digest = "sha256",
    key = EC_KEY,
  }: IssueRequest): Promise<Issued> {
    const path = (suffix: string): string => join(this.#directory, `${this.#count}.${suffix}`);
    this.#count++;
    const [request, keyFile, certificateFile, extensionsFile] = ["csr", "key", "crt", "ext"].map(path);
    if (!request || !keyFile || !certificateFile || !extensionsFile) throw new Error("no paths");
    writeFileSync(extensionsFile, `${extensions.join("\n")}\n`);
    await mustRun([
      "openssl",
      "req",
      "-new",
      "-nodes",
      ...key,
      "-keyout",
      keyFile,
      "-out",
      request,
      "-subj",
      `/CN=${name}`,
    ]);
    const signer =
      by === undefined
        ? ["-signkey", keyFile]
        : ["-CA", by.certificateFile, "-CAkey", by.keyFile, "-CAcreateserial"];
    await mustRun([
      ...["openssl", "x509", "-req", "-in", request, ...signer, `-${digest}`, "-days", String(days)],
      ...["-extfile", extensionsFile, "-out", certificateFile],
    ]);
    return { name, certificateFile, keyFile, pem: readFileSync(certificateFile, "utf8") };
  }

  /** Another certificate for the name and key of one that there is. */
  async reissue(
    issued: Issued,
    { by, extensions = AUTHORITY }: Pick<IssueRequest, "by" | "extensions">,
  ): Promise<Issued> {
    const path = (suffix: string): string => join(this.#directory, `${this.#count}.${suffix}`);
    this.#count++;
    const [request, certificateFile, extensionsFile] = [path("csr"), path("crt"), path("ext")];
    writeFileSync(extensionsFile, `${extensions.join("\n")}\n`);
    await mustRun([
      "openssl",
      "req",
      "-new",
      "-key",
      issued.keyFile,
      "-out",
      request,
      "-subj",
      `/CN=${issued.name}`,
    ]);
    const signer =
      by === undefined
        ? ["-signkey", issued.keyFile]
        : ["-CA", by.certificateFile, "-CAkey", by.keyFile, "-CAcreateserial"];
    await mustRun([
      ...["openssl", "x509", "-req", "-in", request, ...signer, "-sha256", "-days", "30"],
      ...["-extfile", extensionsFile, "-out", certificateFile],
    ]);
    return { ...issued, certificateFile, pem: readFileSync(certificateFile, "utf8") };
  }
}
