import type { InstanceSelection } from "../copy/copy-request.ts";
import { type Platform, parsePlatform } from "../core/descriptor.ts";
import { ImageError } from "../core/errors.ts";
import type { WantedPlatform } from "../format/instance-choice.ts";
import { hostPlatform } from "../runtime/host-platform.ts";

/** `linux/arm64`, `linux/arm/v7`, or its parts. */
export type PlatformName = string | Platform;

/** @throws {ImageError} INVALID_REFERENCE */
export function readPlatform(name: PlatformName): Platform {
  const platform = typeof name === "string" ? parsePlatform(name) : name;
  if (platform !== undefined) return platform;
  throw new ImageError(
    "INVALID_REFERENCE",
    `${JSON.stringify(name)} is no platform: expected OS/ARCHITECTURE[/VARIANT]`,
  );
}

/** The platform that an image of an index is chosen for; without a name, this machine's. */
export async function wantedPlatform(name: PlatformName | undefined): Promise<WantedPlatform> {
  if (name === undefined) return await hostPlatform();
  const { os, architecture, variant = "" } = readPlatform(name);
  return { os, architecture, variant };
}

/**
 * Which images of an index are copied: all; the index alone, for a destination that has them; one for this machine's platform or
 * another one, without its index; or those for some platforms, with an index of just these.
 */
export type PlatformChoice =
  | "all"
  | "index-only"
  | "system"
  | { readonly single: PlatformName }
  | readonly PlatformName[];

export async function selectInstances(choice: PlatformChoice = "all"): Promise<InstanceSelection> {
  if (choice === "all") return { kind: "all" };
  if (choice === "index-only") return { kind: "index-only" };
  if (choice === "system") return { kind: "system", platform: await hostPlatform() };
  if ("single" in choice) return { kind: "system", platform: await wantedPlatform(choice.single) };
  return { kind: "platforms", platforms: choice.map(readPlatform) };
}
