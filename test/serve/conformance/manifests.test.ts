import { expect, test } from "bun:test";
import { buildImage, buildMultiArch, sha256 } from "../../support/images.ts";
import {
  blobOf,
  contentOf,
  errorCode,
  errorsOf,
  expectStatus,
  instancesOf,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  tagsOf,
} from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

const UNKNOWN = `sha256:${"0".repeat(64)}`;

describeRegistries("Manifests", (registry) => {
  const image = buildImage({ seed: "manifests" });
  const { digest } = image.top;

  test("gives back what was pushed, by tag and by digest, to GET and HEAD", async () => {
    const pushed = await pushImage(registry.url, "manifests/image", "v1", image);
    expect(pushed.headers.get("Location")).toBe(`/v2/manifests/image/manifests/${digest}`);
    expect(pushed.headers.get("Docker-Content-Digest")).toBe(digest);
    expect(pushed.headers.get("OCI-Subject")).toBeNull();
    for (const reference of ["v1", digest]) {
      for (const method of ["GET", "HEAD"]) {
        const response = await registry.request(method, `/v2/manifests/image/manifests/${reference}`);
        expect(response.status).toBe(200);
        expect(response.headers.get("Content-Type")).toBe(OCI_MANIFEST);
        expect(response.headers.get("Docker-Content-Digest")).toBe(digest);
        expect(response.headers.get("Content-Length")).toBe(`${image.top.size}`);
        expect(await response.text()).toBe(method === "GET" ? blobOf(image, digest).toString() : "");
      }
    }
  });

  for (const [kind, built] of [
    ["a Docker image", buildImage({ seed: "docker", format: "docker" })],
    ["a Docker manifest list", buildMultiArch("docker", "docker")],
    ["an OCI index", buildMultiArch("index")],
  ] as const) {
    test(`keeps the media type of ${kind}, and of what is in it`, async () => {
      await pushImage(registry.url, "manifests/types", "v1", built);
      for (const { digest, mediaType } of [built.top, ...instancesOf(built)]) {
        const response = await registry.request("GET", `/v2/manifests/types/manifests/${digest}`);
        expect(response.headers.get("Content-Type")).toBe(mediaType);
        expect(sha256(Buffer.from(await response.arrayBuffer()))).toBe(digest);
      }
    });
  }

  test("guesses the type of a manifest that comes without one", async () => {
    const response = await putManifest(
      registry.url,
      "manifests/image",
      "guessed",
      blobOf(image, digest),
      "application/json",
    );
    expect(response.status).toBe(201);
    const { headers } = await registry.request("HEAD", "/v2/manifests/image/manifests/guessed");
    expect(headers.get("Content-Type")).toBe(OCI_MANIFEST);
  });

  test("keeps a manifest of a type that it does not know", async () => {
    const type = "application/vnd.example.thing.v1+json";
    const bytes = Buffer.from(JSON.stringify({ thing: 1, subject: { digest } }));
    await expectStatus(201, await putManifest(registry.url, "manifests/image", "thing", bytes, type));
    const response = await registry.request("GET", "/v2/manifests/image/manifests/thing");
    expect(response.headers.get("Content-Type")).toBe(type);
    expect(await response.text()).toBe(bytes.toString());
  });

  test("takes a manifest pushed under a sha512 digest", async () => {
    const bytes = blobOf(image, digest);
    const sha512 = `sha512:${new Bun.CryptoHasher("sha512").update(bytes).digest("hex")}`;
    const pushed = await putManifest(registry.url, "manifests/image", sha512, bytes);
    expect(pushed.headers.get("Docker-Content-Digest")).toBe(sha512);
    const response = await registry.request("GET", `/v2/manifests/image/manifests/${sha512}`);
    expect(await response.text()).toBe(bytes.toString());
  });

  const invalid: readonly [string, string | Buffer, string, string, number, string][] = [
    ["that is not JSON", "hello", "v1", OCI_MANIFEST, 400, "MANIFEST_INVALID"],
    ["that is empty", "", "v1", OCI_MANIFEST, 400, "MANIFEST_INVALID"],
    ["that is no image", '{"schemaVersion":2}', "v1", OCI_MANIFEST, 400, "MANIFEST_INVALID"],
    ["that says another type", blobOf(image, digest), "v1", OCI_INDEX, 400, "MANIFEST_INVALID"],
    ["without any type", "{}", "v1", "application/json", 400, "MANIFEST_INVALID"],
    ["with another digest", blobOf(image, digest), UNKNOWN, OCI_MANIFEST, 400, "DIGEST_INVALID"],
    ["under an impossible tag", blobOf(image, digest), "-v1", OCI_MANIFEST, 400, "TAG_INVALID"],
    [
      "of schema 1",
      '{"schemaVersion":1,"name":"x","tag":"y","fsLayers":[],"history":[]}',
      "v1",
      "application/vnd.docker.distribution.manifest.v1+prettyjws",
      400,
      "MANIFEST_INVALID",
    ],
    ["of more than 4 MiB", `{"x":"${"y".repeat(4 * 1024 * 1024)}"}`, "v1", OCI_MANIFEST, 413, "SIZE_INVALID"],
  ];
  for (const [what, body, reference, type, status, code] of invalid) {
    test(`refuses a manifest ${what}`, async () => {
      const response = await putManifest(registry.url, "manifests/invalid", reference, body, type);
      expect([response.status, await errorCode(response)]).toEqual([status, code]);
      expect((await registry.request("GET", "/v2/manifests/invalid/tags/list")).status).toBe(404);
    });
  }

  test("refuses an image while its blobs are missing, and names each of them", async () => {
    const absent = buildImage({ seed: "absent" });
    const response = await putManifest(
      registry.url,
      "manifests/absent",
      "v1",
      blobOf(absent, absent.top.digest),
    );
    expect(response.status).toBe(404);
    expect(await errorsOf(response)).toEqual(
      contentOf(absent).map(({ digest }) => ({
        code: "MANIFEST_BLOB_UNKNOWN",
        message: "blob unknown to registry",
        detail: { digest },
      })),
    );
    expect((await registry.request("GET", "/v2/manifests/absent/manifests/v1")).status).toBe(404);
  });

  test("takes an image whose only missing layer lies elsewhere", async () => {
    const config = Buffer.from('{"elsewhere":true}');
    await pushBlob(registry.url, "manifests/foreign", sha256(config), config);
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: sha256(config),
        size: config.length,
      },
      layers: [{ mediaType: "application/x", digest: UNKNOWN, size: 1, urls: ["https://example.com/layer"] }],
    };
    expect(
      (await putManifest(registry.url, "manifests/foreign", "v1", JSON.stringify(manifest))).status,
    ).toBe(201);
  });

  test("takes an index whose instances are missing", async () => {
    const sparse = buildMultiArch("sparse");
    await expectStatus(
      201,
      await putManifest(registry.url, "manifests/sparse", "v1", blobOf(sparse, sparse.top.digest), OCI_INDEX),
    );
    expect(
      (await registry.request("GET", `/v2/manifests/sparse/manifests/${instancesOf(sparse)[0]?.digest}`))
        .status,
    ).toBe(404);
  });

  test("keeps a manifest known by digest when its tag moves on", async () => {
    const [first, second] = [buildImage({ seed: "moved/1" }), buildImage({ seed: "moved/2" })];
    await pushImage(registry.url, "manifests/moved", "v1", first);
    await pushImage(registry.url, "manifests/moved", "v1", second);
    const { headers } = await registry.request("HEAD", "/v2/manifests/moved/manifests/v1");
    expect(headers.get("Docker-Content-Digest")).toBe(second.top.digest);
    expect((await registry.request("GET", `/v2/manifests/moved/manifests/${first.top.digest}`)).status).toBe(
      200,
    );
    expect(await tagsOf(await registry.request("GET", "/v2/manifests/moved/tags/list"))).toEqual(["v1"]);
  });

  test("does not show a manifest in other repositories than its own", async () => {
    await pushImage(registry.url, "manifests/mine", "v1", buildImage({ seed: "mine" }));
    const { digest } = buildImage({ seed: "mine" }).top;
    expect((await registry.request("GET", `/v2/manifests/yours/manifests/${digest}`)).status).toBe(404);
  });
});
