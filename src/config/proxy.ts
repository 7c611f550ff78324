import { ImageError } from "../core/errors.ts";
import {
  type IpAddress,
  isInNetwork,
  isLoopback,
  isSameAddress,
  parseIpAddress,
  parseIpNetwork,
} from "./ip-address.ts";

const PROXY_SCHEMES: ReadonlySet<string> = new Set(["http:", "https:", "socks5:", "socks5h:"]);
const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

/**
 * The proxy for a request to `url`, as a URL that may hold a user and password; undefined means to connect directly.
 * Read from HTTP_PROXY, HTTPS_PROXY and NO_PROXY, or the same in lower case. The local host is never reached through
 * a proxy. Registry-and-config reference 1.
 * @throws {ImageError} CONFIG_INVALID when the variable holds no URL
 */
export function proxyFor(url: string, env: ProxyVariables): string | undefined {
  const choice = chooseProxy(url, env);
  return choice.exception === undefined ? choice.proxy : undefined;
}

type ProxyVariables = Readonly<Record<string, string | undefined>>;

/** How the proxy for a URL was decided. */
export interface ProxyChoice {
  /** As a URL that may hold a user and password; undefined where no variable names one. */
  readonly proxy?: string | undefined;
  /** Who names the proxy. */
  readonly variable: "HTTP_PROXY" | "HTTPS_PROXY";
  /** Why the proxy is not used: the entry of NO_PROXY, or that the host is this machine. */
  readonly exception?: string | undefined;
}

/** As `proxyFor`, with the reasons. @throws {ImageError} CONFIG_INVALID when the variable holds no URL */
export function chooseProxy(url: string, env: ProxyVariables): ProxyChoice {
  const { protocol, hostname, port } = new URL(url);
  const variable = protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = readProxy(variable, env);
  if (proxy === undefined) return { variable };
  const target = createTarget(hostname, port || (DEFAULT_PORTS[protocol] ?? ""));
  if (target.host === "localhost" || (target.address !== undefined && isLoopback(target.address))) {
    return { proxy, variable, exception: "the local host" };
  }
  const entries = (readVariable("NO_PROXY", env) ?? "").toLowerCase().split(",");
  const entry = entries.map((text) => text.trim()).find((text) => matches(text, target));
  return { proxy, variable, exception: entry === undefined ? undefined : `${entry} in NO_PROXY` };
}

/** In a CGI program HTTP_PROXY is what a remote client sent as its `Proxy` header, so it does not count. */
function readProxy(name: ProxyChoice["variable"], env: ProxyVariables): string | undefined {
  if (name === "HTTP_PROXY" && env.REQUEST_METHOD) return undefined;
  const value = readVariable(name, env);
  return value === undefined ? undefined : parseProxy(value, name);
}

function readVariable(name: string, env: ProxyVariables): string | undefined {
  return env[name] || env[name.toLowerCase()] || undefined;
}

/** A proxy may be written without a scheme. The value is not quoted in errors: it may hold a password. */
function parseProxy(value: string, name: string): string {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (PROXY_SCHEMES.has(url.protocol) && url.hostname !== "") return url.href;
  }
  throw new ImageError("CONFIG_INVALID", `invalid proxy address in ${name}`);
}

/** What a request wants to reach. */
interface Target {
  readonly host: string;
  readonly port: string;
  /** Set when the host is an IP address. */
  readonly address: IpAddress | undefined;
}

function createTarget(hostname: string, port: string): Target {
  const host = withoutBrackets(hostname.toLowerCase());
  return { host, port, address: parseIpAddress(host) };
}

/** Whether one entry of NO_PROXY covers the target; `entry` is in lower case. */
function matches(entry: string, target: Target): boolean {
  if (entry === "*") return true;
  const network = parseIpNetwork(entry);
  if (network !== undefined) return target.address !== undefined && isInNetwork(target.address, network);
  const { host, port } = splitPort(entry);
  if (host === "" || (port !== "" && port !== target.port)) return false;
  const address = parseIpAddress(host);
  if (address !== undefined) return target.address !== undefined && isSameAddress(target.address, address);
  return matchesDomain(host, target.host);
}

/** `example.com` covers itself and what is below it; `.example.com` and `*.example.com` only the latter. */
function matchesDomain(domain: string, host: string): boolean {
  const name = domain.startsWith("*.") ? domain.slice(1) : domain;
  if (name.startsWith(".")) return host.endsWith(name);
  return host === name || host.endsWith(`.${name}`);
}

function splitPort(entry: string): { readonly host: string; readonly port: string } {
  const match = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(entry);
  return { host: withoutBrackets(match?.[1] ?? entry), port: match?.[2] ?? "" };
}

function withoutBrackets(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}
