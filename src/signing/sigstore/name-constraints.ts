import type { ASN1Obj } from "@sigstore/core";
import { ImageError } from "../../core/errors.ts";
import {
  type Certificate,
  EXTENSION,
  type GeneralName,
  parseDer,
  readGeneralName,
  subjectNames,
} from "./certificate.ts";

const PERMITTED = 0;
const EXCLUDED = 1;

/**
 * Whether an authority may vouch for the names of a leaf. A constraint of a kind that is not understood here refuses
 * every leaf. RFC 5280, section 4.2.1.10.
 * @throws {ImageError} SIGNATURE_INVALID
 */
export async function checkNameConstraints(authority: Certificate, leaf: Certificate): Promise<void> {
  const extension = authority.extensions.get(EXTENSION.nameConstraints);
  if (extension === undefined) return;
  const { subs } = await parseDer(extension.value);
  const permitted = subtrees(subs, PERMITTED);
  const excluded = subtrees(subs, EXCLUDED);
  if (![...permitted, ...excluded].every(({ kind }) => kind !== "other")) {
    throw invalid("the authority has name constraints of a kind that is not supported");
  }
  for (const name of await subjectNames(leaf)) {
    const ofKind = permitted.filter(({ kind }) => kind === name.kind);
    if (ofKind.length > 0 && !ofKind.some((tree) => isWithin(name, tree))) throw notAllowed(name);
    if (excluded.some((tree) => tree.kind === name.kind && isWithin(name, tree))) throw notAllowed(name);
  }
}

/** The bases of one of the two lists: minimum and maximum have no use, and are ignored. */
function subtrees(constraints: readonly ASN1Obj[], list: number): readonly GeneralName[] {
  const found = constraints.find(({ tag }) => tag.isContextSpecific(list));
  return (found?.subs ?? []).map(({ subs: [base] }) => {
    if (base === undefined) throw invalid("the authority has damaged name constraints");
    return readGeneralName(base);
  });
}

function isWithin({ kind, value }: GeneralName, tree: GeneralName): boolean {
  if (kind === "ip") return isAddressWithin(value, tree.value);
  const [name, base] = [value, tree.value].map((text) => text.toString("utf8"));
  if (name === undefined || base === undefined) return false;
  switch (kind) {
    case "dns":
      return isHostWithin(name, base);
    case "email":
      return isMailboxWithin(name, base);
    case "uri":
      return URL.canParse(name) && isHostOf(new URL(name).hostname, base);
    case "other":
      return false;
  }
}

/** A constraint for hosts covers the host itself and all below it; an empty one covers all. */
function isHostWithin(host: string, base: string): boolean {
  const [name, within] = [host.toLowerCase(), base.toLowerCase().replace(/^\./, "")];
  return within === "" || name === within || name.endsWith(`.${within}`);
}

/** A constraint with an `@` is one mailbox; else a host or, after a dot, all hosts of a domain. */
function isMailboxWithin(mailbox: string, base: string): boolean {
  if (base.includes("@")) return splitMailbox(mailbox).join("@") === splitMailbox(base).join("@");
  return isHostOf(splitMailbox(mailbox)[1], base);
}

function isHostOf(host: string, base: string): boolean {
  const [name, within] = [host.toLowerCase(), base.toLowerCase()];
  return within.startsWith(".") ? name.endsWith(within) : within === "" || name === within;
}

/** The domain in lower case, as case matters before it only. */
function splitMailbox(mailbox: string): readonly [local: string, domain: string] {
  const at = mailbox.lastIndexOf("@");
  return [mailbox.slice(0, Math.max(0, at)), mailbox.slice(at + 1).toLowerCase()];
}

/** An address, and a constraint of twice its length: a network and its mask. */
function isAddressWithin(address: Buffer, network: Buffer): boolean {
  if (network.length !== 2 * address.length) return false;
  return address.every((byte, index) => {
    const mask = network[address.length + index] ?? 0xff;
    return (byte & mask) === ((network[index] ?? 0) & mask);
  });
}

function notAllowed({ kind, value }: GeneralName): ImageError {
  const name = kind === "ip" ? value.join(".") : value.toString("utf8");
  return invalid(`an authority may not vouch for the name ${JSON.stringify(name)}`);
}

function invalid(message: string): ImageError {
  return new ImageError("SIGNATURE_INVALID", `x509: ${message}`);
}
