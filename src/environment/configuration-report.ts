import { findCertificates, readEnvironmentCertificates } from "../config/certificates.ts";
import { chooseProxy } from "../config/proxy.ts";
import type { RegistriesConf } from "../config/registries-conf.ts";
import { findTable, lookupRegistry, resolveEndpoints } from "../config/registries-match.ts";
import type { OperationOptions } from "../core/byte-stream.ts";
import { type DockerName, formatDockerName } from "../core/docker-name.ts";
import { errorMessage, isAbort } from "../core/errors.ts";
import type { HttpClient } from "../runtime/http.ts";
import { lookUpCredentials } from "./credential-lookup.ts";
import { type ImageAccess, withoutLogin } from "./image-access.ts";
import type { RegistrySettings } from "./registry-access.ts";

/** What the machine's configuration makes of the name of an image in a registry. Nothing in it is secret. */
export interface RegistryReport {
  /** The name in full. */
  readonly name: string;
  /** The registries files that were read, in order. */
  readonly registriesFiles: readonly string[];
  /** What a name without a registry means to podman and buildah; skopeo takes Docker Hub, whatever is configured. */
  readonly shortName: ShortNameReport | undefined;
  /** The `[[registry]]` table that applies. */
  readonly table: TableReport | undefined;
  /** Where it is read from, in the order of trying. */
  readonly readFrom: readonly EndpointReport[];
  /** Places that are not asked, and why. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
  /** Where it is written to and deleted from: mirrors and rewriting do not count. */
  readonly writeTo: EndpointReport | { readonly blocked: string };
}

export interface ShortNameReport {
  readonly alias: { readonly target: string; readonly file: string } | undefined;
  readonly searchRegistries: readonly string[];
  readonly mode: string;
}

export interface TableReport {
  readonly prefix: string;
  readonly file: string;
  readonly location: string;
  readonly insecure: boolean;
  readonly blocked: boolean;
}

/** One place that is asked for an image. */
export interface EndpointReport {
  readonly name: string;
  readonly isMirror: boolean;
  /** Whether certificates are verified, and who says so. */
  readonly tlsVerify: { readonly value: boolean; readonly source: string };
  readonly credentials: CredentialsReport;
  readonly certificates: CertificatesReport;
  readonly proxy: ProxyReport;
}

/** A part that cannot be read says why. */
export interface Problem {
  readonly problem: string;
}

export type CredentialsReport =
  | {
      readonly kind: "password" | "identity token" | "bearer token";
      readonly username?: string;
      readonly source: string;
    }
  | { readonly kind: "none" }
  | Problem;

export type CertificatesReport =
  | {
      /** The directory of certs.d that counts. */
      readonly directory: string | undefined;
      /** How many authorities it adds to the system's. */
      readonly authorities: number;
      /** Paths of client certificates, in the order of trying. */
      readonly clients: readonly string[];
      /** How many authorities $SSL_CERT_FILE and $SSL_CERT_DIR add. */
      readonly fromEnvironment: number;
    }
  | Problem;

export type ProxyReport =
  | { readonly url: string; readonly variable: string; readonly notUsedFor?: string | undefined }
  | { readonly url: undefined }
  | Problem;

export interface ReportOptions extends OperationOptions {
  readonly settings: RegistrySettings;
  readonly conf: RegistriesConf;
  readonly access: ImageAccess;
  /** A client with the TLS settings of a registry, for the clouds that are asked for a login. */
  readonly openClient: (registry: string) => Promise<HttpClient>;
}

/** Finds out what is used for an image, without asking any server but the helpers for credentials on this machine. */
export async function reportRegistry(
  { name, typed }: { readonly name: DockerName; readonly typed: string },
  options: ReportOptions,
): Promise<RegistryReport> {
  const { conf } = options;
  const choice = resolveEndpoints(conf, name);
  const own = lookupRegistry(conf, name);
  const readFrom = await Promise.all(
    choice.endpoints.map((endpoint) => {
      const access = endpoint.name.registry === name.registry ? options.access : withoutLogin(options.access);
      return reportEndpoint(endpoint.name, endpoint.mirror, endpoint.insecure, { ...options, access });
    }),
  );
  return {
    name: formatDockerName(name),
    registriesFiles: conf.files,
    shortName: reportShortName(typed, conf),
    table: reportTable(name, conf),
    readFrom,
    refused: choice.refused.map((refused) => ({
      name: formatDockerName(refused.name),
      reason: refused.message,
    })),
    writeTo:
      own.blockedMessage === undefined
        ? await reportEndpoint(name, false, own.insecure, options)
        : { blocked: own.blockedMessage },
  };
}

function reportShortName(typed: string, conf: RegistriesConf): ShortNameReport | undefined {
  const short = typed.replace(/[:@].*$/, "");
  const hasRegistry = /^([^/]*[.:][^/]*|localhost)\//.test(typed);
  if (hasRegistry) return undefined;
  const target = conf.aliases.get(short);
  return {
    alias: target === undefined ? undefined : { target, file: conf.aliasFiles.get(short) ?? "" },
    searchRegistries: conf.unqualifiedSearchRegistries,
    mode: conf.shortNameMode,
  };
}

function reportTable(name: DockerName, conf: RegistriesConf): TableReport | undefined {
  const table = findTable(conf, name);
  if (table === undefined) return undefined;
  const { prefix, location, insecure, blocked } = table;
  return { prefix, location, insecure, blocked, file: conf.tableFiles.get(prefix) ?? "" };
}

async function reportEndpoint(
  name: DockerName,
  isMirror: boolean,
  isInsecure: boolean,
  options: ReportOptions,
): Promise<EndpointReport> {
  const { access } = options;
  const told = access.tlsVerify;
  return {
    name: formatDockerName(name),
    isMirror,
    tlsVerify: {
      value: told ?? !isInsecure,
      source: told !== undefined ? "the command line" : isInsecure ? "registries.conf" : "default",
    },
    credentials: await orProblem(() => reportCredentials(name, options)),
    certificates: await orProblem(() => reportCertificates(name.registry, told ?? !isInsecure, options)),
    proxy: await orProblem(async () => reportProxy(name.registry, options)),
  };
}

async function orProblem<T>(report: () => Promise<T>): Promise<T | Problem> {
  try {
    return await report();
  } catch (error) {
    if (isAbort(error)) throw error;
    return { problem: errorMessage(error) };
  }
}

async function reportCredentials(
  { registry, repository }: DockerName,
  { settings, conf, access, signal, openClient }: ReportOptions,
): Promise<CredentialsReport> {
  if (access.registryToken !== undefined) return { kind: "bearer token", source: "the command line" };
  const lookup = {
    ...settings,
    helpers: conf.credentialHelpers,
    signal,
    openClient: () => openClient(registry),
  };
  const found = await lookUpCredentials({ registry, repository }, access, lookup);
  if (found === undefined) return { kind: "none" };
  const { credentials, source } = found;
  const kind = credentials.identityToken ? "identity token" : "password";
  return { kind, username: credentials.username, source };
}

async function reportCertificates(
  registry: string,
  verify: boolean,
  { settings, access }: ReportOptions,
): Promise<CertificatesReport> {
  const found = await findCertificates({ ...settings, directory: access.certDir }, registry);
  const added = verify ? await readEnvironmentCertificates(settings.environment) : [];
  return {
    directory: found.directory,
    authorities: found.ca.length,
    clients: found.clients.map(({ file }) => file),
    fromEnvironment: added.length,
  };
}

function reportProxy(registry: string, { settings }: ReportOptions): ProxyReport {
  const { proxy, variable, exception } = chooseProxy(`https://${registry}/`, settings.environment.env);
  if (proxy === undefined) return { url: undefined };
  const url = new URL(proxy);
  const user = url.username === "" ? "" : `${url.username}:***@`;
  return { url: `${url.protocol}//${user}${url.host}`, variable, notUsedFor: exception };
}
