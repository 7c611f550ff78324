import type { Credentials } from "../core/credentials.ts";
import type { DockerName } from "../core/docker-name.ts";

/** How the user wants one image, or one side of a copy, to be accessed. */
export interface ImageAccess {
  /** The only credential file to read. */
  readonly authFile?: string | undefined;
  /** In place of all files and helpers. */
  readonly credentials?: Credentials | undefined;
  /** No credentials are looked for. */
  readonly anonymous?: boolean | undefined;
  /** Sent as a bearer token as it is. */
  readonly registryToken?: string | undefined;
  /** The only directory with certificates to use. */
  readonly certDir?: string | undefined;
  /** Whether certificates are verified; undefined follows the configuration. */
  readonly tlsVerify?: boolean | undefined;
  /** The place of an `oci:` layout's blobs. */
  readonly sharedBlobDir?: string | undefined;
  /** The address of the Docker daemon, in place of `DOCKER_HOST` and the usual socket. */
  readonly daemonHost?: string | undefined;
  /** More names for the image, where a `docker-archive:` is written. */
  readonly additionalTags?: readonly DockerName[] | undefined;
  /** The images of an `oci-archive:` stay when another is written to it. */
  readonly appendsToArchive?: boolean | undefined;
}

/** Credentials from the command line are meant for the registry that was named, and for no mirror elsewhere. */
export function withoutLogin(access: ImageAccess): ImageAccess {
  return { ...access, credentials: undefined, registryToken: undefined };
}
