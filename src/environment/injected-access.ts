import type { OperationOptions } from "../core/byte-stream.ts";
import type { Credentials } from "../core/credentials.ts";
import type { Fetch } from "../runtime/http-fetch.ts";

/** What a program gives in place of this machine's configuration and network. */
export interface InjectedAccess {
  /** Asked for the login of a repository, in place of credential files, helpers and clouds. May be asked again when it was refused. */
  readonly credentials?: GiveCredentials | undefined;
  /** Asked for the certificates of a registry, in place of certs.d. */
  readonly certificates?: GiveCertificates | undefined;
  /**
   * Sends all requests to registries. Proxies, certificates and limits on TLS are its own business then; it must not follow
   * redirects when it is told so.
   */
  readonly fetch?: Fetch | undefined;
  /** The time, in milliseconds since 1970, that tokens expire by. */
  readonly clock?: (() => number) | undefined;
}

/** `registry` is `host` or `host:port`; without a `repository` the registry itself is meant. Undefined means anonymous access. */
export type GiveCredentials = (
  target: { readonly registry: string; readonly repository: string | undefined },
  options: OperationOptions,
) => Credentials | undefined | Promise<Credentials | undefined>;

/** `registry` is `host` or `host:port`. Undefined means the system's authorities, and no client certificate. */
export type GiveCertificates = (
  registry: string,
) => GivenCertificates | undefined | Promise<GivenCertificates | undefined>;

/** PEM texts. */
export interface GivenCertificates {
  /** Authorities to trust besides the system's. */
  readonly authorities?: readonly string[] | undefined;
  /** What to show a registry that asks who is there. */
  readonly client?: { readonly certificate: string; readonly key: string } | undefined;
}
