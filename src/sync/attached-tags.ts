/** Tags that belong to another manifest, whose digest they name: cosign's, and the fall-back of the referrers API. */
const ATTACHED = /^(sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})(?:\.[a-z]+)?$/;

export function isAttachedTag(tag: string | undefined): boolean {
  return tag !== undefined && ATTACHED.test(tag);
}

/** The digest of the manifest that a tag belongs to; undefined for any other tag. */
export function attachedTo(tag: string): string | undefined {
  return ATTACHED.exec(tag)?.[1]?.replace("-", ":");
}
