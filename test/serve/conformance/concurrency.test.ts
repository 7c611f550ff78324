import { expect, test } from "bun:test";
import { buildImage, sha256 } from "../../support/images.ts";
import { pushBlob, pushImage } from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

describeRegistries("Pushing at the same time", (registry) => {
  test("loses none of many manifests that are pushed at the same time", async () => {
    const count = 60;
    const images = Array.from({ length: count }, (_, i) => buildImage({ seed: `crowd/${i}`, layers: [10] }));
    await Promise.all(images.map((image, i) => pushImage(registry.url, `crowd/${i % 3}`, `v${i}`, image)));
    const found = await Promise.all(
      images.map(async (image, i) => {
        const response = await registry.request("GET", `/v2/crowd/${i % 3}/manifests/v${i}`);
        return sha256(Buffer.from(await response.arrayBuffer())) === image.top.digest;
      }),
    );
    expect(found).toEqual(Array.from({ length: count }, () => true));
  });

  test("lets one of two pushers of the same tag win whole", async () => {
    const [one, two] = [buildImage({ seed: "race/1" }), buildImage({ seed: "race/2" })];
    await Promise.all([
      pushImage(registry.url, "race", "v1", one),
      pushImage(registry.url, "race", "v1", two),
    ]);
    const response = await registry.request("GET", "/v2/race/manifests/v1");
    const winner = sha256(Buffer.from(await response.arrayBuffer()));
    expect([one.top.digest, two.top.digest]).toContain(winner);
    for (const image of [one, two]) {
      expect((await registry.request("GET", `/v2/race/manifests/${image.top.digest}`)).status).toBe(200);
    }
  });

  test("takes the same blob from two pushers", async () => {
    const large = Buffer.alloc(3_000_000, "two pushers");
    const answers = await Promise.all([1, 2].map(() => pushBlob(registry.url, "race", sha256(large), large)));
    expect(answers.map((answer) => answer.status)).toEqual([201, 201]);
    const response = await registry.request("GET", `/v2/race/blobs/${sha256(large)}`);
    expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(sha256(large));
  });
});
