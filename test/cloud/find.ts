import { type CloudCredentials, findCloudCredentials } from "../../src/cloud/cloud-credentials.ts";
import { ImageError } from "../../src/core/errors.ts";
import { createHttpClient } from "../../src/runtime/http.ts";

/** What `find.ts`, a process with an environment of its own, writes: how a search for credentials ended. */
export interface Finding {
  readonly found?: CloudCredentials | undefined;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** All that can be seen of the error and its causes. */
  readonly details?: string | undefined;
  readonly warnings: readonly string[];
  readonly debug: readonly string[];
  /** Milliseconds. */
  readonly duration: number;
}

async function main(registry: string): Promise<Finding> {
  const { FIND_PROXY: proxy, FIND_WARN: warn, FIND_TIMEOUT: timeout } = process.env;
  const warnings: string[] = [];
  const debug: string[] = [];
  const proxyFor = (): string | undefined => proxy;
  const client = await createHttpClient({ proxyFor });
  const start = performance.now();
  const done = (): Pick<Finding, "warnings" | "debug" | "duration"> => ({
    warnings,
    debug,
    duration: performance.now() - start,
  });
  try {
    const found = await findCloudCredentials(registry, {
      env: process.env,
      userAgent: "skopeo/test",
      client,
      proxyFor,
      debug: (message) => debug.push(message),
      ...(warn ? { warn: (message) => warnings.push(message) } : {}),
      ...(timeout ? { timeout: Number(timeout) } : {}),
    });
    return { found, ...done() };
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    const { inspect } = await import("node:util");
    const details = inspect(error, { depth: 20, showHidden: true });
    return { code: error.code, message: error.message, details, ...done() };
  }
}

if (process.argv[2] !== undefined) {
  process.stdout.write(JSON.stringify(await main(process.argv[2])), () => process.exit(0));
}
