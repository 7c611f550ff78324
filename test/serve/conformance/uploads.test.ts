import { expect, test } from "bun:test";
import { sha256 } from "../../support/images.ts";
import { errorCode, expectStatus, pushBlob } from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

const UNKNOWN = `sha256:${"0".repeat(64)}`;

describeRegistries("Uploads", (registry) => {
  const bytes = Buffer.from("the content of an uploaded blob");
  const digest = sha256(bytes);
  const begin = async (repository: string): Promise<string> => {
    const response = await expectStatus(
      202,
      await registry.request("POST", `/v2/${repository}/blobs/uploads/`),
    );
    return response.headers.get("Location") ?? "";
  };
  const patch = (location: string, chunk: Buffer, range?: string): Promise<Response> =>
    registry.request("PATCH", location, {
      body: chunk,
      headers: {
        "Content-Type": "application/octet-stream",
        ...(range ? { "Content-Range": range } : {}),
      },
    });
  const read = async (repository: string): Promise<string> =>
    await (await registry.request("GET", `/v2/${repository}/blobs/${digest}`)).text();

  test("takes a blob in one PUT", async () => {
    const location = await begin("uploads/put");
    const response = await registry.request("PUT", `${location}?digest=${digest}`, { body: bytes });
    expect(response.status).toBe(201);
    expect(response.headers.get("Location")).toBe(`/v2/uploads/put/blobs/${digest}`);
    expect(response.headers.get("Docker-Content-Digest")).toBe(digest);
    expect(await read("uploads/put")).toBe(bytes.toString());
    expect((await registry.request("GET", location)).status).toBe(404);
  });

  test("takes a blob in one PATCH of unknown length, closed by an empty PUT", async () => {
    const location = await begin("uploads/stream");
    async function* stream(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
      yield Buffer.from(bytes.subarray(0, 10));
      yield Buffer.from(bytes.subarray(10));
    }
    const patched = await registry.request("PATCH", location, { body: stream() });
    expect([patched.status, patched.headers.get("Range")]).toEqual([202, `0-${bytes.length - 1}`]);
    const next = patched.headers.get("Location");
    expect((await registry.request("PUT", `${next}?digest=${encodeURIComponent(digest)}`)).status).toBe(201);
    expect(await read("uploads/stream")).toBe(bytes.toString());
  });

  test("takes a blob in pieces, the last of them with the PUT, and tells how far it has come", async () => {
    const location = await begin("uploads/chunks");
    expect((await patch(location, bytes.subarray(0, 10), "0-9")).status).toBe(202);
    const status = await registry.request("GET", location);
    expect([status.status, status.headers.get("Range")]).toEqual([204, "0-9"]);
    expect((await patch(location, bytes.subarray(10, 20), "10-19")).headers.get("Range")).toBe("0-19");
    const end = { "Content-Range": `20-${bytes.length - 1}` };
    const response = await registry.request("PUT", `${location}?digest=${digest}`, {
      body: bytes.subarray(20),
      headers: end,
    });
    expect(response.status).toBe(201);
    expect(await read("uploads/chunks")).toBe(bytes.toString());
  });

  for (const [what, range] of [
    ["after a gap", "15-24"],
    ["twice", "0-9"],
    ["at an unreadable place", "here"],
  ] as const) {
    test(`refuses a piece ${what}, and goes on from where it was`, async () => {
      const location = await begin("uploads/order");
      await patch(location, bytes.subarray(0, 10), "0-9");
      const refused = await patch(location, bytes.subarray(0, 10), range);
      expect([refused.status, refused.headers.get("Range"), refused.headers.get("Location")]).toEqual([
        416,
        "0-9",
        location,
      ]);
      expect((await patch(location, bytes.subarray(10), `10-${bytes.length - 1}`)).status).toBe(202);
      expect((await registry.request("PUT", `${location}?digest=${digest}`)).status).toBe(201);
    });
  }

  test("refuses a piece whose length is not that of its range", async () => {
    const response = await patch(await begin("uploads/size"), bytes, "0-9");
    expect([response.status, await errorCode(response)]).toEqual([400, "SIZE_INVALID"]);
  });

  test("refuses a blob with another digest, and forgets it", async () => {
    const wrong = sha256(Buffer.from("something else"));
    const location = await begin("uploads/wrong");
    const response = await registry.request("PUT", `${location}?digest=${wrong}`, { body: bytes });
    expect([response.status, await errorCode(response)]).toEqual([400, "DIGEST_INVALID"]);
    expect((await registry.request("GET", location)).status).toBe(404);
    expect((await registry.request("GET", `/v2/uploads/wrong/blobs/${wrong}`)).status).toBe(404);
    const whole = await pushBlob(registry.url, "uploads/wrong", wrong, bytes);
    expect([whole.status, await errorCode(whole)]).toEqual([400, "DIGEST_INVALID"]);
  });

  test("refuses to end an upload without a digest", async () => {
    const response = await registry.request("PUT", await begin("uploads/none"), { body: bytes });
    expect([response.status, await errorCode(response)]).toEqual([400, "DIGEST_INVALID"]);
  });

  test("forgets an upload that is cancelled", async () => {
    const location = await begin("uploads/cancel");
    await patch(location, bytes);
    expect((await registry.request("DELETE", location)).status).toBe(204);
    expect((await registry.request("GET", location)).status).toBe(404);
    expect((await registry.request("DELETE", location)).status).toBe(404);
  });

  test("does not take an upload for another repository's", async () => {
    const location = await begin("uploads/mine");
    expect((await registry.request("GET", location.replace("/mine/", "/yours/"))).status).toBe(404);
  });

  test("mounts what another repository has, with or without its name, and starts an upload otherwise", async () => {
    await expectStatus(201, await pushBlob(registry.url, "uploads/source", digest, bytes));
    for (const query of [`mount=${digest}&from=uploads/source`, `mount=${digest}`]) {
      const response = await registry.request("POST", `/v2/uploads/target/blobs/uploads/?${query}`);
      expect(response.status).toBe(201);
      expect(response.headers.get("Location")).toBe(`/v2/uploads/target/blobs/${digest}`);
      expect(response.headers.get("Docker-Content-Digest")).toBe(digest);
    }
    const response = await registry.request(
      "POST",
      `/v2/uploads/target/blobs/uploads/?mount=${UNKNOWN}&from=uploads/source`,
    );
    expect([response.status, response.headers.get("Range")]).toEqual([202, "0-0"]);
  });
});
