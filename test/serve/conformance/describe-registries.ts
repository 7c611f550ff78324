import { afterAll, beforeAll, describe } from "bun:test";
import { type Deployment, deployments } from "../deployments.ts";

/** The registry under test. */
export interface TestRegistry {
  readonly url: string;
  /** Sends a request to a path, or to a Location that the registry gave. */
  request(method: string, path: string | null, init?: RequestInit): Promise<Response>;
}

/**
 * Defines the same tests for every store and both servers: what the distribution specification 1.1 says, and what our
 * documentation adds. The tests of one file share a registry and use repositories of their own.
 */
export function describeRegistries(topic: string, define: (registry: TestRegistry) => void): void {
  for (const { name, start } of deployments) {
    describe(`${topic}, with a registry ${name}`, () => {
      let deployment: Deployment | undefined;
      const url = (): string => {
        if (deployment === undefined) throw new Error("the registry is not running");
        return deployment.url;
      };
      beforeAll(async () => {
        deployment = await start();
      });
      afterAll(async () => await deployment?.[Symbol.asyncDispose]());
      define({
        get url() {
          return url();
        },
        request: (method, path, init = {}) => fetch(`${url()}${path}`, { method, ...init }),
      });
    });
  }
}
