import { ImageError, inContext } from "../../core/errors.ts";
import { formatGoJson } from "../../format/go-json.ts";
import { readSignedMessage } from "../openpgp/message.ts";
import { readIssuer } from "../openpgp/verify.ts";
import { parseSimplePayload } from "../payload.ts";

/** Upstream's words for a time that RFC 3339 cannot write. */
const NO_TIME =
  "json: error calling MarshalJSON for type *time.Time: Time.MarshalJSON: year outside of range [0,9999]";

/**
 * What a signature says of itself, of which nothing was verified: for people who look for a mistake, and for nobody to
 * decide by. JSON as `untrusted-signature-dump-without-verification` prints it. CLI reference 10.3.
 * @throws {ImageError} with `Error decoding untrusted signature: ` before its reason
 */
export async function dumpUntrustedSignature(signature: Uint8Array): Promise<string> {
  const { payload, issuer } = await inContext("Error decoding untrusted signature", async () => {
    const message = await readSignedMessage(signature);
    return { payload: parseSimplePayload(message.payload), issuer: await readIssuer(message) };
  });
  const document = {
    UntrustedDockerManifestDigest: payload.manifestDigest,
    UntrustedDockerReference: payload.dockerReference,
    UntrustedCreatorID: payload.creator ?? null,
    UntrustedTimestamp: payload.timestamp === undefined ? null : formatTime(payload.timestamp),
    UntrustedShortKeyIdentifier: issuer,
  };
  return formatGoJson(document, { indent: 4 });
}

/** RFC 3339 in the zone of this machine, as upstream writes it. `seconds` since 1970. */
function formatTime(seconds: number): string {
  // Farther from 1970 there are no dates here at all; the offset of a zone is then not a number.
  const offset = -new Date(seconds * 1000).getTimezoneOffset();
  const date = new Date((seconds + offset * 60) * 1000);
  const year = date.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) throw new ImageError("SIGNATURE_INVALID", NO_TIME);
  const local = date.toISOString().replace(".000Z", "");
  if (offset === 0) return `${local}Z`;
  const digits = (value: number): string => String(value).padStart(2, "0");
  const size = Math.abs(offset);
  return `${local}${offset < 0 ? "-" : "+"}${digits(Math.floor(size / 60))}:${digits(size % 60)}`;
}
