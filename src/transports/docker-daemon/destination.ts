import type { OperationOptions } from "../../core/byte-stream.ts";
import type { DockerName } from "../../core/docker-name.ts";
import { ImageError } from "../../core/errors.ts";
import { Handover } from "../../core/handover.ts";
import type { ImageDestination, ImageReference } from "../../core/image.ts";
import type { SpoolOptions } from "../../tar/open-archive.ts";
import { spoolTo } from "../../tar/spool.ts";
import { createPipeTarWriter } from "../../tar/writer.ts";
import { createDockerTarDestination } from "../docker-tar/destination.ts";
import type { EngineClient } from "./engine-client.ts";

/**
 * An image to be loaded by a daemon, which receives it as an archive while it is being copied. Nothing is loaded before
 * `commit`: what makes the archive an image comes at its end.
 */
export function openDaemonDestination(
  reference: ImageReference,
  name: DockerName,
  engine: EngineClient,
  spool: SpoolOptions,
  options: OperationOptions = {},
): ImageDestination {
  const archive = new Handover();
  const loading = engine.loadImage(archive.chunks(), options);
  // Whoever writes, or commits, meets the failure.
  const failing = loading.then(() => new Promise<never>(() => undefined));
  failing.catch(() => undefined);
  const write = async (bytes: Uint8Array): Promise<void> =>
    await Promise.race([archive.give(bytes), failing]);
  return createDockerTarDestination({
    reference,
    names: [name],
    layerCompression: "preserve",
    tar: createPipeTarWriter({ write }, spoolTo(spool.temporaryDirectory)),
    async commit() {
      archive.end();
      await loading;
    },
    async dispose() {
      archive.end(new ImageError("STORAGE_FAILURE", "the image was not completed"));
      await loading.catch(() => undefined);
    },
  });
}
