import { posix, win32 } from "node:path";
import { ImageError } from "../core/errors.ts";
import { readOptionalDirectory, readOptionalFile, readRequiredFile } from "./configuration-file.ts";
import type { ConfigurationListener } from "./listener.ts";
import { certificateLocations, type Environment } from "./locations.ts";

/** Certificates configured for a registry; each string is PEM text. */
export interface RegistryCertificates {
  /** To trust besides the system's; one certificate each. */
  readonly ca: readonly string[];
  /** To offer to a server that asks for one. */
  readonly clients: readonly ClientCertificate[];
  /** Where they come from; undefined when no directory exists. */
  readonly directory: string | undefined;
}

/** The files as they are: the certificate may be followed by its chain. */
export interface ClientCertificate {
  /** The path of the certificate. */
  readonly file: string;
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOptions extends ConfigurationListener {
  readonly environment: Environment;
  /** Used alone, and directly: it has no directories per registry. */
  readonly directory?: string | undefined;
}

/**
 * The certificates for `registry` (`host[:port]`), from the first directory that exists.
 * Registry-and-config reference 2.1.
 * @throws {ImageError} CONFIG_INVALID when a client certificate lacks its key or the other way round
 */
export async function findCertificates(
  options: CertificateOptions,
  registry: string,
): Promise<RegistryCertificates> {
  const explicit = options.directory;
  for (const directory of explicit ? [explicit] : certificateLocations(options.environment, registry)) {
    const entries = await readOptionalDirectory(directory);
    if (entries === undefined) continue;
    options.debug?.(`Looking for TLS certificates and private keys in ${directory}`);
    const names = entries.map(({ name }) => name);
    return await readCertificates(directory, names, pathJoiner(options.environment));
  }
  return { ca: [], clients: [], directory: undefined };
}

/**
 * The certificates that $SSL_CERT_FILE and the directories of $SSL_CERT_DIR add to the trusted ones, PEM, one each.
 * What is missing or unreadable there is passed over, as TLS libraries do with their own certificates.
 */
export async function readEnvironmentCertificates(environment: Environment): Promise<readonly string[]> {
  const { env, platform } = environment;
  const join = pathJoiner(environment);
  const paths = env.SSL_CERT_FILE ? [env.SSL_CERT_FILE] : [];
  const directories = env.SSL_CERT_DIR?.split(platform === "win32" ? ";" : ":") ?? [];
  for (const directory of directories.filter((entry) => entry !== "")) {
    const entries = await readOptionalDirectory(directory).catch(() => undefined);
    paths.push(...(entries ?? []).map(({ name }) => join(directory, name)));
  }
  const files = await Promise.all(paths.map((path) => readOptionalFile(path).catch(() => undefined)));
  return [...new Set(files.flatMap(splitCertificates))];
}

type Join = (directory: string, name: string) => string;

async function readCertificates(
  directory: string,
  names: readonly string[],
  join: Join,
): Promise<RegistryCertificates> {
  checkPairs(names);
  const readText = async (name: string): Promise<string> =>
    new TextDecoder().decode(await readRequiredFile(join(directory, name)));
  const authorities = names.filter((name) => name.endsWith(".crt"));
  const certificates = names.filter((name) => name.endsWith(".cert"));
  // A link that leads nowhere is no authority, but a client certificate that was announced must be there.
  const ca = await Promise.all(authorities.map((name) => readOptionalFile(join(directory, name))));
  const clients = await Promise.all(
    certificates.map(async (name) => ({
      file: join(directory, name),
      cert: await readText(name),
      key: await readText(keyName(name)),
    })),
  );
  return { ca: ca.flatMap(splitCertificates), clients, directory };
}

function checkPairs(names: readonly string[]): void {
  for (const name of names) {
    if (name.endsWith(".cert") && !names.includes(keyName(name))) {
      throw new ImageError(
        "CONFIG_INVALID",
        `missing key ${keyName(name)} for client certificate ${name}. Note that CA certificates should use the ` +
          "extension .crt",
      );
    }
    const certificate = name.replace(/\.key$/, ".cert");
    if (name.endsWith(".key") && !names.includes(certificate)) {
      throw new ImageError("CONFIG_INVALID", `missing client certificate ${certificate} for key ${name}`);
    }
  }
}

function keyName(certificate: string): string {
  return certificate.replace(/\.cert$/, ".key");
}

/** Only what is a certificate by its label: a TLS library would refuse the whole list for anything else. */
function splitCertificates(bytes: Uint8Array | undefined): readonly string[] {
  const text = new TextDecoder().decode(bytes);
  return text.match(/-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g) ?? [];
}

function pathJoiner(environment: Environment): Join {
  return environment.platform === "win32" ? win32.join : posix.join;
}
