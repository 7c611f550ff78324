import { join } from "node:path";
import { collect } from "../../core/byte-stream.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { isMissing, openFile } from "../../runtime/files.ts";
import type { TlsMaterial } from "../../runtime/http.ts";

/** Bytes; system-wide bundles of authorities have a few hundred thousand. */
const PEM_LIMIT = 4 * 1024 * 1024;

/**
 * The certificates for a daemon in `directory`: `ca.pem`, which must be there if certificates are verified, and
 * `cert.pem` with `key.pem`, which go together and may be missing where the daemon asks for none. All are looked into
 * here, because what a failed handshake says of them is hard to understand. transports.md 5.2.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function readDaemonCertificates(directory: string, verify: boolean): Promise<TlsMaterial> {
  const ca = verify ? await readAuthorities(join(directory, "ca.pem")) : [];
  const certPath = join(directory, "cert.pem");
  const keyPath = join(directory, "key.pem");
  const [cert, key] = await Promise.all([readPair(certPath), readPair(keyPath)]);
  if (cert.text === undefined && key.text === undefined && ca.length > 0) return { ca, verify };
  if (cert.text === undefined) throw invalidPair(errorMessage(cert.error), cert.error);
  if (key.text === undefined) throw invalidPair(errorMessage(key.error), key.error);
  await checkPair({ path: certPath, text: cert.text }, { path: keyPath, text: key.text });
  return { ca, cert: cert.text, key: key.text, verify };
}

async function readAuthorities(path: string): Promise<readonly string[]> {
  try {
    const text = await readText(path);
    const found = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
    const { X509Certificate } = await import("node:crypto");
    for (const certificate of found) new X509Certificate(certificate);
    if (found.length > 0) return found;
  } catch (error) {
    throw invalid(`could not read CA certificate ${JSON.stringify(path)}: ${errorMessage(error)}`, error);
  }
  throw invalid(`could not read CA certificate ${JSON.stringify(path)}: no PEM certificate in it`);
}

interface PairFile {
  /** Undefined where there is no such file. */
  readonly text?: string;
  readonly error?: unknown;
}

async function readPair(path: string): Promise<PairFile> {
  try {
    return { text: await readText(path) };
  } catch (error) {
    if (isMissing(error)) return { error };
    throw invalidPair(errorMessage(error), error);
  }
}

interface PemFile {
  readonly path: string;
  readonly text: string;
}

async function checkPair(cert: PemFile, key: PemFile): Promise<void> {
  if (key.text.includes("ENCRYPTED")) {
    throw invalidPair(`${key.path} is encrypted; decrypt it with "openssl pkey -in key.pem"`);
  }
  const { createPrivateKey, X509Certificate } = await import("node:crypto");
  const certificate = parsePem(cert.path, "certificate", () => new X509Certificate(cert.text));
  const privateKey = parsePem(key.path, "private key", () => createPrivateKey(key.text));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalidPair(`${key.path} is not the key of ${cert.path}`);
  }
}

/** Messages of the parsers name neither the file nor what is wrong with it. */
function parsePem<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw invalidPair(`no PEM ${what} that can be read in ${path}`, error);
  }
}

async function readText(path: string): Promise<string> {
  await using file = await openFile(path);
  return new TextDecoder().decode(await collect(file.bytes, PEM_LIMIT, path));
}

function invalidPair(reason: string, cause?: unknown): ImageError {
  return invalid(`Could not load X509 key pair: ${reason}`, cause);
}

function invalid(message: string, cause?: unknown): ImageError {
  return new ImageError("CONFIG_INVALID", message, { cause });
}
