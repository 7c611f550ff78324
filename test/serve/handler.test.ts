import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRegistryHandler, type ServedExchange } from "../../src/serve/handler.ts";
import { MemoryStore } from "../../src/serve/memory-store.ts";
import { buildImage, sha256, writeLayout } from "../support/images.ts";
import { deploy, newDirectory } from "./deployments.ts";
import { errorsOf, expectStatus, pushBlob, pushImage } from "./push.ts";

describe("a read-only registry", () => {
  test("gives what it has, and refuses every change with 405", async () => {
    const directory = writeLayout({ "app:v1": buildImage() }, newDirectory());
    await using registry = await deploy("layout", { readOnly: true }, directory);
    const { digest } = buildImage().top;
    await expectStatus(200, await fetch(`${registry.url}/v2/app/manifests/v1`));
    for (const [method, path] of [
      ["PUT", "/v2/app/manifests/v2"],
      ["DELETE", "/v2/app/manifests/v1"],
      ["DELETE", `/v2/app/blobs/${digest}`],
      ["POST", "/v2/app/blobs/uploads/"],
      ["POST", `/v2/app/blobs/uploads/?mount=${digest}&from=app`],
      ["PATCH", "/v2/app/blobs/uploads/1"],
      ["PUT", `/v2/app/blobs/uploads/1?digest=${digest}`],
    ] as const) {
      const response = await fetch(`${registry.url}${path}`, { method });
      expect([method, path, response.status]).toEqual([method, path, 405]);
      const [error] = await errorsOf(response);
      expect(error).toEqual({ code: "UNSUPPORTED", message: "the registry is read-only" });
    }
    await expectStatus(200, await fetch(`${registry.url}/v2/app/manifests/v1`));
  });
});

describe("an interceptor", () => {
  test("answers in the registry's place, or lets a request through", async () => {
    let failures = 2;
    await using registry = await deploy("memory", {
      intercept: async (request) =>
        request.method === "HEAD" && failures-- > 0 ? new Response(null, { status: 503 }) : undefined,
    });
    await pushImage(registry.url, "app", "v1", buildImage());
    const statuses: number[] = [];
    for (let i = 0; i < 3; i++) {
      statuses.push((await fetch(`${registry.url}/v2/app/manifests/v1`, { method: "HEAD" })).status);
    }
    expect(statuses).toEqual([503, 503, 200]);
  });
});

describe("the handler", () => {
  test("needs no server", async () => {
    const handle = createRegistryHandler({ store: new MemoryStore() });
    const response = await handle(new Request("http://registry.test/v2/"));
    expect([response.status, await response.text()]).toEqual([200, "{}"]);
  });

  test("tells of every exchange", async () => {
    const exchanges: ServedExchange[] = [];
    await using registry = await deploy("memory", { onExchange: (exchange) => exchanges.push(exchange) });
    await fetch(`${registry.url}/v2/x/tags/list?n=1`);
    expect(exchanges).toEqual([
      { method: "GET", path: "/v2/x/tags/list", status: 404, milliseconds: expect.any(Number) },
    ]);
  });

  test("answers a failure of its own with 500, without telling where things are", async () => {
    const directory = newDirectory();
    const failures: unknown[] = [];
    await using registry = await deploy("layout", { onFailure: (error) => failures.push(error) }, directory);
    writeFileSync(join(directory, "index.json"), "not JSON");
    const response = await fetch(`${registry.url}/v2/_catalog`);
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({ errors: [{ code: "UNKNOWN", message: "unknown error" }] });
    expect(text).not.toContain(directory);
    expect(String(failures)).toContain("index.json is not valid JSON");
  });

  test("survives the loss of its directory", async () => {
    const directory = newDirectory();
    await using registry = await deploy("layout", { onFailure: () => undefined }, directory);
    rmSync(directory, { recursive: true });
    await expectStatus(404, await fetch(`${registry.url}/v2/x/tags/list`));
    const bytes = Buffer.from("after the loss");
    await expectStatus(201, await pushBlob(registry.url, "x", sha256(bytes), bytes));
  });
});
