import { ImageError } from "../../core/errors.ts";

/** Where a daemon's host, as users write it, leads. */
export type DaemonAddress =
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "pipe"; readonly path: string }
  | {
      readonly kind: "tcp";
      readonly scheme: "tcp" | "http" | "https";
      /** Host and perhaps a port, as in URLs. */
      readonly authority: string;
      /** Where the API begins on that host: empty, or with a slash at its start only. */
      readonly path: string;
    };

const EXAMPLES = "write it as unix:///path/to/socket, tcp://host:port or http://host:port";

/**
 * Parses `SCHEME://ADDRESS`. Abbreviations are for the caller to complete. transports.md 5.2.
 * @throws {ImageError} CONFIG_INVALID, UNSUPPORTED_OPERATION for `ssh://`
 */
export function parseDaemonAddress(text: string): DaemonAddress {
  const match = /^([a-z]+):\/\/(.+)$/is.exec(text);
  const [, scheme = "", rest = ""] = match ?? [];
  switch (scheme.toLowerCase()) {
    case "unix":
      return { kind: "unix", path: rest };
    case "npipe":
      return { kind: "pipe", path: rest.replaceAll("/", "\\") };
    case "tcp":
      return parseTcpAddress("tcp", text, rest);
    case "http":
      return parseTcpAddress("http", text, rest);
    case "https":
      return parseTcpAddress("https", text, rest);
    case "ssh":
      throw refusedSsh(rest);
    default:
      throw unparsable(text);
  }
}

function parseTcpAddress(scheme: "tcp" | "http" | "https", text: string, rest: string): DaemonAddress {
  // As everywhere in Docker, no host means this one.
  const address = rest.startsWith(":") ? `localhost${rest}` : rest;
  if (!URL.canParse(`http://${address}`)) throw unparsable(text);
  const url = new URL(`http://${address}`);
  if (url.username !== "" || url.password !== "") {
    throw invalid(
      "the docker host must not hold a user name or password: daemons know users by certificates",
    );
  }
  if (url.search !== "" || url.hash !== "") throw unparsable(text);
  // What URL gives as host lacks the port that happens to be the default of its scheme.
  const authority = address.split("/", 1)[0] ?? "";
  return { kind: "tcp", scheme, authority, path: url.pathname.replace(/\/+$/, "") };
}

function refusedSsh(rest: string): ImageError {
  const address = `ssh://${rest}`;
  const { hostname, port, username } = URL.canParse(address)
    ? new URL(address)
    : { hostname: "HOST", port: "", username: "USER" };
  const target = username === "" ? hostname : `${username}@${hostname}`;
  const options = port === "" ? "" : `-p ${port} `;
  return new ImageError(
    "UNSUPPORTED_OPERATION",
    `docker hosts over SSH are not supported: forward the daemon's socket with ` +
      `"ssh -nNT ${options}-L /tmp/docker.sock:/var/run/docker.sock ${target}", ` +
      "and use unix:///tmp/docker.sock as the docker host",
  );
}

function unparsable(text: string): ImageError {
  // Whatever stands before an @ may be a password.
  return invalid(`unable to parse docker host \`${text.replace(/[^/]*@/, "***@")}\`: ${EXAMPLES}`);
}

function invalid(message: string): ImageError {
  return new ImageError("CONFIG_INVALID", message);
}
