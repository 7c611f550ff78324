import { withContext } from "../core/errors.ts";
import type { ImageReference } from "../core/image.ts";
import type { ImageAccess } from "../environment/image-access.ts";
import { ImageEnvironment, type ImageEnvironmentOptions } from "../environment/image-environment.ts";
import type { WantedPlatform } from "../format/instance-choice.ts";
import type { ExchangeRecord } from "../registry/exchange-log.ts";
import { hostPlatform } from "../runtime/host-platform.ts";
import type { Invocation } from "./command.ts";
import type { GlobalOptions } from "./flags/global-flags.ts";
import type { Logger } from "./log.ts";
import { networkEventText } from "./render/network-event.ts";

/** The surroundings of a command, as its global flags and the machine's configuration make them. */
export function createEnvironment(
  { globals, log }: Pick<Invocation, "globals" | "log">,
  {
    onRequest,
    ...options
  }: Pick<
    ImageEnvironmentOptions,
    "inflationLimit" | "onNetworkEvent" | "requestsPerHost" | "uploadJournal"
  > & {
    /** Told the host of each request. */
    readonly onRequest?: (host: string) => void;
  } = {},
): ImageEnvironment {
  return new ImageEnvironment({
    ...options,
    onNetworkEvent: (event) => {
      log.debug(networkEventText(event));
      options.onNetworkEvent?.(event);
    },
    temporaryDirectory: globals.temporaryDirectory,
    userAgent: globals.userAgent,
    registriesConf: globals.registriesConf,
    stallTimeout: globals.stallTimeout,
    tlsDetails: globals.tlsDetails,
    signatureStorageDirectory: globals.signatureStorageDirectory,
    debug: (message) => log.debug(message),
    warning: (message) => log.warn(message),
    ...(log.isDebug || onRequest !== undefined
      ? {
          onExchange: (record: ExchangeRecord) => {
            onRequest?.(new URL(record.url).host);
            if (log.isDebug) logExchange(log, record);
          },
        }
      : {}),
  });
}

/** `GET https://host/v2/ 200 12ms 2 bytes` */
function logExchange(log: Logger, record: ExchangeRecord): void {
  const { method, url, status, milliseconds, bytes, error } = record;
  const outcome = status === undefined ? `failed (${String(error)})` : `${status}`;
  const size = bytes === undefined ? "" : ` ${bytes} bytes`;
  log.debug(`${method} ${url.split("?")[0]} ${outcome} ${milliseconds}ms${size}`);
}

/** The platform that images are chosen for: the host's, as far as no flag says otherwise. */
export async function wantedPlatform({ platform }: GlobalOptions): Promise<WantedPlatform> {
  const host = await hostPlatform();
  const os = platform.os ?? host.os;
  const architecture = platform.architecture ?? host.architecture;
  const detected = platform.architecture === undefined ? host.variant : "";
  return { os, architecture, variant: platform.variant ?? detected };
}

/** Resolves an image name of a command line; its error says which argument was wrong. */
export async function parseArgument(
  environment: ImageEnvironment,
  role: "source" | "destination",
  name: string,
  access: ImageAccess,
): Promise<ImageReference> {
  try {
    return await environment.parseImageName(name, access);
  } catch (error) {
    throw withContext(`Invalid ${role} name ${name}`, error, "INVALID_REFERENCE");
  }
}
