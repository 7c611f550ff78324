/** A mirror file as it is to be written, its keys those of the format. */
export interface WrittenMirrorFile {
  readonly defaults?: WrittenSettings;
  readonly registries: ReadonlyMap<string, WrittenAccess>;
  readonly mirrors: readonly WrittenMirror[];
}

export interface WrittenAccess {
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly "tls-verify"?: boolean;
}

export interface WrittenSettings {
  readonly platforms?: readonly string[];
  readonly referrers?: boolean;
  readonly "cosign-tags"?: boolean;
}

export interface WrittenMirror extends WrittenSettings {
  readonly from: string;
  readonly to: string | readonly string[];
  readonly tags?: readonly string[] | WrittenTags;
}

export interface WrittenTags {
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly semver?: string;
  readonly prerelease?: "include";
}

/** Takes note of something that cannot be carried over. */
export type Note = (place: string, message: string) => void;

/** What a mirror file would take for variables is written so that it does not. */
export function escapeVariables(text: string): string {
  return text.replaceAll("${", () => "$${");
}
