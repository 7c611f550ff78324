import { beforeAll, expect, test } from "bun:test";
import { buildImage } from "../../support/images.ts";
import { errorCode, pushImage, tagsOf } from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

describeRegistries("Listings", (registry) => {
  const image = buildImage({ seed: "listings" });
  const tags = ["10", "9", "Beta", "alpha", "v1", "v1.1", "V1"];
  const sorted = ["10", "9", "alpha", "Beta", "V1", "v1", "v1.1"];
  beforeAll(async () => {
    for (const tag of tags) await pushImage(registry.url, "listings/tags", tag, image);
  });

  test("lists tags in alphabetic order", async () => {
    const response = await registry.request("GET", "/v2/listings/tags/tags/list");
    expect(await response.json()).toEqual({ name: "listings/tags", tags: sorted });
    expect(response.headers.get("Link")).toBeNull();
  });

  for (const n of [1, 2, 3, 7, 100]) {
    test(`lists all tags once, ${n} a page`, async () => {
      const seen: string[] = [];
      let path: string | undefined = `/v2/listings/tags/tags/list?n=${n}`;
      for (let pages = 0; path !== undefined && pages < 10; pages++) {
        const response: Response = await registry.request("GET", path);
        const page = (await tagsOf(response)) ?? [];
        expect(page.length).toBeLessThanOrEqual(n);
        seen.push(...page);
        path = /^<([^>]+)>; rel="next"$/.exec(response.headers.get("Link") ?? "")?.[1];
      }
      expect(seen).toEqual(sorted);
    });
  }

  test("goes on after a tag that does not exist", async () => {
    const response = await registry.request("GET", "/v2/listings/tags/tags/list?last=betb&n=1");
    expect(await tagsOf(response)).toEqual(["V1"]);
  });

  test("gives no tags and no link when none are asked for", async () => {
    const response = await registry.request("GET", "/v2/listings/tags/tags/list?n=0");
    expect(await tagsOf(response)).toEqual([]);
    expect(response.headers.get("Link")).toBeNull();
  });

  for (const n of ["-1", "many", "1.5", ""]) {
    test(`refuses pages of ${JSON.stringify(n)} tags`, async () => {
      const response = await registry.request("GET", `/v2/listings/tags/tags/list?n=${n}`);
      expect([response.status, await errorCode(response)]).toEqual([400, "PAGINATION_NUMBER_INVALID"]);
    });
  }

  test("lists repositories, page by page", async () => {
    await pushImage(registry.url, "listings/a", "v1", image);
    await pushImage(registry.url, "listings/b", "v1", image);
    const first = await registry.request("GET", "/v2/_catalog?n=1&last=listings");
    expect(await first.json()).toEqual({ repositories: ["listings/a"] });
    expect(first.headers.get("Link")).toBe('</v2/_catalog?last=listings%2Fa&n=1>; rel="next"');
    const response = await registry.request("GET", "/v2/_catalog");
    const { repositories }: { repositories: readonly string[] } = JSON.parse(await response.text());
    expect(repositories).toContain("listings/b");
    expect(repositories.toSorted()).toEqual([...repositories]);
  });
});
