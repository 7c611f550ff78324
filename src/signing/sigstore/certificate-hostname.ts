import { ImageError } from "../../core/errors.ts";
import { type Certificate, subjectNames } from "./certificate.ts";

/**
 * Whether a certificate is for a host, or an IP address, by the rules of TLS. The common name does not count.
 * RFC 6125; signing reference 3.6.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export async function checkHostname(certificate: Certificate, hostname: string): Promise<void> {
  const { x509 } = certificate;
  const names = await subjectNames(certificate);
  const address = hostname.replace(/^\[(.*)\]$/, "$1");
  const isAddress = process.getBuiltinModule("node:net").isIP(address) !== 0;
  const matches = isAddress
    ? x509.checkIP(address) !== undefined
    : names.some(({ kind }) => kind === "dns") &&
      x509.checkHost(hostname, { subject: "never", partialWildcards: false }) !== undefined;
  if (matches) return;
  const shown = names.filter(({ kind }) => kind === "dns").map(({ value }) => value.toString("utf8"));
  const reason =
    shown.length === 0
      ? `certificate is not valid for any names, but wanted to match ${hostname}`
      : `certificate is valid for ${shown.join(", ")}, not ${hostname}`;
  throw new ImageError("SIGNATURE_INVALID", `Unexpected subject hostname: x509: ${reason}`);
}
