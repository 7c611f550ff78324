import type { ImageReference, Transport } from "../../core/image.ts";
import { openTarArchive, type SpoolOptions } from "../../tar/open-archive.ts";
import { openDockerTarSource } from "../docker-tar/source.ts";
import { type DaemonHostRequest, resolveDaemonHost } from "./daemon-host.ts";
import { EngineClient, type EngineClientOptions } from "./engine-client.ts";
import {
  checkDaemonDestination,
  type DaemonReference,
  daemonPolicyScopes,
  formatDaemonReference,
  parseDaemonReference,
} from "./reference.ts";

/** What decides where the daemon is, and how it is talked to. */
export interface DockerDaemonOptions extends SpoolOptions, Omit<EngineClientOptions, "endpoint"> {
  readonly host: DaemonHostRequest;
}

/** `docker-daemon:NAME:TAG` or an ID: images that a Docker daemon holds. transports.md 5. */
export function createDockerDaemonTransport(options: DockerDaemonOptions): Transport {
  const transport: Transport = {
    name: "docker-daemon",
    parseReference: (text) => createReference(transport, options, parseDaemonReference(text)),
  };
  return transport;
}

function createReference(
  transport: Transport,
  options: DockerDaemonOptions,
  location: DaemonReference,
): ImageReference {
  const connect = async (): Promise<EngineClient> =>
    new EngineClient({ ...options, endpoint: await resolveDaemonHost(options.host) });
  const reference: ImageReference = {
    transport,
    text: formatDaemonReference(location),
    dockerName: location.kind === "name" ? location.name : undefined,
    policyScopes: daemonPolicyScopes(location),
    openSource: async (operation) => {
      const engine = await connect();
      await using image = await engine.exportImage(location, operation);
      const archive = await openTarArchive(image.bytes, options, operation);
      return await openDockerTarSource(reference, archive, {}, options.inflationLimit, operation);
    },
    openDestination: async (operation) => {
      checkDaemonDestination(location);
      const { openDaemonDestination } = await import("./destination.ts");
      return openDaemonDestination(reference, location.name, await connect(), options, operation);
    },
  };
  return reference;
}
