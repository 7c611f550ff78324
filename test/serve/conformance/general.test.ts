import { expect, test } from "bun:test";
import { errorsOf } from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

const UNKNOWN = `sha256:${"0".repeat(64)}`;

describeRegistries("The API in general", (registry) => {
  test("says that it speaks the API", async () => {
    const response = await registry.request("GET", "/v2/");
    expect(response.status).toBe(200);
    expect(response.headers.get("Docker-Distribution-Api-Version")).toBe("registry/2.0");
    expect(response.headers.get("Content-Security-Policy")).toContain("sandbox");
    expect(await response.json()).toEqual({});
  });

  const refusals: readonly [string, string, number, string][] = [
    ["GET", "/", 404, "UNSUPPORTED"],
    ["GET", "/v2/x/nothing", 404, "UNSUPPORTED"],
    ["GET", "/v2/x/%zz", 404, "UNSUPPORTED"],
    ["GET", "/v2/Upper/tags/list", 400, "NAME_INVALID"],
    ["GET", "/v2/a..b/tags/list", 400, "NAME_INVALID"],
    ["GET", `/v2/${"x".repeat(256)}/tags/list`, 400, "NAME_INVALID"],
    ["GET", "/v2/unknown/tags/list", 404, "NAME_UNKNOWN"],
    ["GET", "/v2/unknown/manifests/latest", 404, "MANIFEST_UNKNOWN"],
    ["GET", `/v2/unknown/manifests/${UNKNOWN}`, 404, "MANIFEST_UNKNOWN"],
    ["GET", "/v2/unknown/manifests/.INVALID_MANIFEST_NAME", 404, "MANIFEST_UNKNOWN"],
    ["GET", "/v2/unknown/manifests/sha256:123", 400, "DIGEST_INVALID"],
    ["GET", `/v2/unknown/blobs/${UNKNOWN}`, 404, "BLOB_UNKNOWN"],
    ["GET", "/v2/unknown/blobs/sha256:xyz", 400, "DIGEST_INVALID"],
    ["GET", "/v2/unknown/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", 400, "DIGEST_INVALID"],
    ["GET", "/v2/unknown/referrers/nonsense", 400, "DIGEST_INVALID"],
    ["GET", "/v2/unknown/blobs/uploads/6f5902ac", 404, "BLOB_UPLOAD_UNKNOWN"],
    ["PATCH", "/v2/unknown/blobs/uploads/6f5902ac", 404, "BLOB_UPLOAD_UNKNOWN"],
    ["DELETE", "/v2/unknown/manifests/latest", 404, "MANIFEST_UNKNOWN"],
    ["DELETE", `/v2/unknown/manifests/${UNKNOWN}`, 404, "MANIFEST_UNKNOWN"],
    ["DELETE", `/v2/unknown/blobs/${UNKNOWN}`, 404, "BLOB_UNKNOWN"],
    ["POST", `/v2/x/blobs/uploads/?mount=nonsense`, 400, "DIGEST_INVALID"],
    ["POST", `/v2/x/blobs/uploads/?digest=nonsense`, 400, "DIGEST_INVALID"],
    ["PUT", "/v2/", 405, "UNSUPPORTED"],
    ["POST", "/v2/x/manifests/latest", 405, "UNSUPPORTED"],
    ["GET", "/v2/x/blobs/uploads/", 405, "UNSUPPORTED"],
  ];
  for (const [method, path, status, code] of refusals) {
    test(`refuses ${method} ${path.slice(0, 60)} with ${status} and ${code}`, async () => {
      const response = await registry.request(method, path);
      expect(response.status).toBe(status);
      expect(response.headers.get("Content-Type")).toBe("application/json");
      const [error, ...more] = await errorsOf(response);
      expect(error).toMatchObject({ code, message: expect.stringMatching(/./) });
      expect(more).toEqual([]);
    });
  }

  test("names the methods that there are with those that are not", async () => {
    expect((await registry.request("POST", "/v2/x/manifests/1")).headers.get("Allow")).toBe(
      "HEAD, GET, PUT, DELETE",
    );
    expect((await registry.request("GET", "/v2/x/blobs/uploads/")).headers.get("Allow")).toBe("POST");
  });

  test("answers a HEAD that fails without a body", async () => {
    const response = await registry.request("HEAD", "/v2/unknown/manifests/latest");
    expect(response.status).toBe(404);
    expect(await response.text()).toBe("");
  });
});
