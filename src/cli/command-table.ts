import type { Command } from "./command.ts";

/** A command as far as it is known without loading it. */
export interface CommandEntry {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Works, but is not listed. */
  readonly hidden?: boolean;
  load(): Promise<{ readonly command: Command }>;
}

/** Every command, in the order of help. A command's module is loaded only when it runs. */
export const commandTable: readonly CommandEntry[] = [
  {
    name: "completion",
    summary: "Print a script that completes command lines",
    load: () => import("./commands/completion.ts"),
  },
  {
    name: "config",
    summary: "Show what the configuration makes of an image's name",
    load: () => import("./commands/config.ts"),
  },
  {
    name: "copy",
    summary: "Copy an image from one place to another",
    load: () => import("./commands/copy.ts"),
  },
  {
    name: "delete",
    summary: "Delete an image",
    load: () => import("./commands/delete.ts"),
  },
  {
    name: "generate-sigstore-key",
    summary: "Generate a key pair for sigstore signatures",
    load: () => import("./commands/generate-sigstore-key.ts"),
  },
  {
    name: "inspect",
    summary: "Show what an image is and has, without pulling it",
    load: () => import("./commands/inspect.ts"),
  },
  {
    name: "list-tags",
    summary: "List the tags of a repository",
    load: () => import("./commands/list-tags.ts"),
  },
  {
    name: "login",
    summary: "Log in to a registry",
    load: () => import("./commands/login.ts"),
  },
  {
    name: "logout",
    summary: "Log out of a registry",
    load: () => import("./commands/logout.ts"),
  },
  {
    name: "manifest-digest",
    summary: "Compute the digest of a manifest in a file",
    load: () => import("./commands/manifest-digest.ts"),
  },
  {
    name: "policy",
    summary: "Show whether the trust policy allows an image, and why",
    load: () => import("./commands/policy.ts"),
  },
  {
    name: "serve",
    summary: "Serve images from an OCI layout or from memory as a registry",
    load: () => import("./commands/serve.ts"),
  },
  {
    name: "standalone-sign",
    summary: "Sign a manifest in a file with a GnuPG key",
    load: () => import("./commands/standalone-sign.ts"),
  },
  {
    name: "standalone-verify",
    summary: "Verify the signature in a file",
    load: () => import("./commands/standalone-verify.ts"),
  },
  {
    name: "sync",
    summary: "Make a registry or directory have the images of another",
    load: () => import("./commands/sync.ts"),
  },
  {
    name: "untrusted-signature-dump-without-verification",
    summary: "Show what a signature says of itself",
    hidden: true,
    load: () => import("./commands/untrusted-signature-dump.ts"),
  },
];
