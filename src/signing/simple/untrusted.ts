import { inContext } from "../../core/errors.ts";
import { formatGoJson } from "../../format/go-json.ts";
import { readSignedMessage } from "../openpgp/message.ts";
import { readIssuer } from "../openpgp/verify.ts";
import { parseSimplePayload } from "../payload.ts";

/**
 * What a signature says of itself, of which nothing was verified: for people who look for a mistake, and for nobody to
 * decide by. JSON as `untrusted-signature-dump-without-verification` prints it. CLI reference 10.3.
 * @throws {ImageError} with `Error decoding untrusted signature: ` before its reason
 */
export async function dumpUntrustedSignature(signature: Uint8Array): Promise<string> {
  return await inContext("Error decoding untrusted signature", async () => {
    const message = await readSignedMessage(signature);
    const payload = parseSimplePayload(message.payload);
    const document = {
      UntrustedDockerManifestDigest: payload.manifestDigest,
      UntrustedDockerReference: payload.dockerReference,
      UntrustedCreatorID: payload.creator ?? null,
      UntrustedTimestamp: payload.timestamp === undefined ? null : formatTime(payload.timestamp),
      UntrustedShortKeyIdentifier: await readIssuer(message),
    };
    return formatGoJson(document, { indent: 4 });
  });
}

/** RFC 3339 in the zone of this machine, as upstream writes it. `seconds` since 1970. */
function formatTime(seconds: number): string {
  const offset = -new Date(seconds * 1000).getTimezoneOffset();
  const local = new Date((seconds + offset * 60) * 1000).toISOString().replace(".000Z", "");
  if (offset === 0) return `${local}Z`;
  const digits = (value: number): string => String(value).padStart(2, "0");
  const size = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
}
