import { beforeAll, expect, test } from "bun:test";
import { sha256 } from "../../support/images.ts";
import { errorCode, expectStatus, pushBlob } from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

describeRegistries("Blobs", (registry) => {
  const bytes = Buffer.from("0123456789");
  const digest = sha256(bytes);
  const path = `/v2/blobs/blobs/${digest}`;
  beforeAll(async () => void (await expectStatus(201, await pushBlob(registry.url, "blobs", digest, bytes))));

  test("gives a blob whole, with its length and digest", async () => {
    const response = await registry.request("GET", path);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Length")).toBe("10");
    expect(response.headers.get("Docker-Content-Digest")).toBe(digest);
    expect(response.headers.get("Accept-Ranges")).toBe("bytes");
    expect(await response.text()).toBe("0123456789");
  });

  test("answers HEAD with the headers alone, whatever range is asked for", async () => {
    const response = await registry.request("HEAD", path, { headers: { Range: "bytes=2-3" } });
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Length")).toBe("10");
    expect(await response.text()).toBe("");
  });

  const ranges: readonly [string, number, string | null, string][] = [
    ["bytes=0-0", 206, "bytes 0-0/10", "0"],
    ["bytes=2-5", 206, "bytes 2-5/10", "2345"],
    ["bytes=7-", 206, "bytes 7-9/10", "789"],
    ["bytes=-3", 206, "bytes 7-9/10", "789"],
    ["bytes=-30", 206, "bytes 0-9/10", "0123456789"],
    ["bytes=5-500", 206, "bytes 5-9/10", "56789"],
    ["bytes=1-2,4-5", 200, null, "0123456789"],
    ["bytes=5-2", 200, null, "0123456789"],
    ["lines=1-2", 200, null, "0123456789"],
  ];
  for (const [range, status, place, expected] of ranges) {
    test(`answers Range: ${range} with ${status}`, async () => {
      const response = await registry.request("GET", path, { headers: { Range: range } });
      expect([response.status, response.headers.get("Content-Range")]).toEqual([status, place]);
      expect(response.headers.get("Content-Length")).toBe(`${expected.length}`);
      expect(await response.text()).toBe(expected);
    });
  }

  for (const range of ["bytes=10-", "bytes=500-600", "bytes=-0"]) {
    test(`answers Range: ${range} with 416`, async () => {
      const response = await registry.request("GET", path, { headers: { Range: range } });
      expect([response.status, response.headers.get("Content-Range")]).toEqual([416, "bytes */10"]);
      expect(await errorCode(response)).toBe("RANGE_INVALID");
    });
  }

  test("has an empty blob", async () => {
    const empty = sha256(Buffer.alloc(0));
    await expectStatus(201, await pushBlob(registry.url, "blobs", empty, Buffer.alloc(0)));
    const response = await registry.request("GET", `/v2/blobs/blobs/${empty}`);
    expect([response.status, await response.text()]).toEqual([200, ""]);
  });

  test("takes and gives sha512", async () => {
    const sha512 = `sha512:${new Bun.CryptoHasher("sha512").update(bytes).digest("hex")}`;
    const location = (await registry.request("POST", "/v2/blobs/blobs/uploads/")).headers.get("Location");
    const put = await registry.request("PUT", `${location}?digest=${sha512}`, { body: bytes });
    expect(put.headers.get("Docker-Content-Digest")).toBe(sha512);
    expect(await (await registry.request("GET", `/v2/blobs/blobs/${sha512}`)).text()).toBe("0123456789");
  });

  test("streams a blob of many chunks both ways", async () => {
    const large = Buffer.alloc(5_000_001, "streams");
    await expectStatus(201, await pushBlob(registry.url, "blobs", sha256(large), large));
    const response = await registry.request("GET", `/v2/blobs/blobs/${sha256(large)}`);
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(large));
  });
});
