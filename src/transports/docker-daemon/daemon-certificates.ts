import { join } from "node:path";
import { collect } from "../../core/byte-stream.ts";
import { errorMessage, ImageError } from "../../core/errors.ts";
import { isMissing, openFile } from "../../runtime/files.ts";
import type { TlsMaterial } from "../../runtime/http.ts";

/** Bytes; system-wide bundles of authorities have a few hundred thousand. */
const PEM_LIMIT = 4 * 1024 * 1024;

/**
 * The certificates for a daemon in `directory`: `ca.pem`, which must be there if certificates are verified, and
 * `cert.pem` with `key.pem`, which go together and may be missing where the daemon asks for none. transports.md 5.2.
 * @throws {ImageError} CONFIG_INVALID
 */
export async function readDaemonCertificates(directory: string, verify: boolean): Promise<TlsMaterial> {
  const ca = verify ? await readAuthorities(join(directory, "ca.pem")) : [];
  const certPath = join(directory, "cert.pem");
  const keyPath = join(directory, "key.pem");
  const [cert, key] = await Promise.all([readPair(certPath), readPair(keyPath)]);
  if (cert.text === undefined && key.text === undefined && ca.length > 0) return { ca, verify };
  const missing = cert.text === undefined ? cert : key;
  if (cert.text === undefined || key.text === undefined) {
    throw invalid(`Could not load X509 key pair: ${errorMessage(missing.error)}`, missing.error);
  }
  if (key.text.includes("ENCRYPTED")) {
    throw invalid(
      `Could not load X509 key pair: ${keyPath} is encrypted; decrypt it with "openssl pkey -in key.pem"`,
    );
  }
  return { ca, cert: cert.text, key: key.text, verify };
}

async function readAuthorities(path: string): Promise<readonly string[]> {
  try {
    const text = await readText(path);
    const found = text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g);
    if (found !== null) return found;
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
    throw invalid(`Could not load X509 key pair: ${errorMessage(error)}`, error);
  }
}

async function readText(path: string): Promise<string> {
  await using file = await openFile(path);
  return new TextDecoder().decode(await collect(file.bytes, PEM_LIMIT, path));
}

function invalid(message: string, cause?: unknown): ImageError {
  return new ImageError("CONFIG_INVALID", message, { cause });
}
