import type { ImageSigner } from "../core/signature.ts";
import type { Invocation } from "./command.ts";

export async function openParameterSigner(
  _invocation: Pick<Invocation, "stderr" | "signal" | "log">,
  _path: string,
): Promise<ImageSigner> {
  throw new Error("to be written");
}
