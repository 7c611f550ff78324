import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseRateLimit } from "../../src/registry/rate-limit.ts";
import { startFaultyRegistry } from "../support/faulty-registry.ts";
import { buildImage, temporary, treeOf, writeDirectory } from "../support/images.ts";
import { runOurs } from "../support/run.ts";

describe("the budget that a server tells of", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  const cases: readonly (readonly [
    title: string,
    headers: Record<string, string>,
    budget: object | undefined,
  ])[] = [
    ["nothing", {}, undefined],
    [
      "Docker Hub's",
      { "RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "76;w=21600" },
      { remaining: 76, limit: 100, window: 21600 },
    ],
    [
      "an older draft's",
      { "RateLimit-Limit": "10, 10;w=1, 50;w=60", "RateLimit-Remaining": "9", "RateLimit-Reset": "1" },
      { remaining: 9, limit: 10, reset: 1 },
    ],
    [
      "the newest draft's",
      { "RateLimit-Policy": '"burst";q=100;w=60', RateLimit: '"burst";r=50;t=30' },
      { remaining: 50, limit: 100, window: 60, reset: 30 },
    ],
    [
      "GitHub's",
      { "X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "56", "X-RateLimit-Reset": `${now / 1000 + 90}` },
      { remaining: 56, limit: 60, reset: 90 },
    ],
    ["nonsense", { "RateLimit-Remaining": "many", RateLimit: ";;=", "RateLimit-Limit": "-1" }, undefined],
  ];
  for (const [title, headers, budget] of cases) {
    test(`in ${title}`, () => {
      const found = parseRateLimit(new Headers(headers), now);
      expect(found && JSON.parse(JSON.stringify(found))).toEqual(budget);
    });
  }
});

const image = buildImage({ seed: "limits", layers: Array.from({ length: 24 }, () => 2000) });
const manifest = image.blobs.get(image.top.digest) ?? Buffer.alloc(0);

test("a registry that takes few requests at a time is asked fewer, until it gives all", async () => {
  let running = 0;
  let refused = 0;
  const content = { manifest, mediaType: image.top.mediaType, blobs: image.blobs };
  await using registry = await startFaultyRegistry(content, async (request, response) => {
    if (!request.url?.includes("/blobs/")) return false;
    if (running >= 3) {
      refused++;
      response.writeHead(429, { "Retry-After": "1" }).end();
      return true;
    }
    running++;
    response.on("close", () => running--);
    await Bun.sleep(20);
    return false;
  });
  const directory = join(temporary("limits"), "image");
  const words = ["copy", "--insecure-policy", "--src-tls-verify=false", "--progress=json"];
  const outcome = await runOurs([...words, `docker://${registry.host}/app:1`, `dir:${directory}`]);
  expect(outcome.exitCode).toBe(0);
  expect(treeOf(directory)).toEqual(treeOf(writeDirectory(image)));
  const events = outcome.stderr
    .split("\n")
    .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  const throttled = events.filter(({ kind }) => kind === "throttled");
  expect(throttled[0]).toMatchObject({ host: registry.host });
  expect(Math.min(...throttled.map(({ concurrency }) => concurrency))).toBeLessThan(16);
  // One wave is refused; those after it are as small as they must be.
  expect(refused).toBeLessThan(60);
});

test("the budget is told among the events, and by --debug", async () => {
  const content = { manifest, mediaType: image.top.mediaType, blobs: image.blobs };
  await using registry = await startFaultyRegistry(content, (_, response, count) => {
    response.setHeader("RateLimit-Limit", "100;w=21600");
    response.setHeader("RateLimit-Remaining", `${77 - count};w=21600`);
    return false;
  });
  const words = ["copy", "--insecure-policy", "--src-tls-verify=false", "--progress=json", "--debug"];
  const directory = join(temporary("limits"), "image");
  const { stderr } = await runOurs([...words, `docker://${registry.host}/app:1`, `dir:${directory}`]);
  const event = `{"kind":"rate-limit","host":"${registry.host}","remaining":76,"limit":100,"window":21600}`;
  expect(stderr.split("\n")).toContain(event);
  expect(stderr).toContain(`${registry.host} allows 76 of 100 requests more per 6h`);
});
