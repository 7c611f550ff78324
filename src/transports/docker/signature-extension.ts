import * as v from "valibot";
import { decodeBase64 } from "../../core/base64.ts";
import { type OperationOptions, streamOf } from "../../core/byte-stream.ts";
import type { Digest } from "../../core/digest.ts";
import { inContext } from "../../core/errors.ts";
import type { Signature } from "../../core/signature.ts";
import { DOCUMENT_LIMIT, parseJson } from "../../format/json.ts";
import { readDocument } from "../../registry/document.ts";
import { errorFromResponse } from "../../registry/registry-error.ts";
import type { SignaturePlace } from "./signatures.ts";

/** The entries that are understood; others are passed over. */
const VERSION = 2;
const TYPE = "atomic";

const ListSchema = v.object({
  signatures: v.nullish(
    v.array(
      v.object({
        schemaVersion: v.optional(v.number()),
        name: v.optional(v.string(), ""),
        type: v.optional(v.string()),
        content: v.optional(v.string(), ""),
      }),
    ),
    [],
  ),
});

/** The simple signatures that a registry keeps itself, by an interface of OpenShift's. Signing reference 2.5. */
export async function readKeptSignatures(
  { client, name }: SignaturePlace,
  digest: Digest,
  options: OperationOptions = {},
): Promise<readonly Signature[]> {
  const target = `/extensions/v2/${name.repository}/signatures/${digest}`;
  return await inContext(`downloading signatures for ${digest} in ${name.repository}`, async () => {
    const response = await client.connection.send(
      { method: "GET", target, repository: name.repository },
      options,
    );
    if (response.status !== 200) throw await errorFromResponse(response);
    const body = await readDocument(response, DOCUMENT_LIMIT, "signatures");
    const { signatures } = parseJson(ListSchema, body, "list of signatures");
    return (signatures ?? [])
      .filter(({ schemaVersion, type }) => schemaVersion === VERSION && type === TYPE)
      .map(({ content }) => ({ kind: "simple-signing", bytes: decodeBase64(content, "SIGNATURE_INVALID") }));
  });
}

/** Adds those that are not there yet. @throws {ImageError} REGISTRY_FAILURE */
export async function keepSignatures(
  place: SignaturePlace,
  digest: Digest,
  signatures: readonly Signature[],
  options: OperationOptions = {},
): Promise<void> {
  const known = await readKeptSignatures(place, digest, options);
  for (const signature of signatures) {
    if (signature.kind !== "simple-signing") continue;
    const isKnown = known.some(
      (other) => other.kind === "simple-signing" && Buffer.compare(other.bytes, signature.bytes) === 0,
    );
    if (!isKnown) await keepOne(place, digest, signature.bytes, options);
  }
}

async function keepOne(
  { client, name: { repository } }: SignaturePlace,
  digest: Digest,
  content: Uint8Array,
  options: OperationOptions,
): Promise<void> {
  const document = {
    schemaVersion: VERSION,
    name: `${digest}@${Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("hex")}`,
    type: TYPE,
    content: Buffer.from(content).toString("base64"),
  };
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  await inContext(`uploading signature to ${digest} in ${repository}`, async () => {
    const response = await client.connection.send(
      {
        method: "PUT",
        target: `/extensions/v2/${repository}/signatures/${digest}`,
        repository,
        action: "push",
        body: { size: bytes.length, replayable: true, open: () => streamOf(bytes) },
      },
      options,
    );
    if (response.status !== 201) throw await errorFromResponse(response);
    await response.discard();
  });
}
