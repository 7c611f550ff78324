import * as v from "valibot";
import type { InstanceSelection } from "../copy/copy-request.ts";
import type { EntryAccess } from "./files/mirror-entry.ts";
import type { SyncTask } from "./sync-task.ts";

/** How an image is copied, as plans and reports keep it, so that they can be carried out alone. Never with credentials. */
export interface TaskSettings {
  /** Which images of an index. */
  readonly instances: InstanceSelection;
  /** Whether what refers to the image is copied too. */
  readonly referrers: boolean;
  /** Whether cosign's tags are copied too. */
  readonly cosignTags: boolean;
  /** Of the source's registry. */
  readonly source?: TlsSettings | undefined;
  /** Of the destination's registry. */
  readonly destination?: TlsSettings | undefined;
}

/** How a registry is to be trusted. */
export interface TlsSettings {
  /** Whether HTTPS with a valid certificate is demanded. */
  readonly tlsVerify?: boolean | undefined;
  /** The directory with its authorities, and with certificates for it. */
  readonly certDir?: string | undefined;
}

const PlatformSchema = v.object({ os: v.string(), architecture: v.string(), variant: v.string() });
const RegistrySchema = v.object({ tlsVerify: v.optional(v.boolean()), certDir: v.optional(v.string()) });

export const TaskSettingsSchema: v.GenericSchema<unknown, TaskSettings> = v.object({
  instances: v.variant("kind", [
    v.object({ kind: v.literal("system"), platform: PlatformSchema }),
    v.object({ kind: v.literal("all") }),
    v.object({ kind: v.literal("index-only") }),
    v.object({
      kind: v.literal("platforms"),
      platforms: v.array(v.object({ ...PlatformSchema.entries, variant: v.optional(v.string()) })),
    }),
  ]),
  referrers: v.boolean(),
  cosignTags: v.boolean(),
  source: v.optional(RegistrySchema),
  destination: v.optional(RegistrySchema),
});

export function settingsOf({ instances, withReferrers, withCosignTags, access }: SyncTask): TaskSettings {
  return {
    instances,
    referrers: withReferrers,
    cosignTags: withCosignTags,
    ...registrySettings("source", access.source),
    ...registrySettings("destination", access.destination),
  };
}

function registrySettings(
  side: "source" | "destination",
  { tlsVerify, certDir }: EntryAccess,
): Pick<TaskSettings, "source" | "destination"> {
  return tlsVerify === undefined && certDir === undefined ? {} : { [side]: { tlsVerify, certDir } };
}
