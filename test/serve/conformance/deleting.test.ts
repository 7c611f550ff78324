import { expect, test } from "bun:test";
import { buildImage, buildMultiArch, sha256 } from "../../support/images.ts";
import {
  blobOf,
  contentOf,
  errorCode,
  expectStatus,
  instancesOf,
  pushBlob,
  pushImage,
  putManifest,
  tagsOf,
} from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

describeRegistries("Deleting", (registry) => {
  const tags = async (repository: string): Promise<readonly string[] | undefined> =>
    await tagsOf(await registry.request("GET", `/v2/${repository}/tags/list`));

  test("a tag goes by itself, its manifest and other tags stay", async () => {
    const image = buildImage({ seed: "delete/tag" });
    await pushImage(registry.url, "delete/tag", "one", image);
    await pushImage(registry.url, "delete/tag", "two", image);
    expect((await registry.request("DELETE", "/v2/delete/tag/manifests/one")).status).toBe(202);
    expect(await tags("delete/tag")).toEqual(["two"]);
    expect((await registry.request("DELETE", "/v2/delete/tag/manifests/two")).status).toBe(202);
    expect(await tags("delete/tag")).toEqual([]);
    expect((await registry.request("GET", `/v2/delete/tag/manifests/${image.top.digest}`)).status).toBe(200);
    expect((await registry.request("DELETE", "/v2/delete/tag/manifests/two")).status).toBe(404);
  });

  test("a manifest goes with all its tags, and with the blobs that nothing else needs", async () => {
    const [image, other] = [buildImage({ seed: "delete/digest" }), buildImage({ seed: "delete/other" })];
    await pushImage(registry.url, "delete/digest", "one", image);
    await pushImage(registry.url, "delete/digest", "two", image);
    await pushImage(registry.url, "delete/digest", "other", other);
    expect((await registry.request("DELETE", `/v2/delete/digest/manifests/${image.top.digest}`)).status).toBe(
      202,
    );
    expect(await tags("delete/digest")).toEqual(["other"]);
    for (const { digest } of contentOf(image)) {
      expect((await registry.request("HEAD", `/v2/delete/digest/blobs/${digest}`)).status).toBe(404);
    }
    for (const { digest } of contentOf(other)) {
      expect((await registry.request("HEAD", `/v2/delete/digest/blobs/${digest}`)).status).toBe(200);
    }
    expect((await registry.request("DELETE", `/v2/delete/digest/manifests/${image.top.digest}`)).status).toBe(
      404,
    );
  });

  test("blobs stay that another repository needs", async () => {
    const image = buildImage({ seed: "delete/shared" });
    await pushImage(registry.url, "delete/here", "v1", image);
    await pushImage(registry.url, "delete/there", "v1", image);
    expect((await registry.request("DELETE", `/v2/delete/here/manifests/${image.top.digest}`)).status).toBe(
      202,
    );
    expect((await registry.request("GET", "/v2/delete/here/tags/list")).status).toBe(404);
    for (const { digest } of contentOf(image)) {
      expect((await registry.request("HEAD", `/v2/delete/there/blobs/${digest}`)).status).toBe(200);
    }
    expect((await registry.request("GET", "/v2/delete/there/manifests/v1")).status).toBe(200);
  });

  test("an index takes its instances with it, and they do not go before", async () => {
    const index = buildMultiArch("delete/index");
    const [instance] = instancesOf(index);
    await pushImage(registry.url, "delete/index", "v1", index);
    const early = await registry.request("DELETE", `/v2/delete/index/manifests/${instance?.digest}`);
    expect([early.status, await errorCode(early)]).toEqual([405, "UNSUPPORTED"]);
    expect((await registry.request("GET", `/v2/delete/index/manifests/${instance?.digest}`)).status).toBe(
      200,
    );
    expect((await registry.request("DELETE", `/v2/delete/index/manifests/${index.top.digest}`)).status).toBe(
      202,
    );
    expect((await registry.request("GET", `/v2/delete/index/manifests/${instance?.digest}`)).status).toBe(
      404,
    );
  });

  test("an instance with a tag of its own outlives its index", async () => {
    const index = buildMultiArch("delete/tagged");
    const [instance] = instancesOf(index);
    await pushImage(registry.url, "delete/tagged", "all", index);
    const bytes = blobOf(index, instance?.digest ?? "");
    await expectStatus(201, await putManifest(registry.url, "delete/tagged", "one", bytes));
    expect((await registry.request("DELETE", `/v2/delete/tagged/manifests/${index.top.digest}`)).status).toBe(
      202,
    );
    expect(await tags("delete/tagged")).toEqual(["one"]);
    const { config } = JSON.parse(bytes.toString());
    expect((await registry.request("GET", `/v2/delete/tagged/blobs/${config.digest}`)).status).toBe(200);
  });

  test("a blob goes only when no manifest needs it", async () => {
    const image = buildImage({ seed: "delete/blob" });
    const [{ digest = "" } = {}] = contentOf(image);
    await pushImage(registry.url, "delete/blob", "v1", image);
    const refused = await registry.request("DELETE", `/v2/delete/blob/blobs/${digest}`);
    expect([refused.status, await errorCode(refused)]).toEqual([405, "UNSUPPORTED"]);
    const loose = Buffer.from("loose");
    await pushBlob(registry.url, "delete/blob", sha256(loose), loose);
    expect((await registry.request("DELETE", `/v2/delete/blob/blobs/${sha256(loose)}`)).status).toBe(202);
    expect((await registry.request("GET", `/v2/delete/blob/blobs/${sha256(loose)}`)).status).toBe(404);
  });
});
