import { expect, test } from "bun:test";
import { buildArtifact, buildImage, sha256, type TestImage } from "../../support/images.ts";
import {
  blobOf,
  contentOf,
  expectStatus,
  manifestsOf,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  putManifest,
  type TestReferrer,
} from "../push.ts";
import { describeRegistries } from "./describe-registries.ts";

const UNKNOWN = `sha256:${"0".repeat(64)}`;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

describeRegistries("Referrers", (registry) => {
  const image = buildImage({ seed: "referrers" });
  const note = buildArtifact(image.top, "application/vnd.example.note");
  const bill = buildArtifact(image.top, "application/vnd.example.bill");
  const referrersOf = (digest: string, query: string = ""): Promise<Response> =>
    registry.request("GET", `/v2/referrers/referrers/${digest}${query}`);
  const entry = (artifact: TestImage, artifactType: string): TestReferrer => ({
    ...artifact.top,
    artifactType,
    annotations: { "org.example.kind": "note" },
  });
  const [noteEntry, billEntry] = [
    entry(note, "application/vnd.example.note"),
    entry(bill, "application/vnd.example.bill"),
  ];

  test("answers with an empty index where there are none", async () => {
    const response = await referrersOf(UNKNOWN);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe(OCI_INDEX);
    expect(await response.json()).toEqual({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
  });

  test("says at a push that it knows the subject, even before that is there", async () => {
    for (const artifact of [note, bill]) {
      const response = await pushImage(registry.url, "referrers", artifact.top.digest, artifact);
      expect(response.headers.get("OCI-Subject")).toBe(image.top.digest);
    }
    await pushImage(registry.url, "referrers", "v1", image);
  });

  test("lists what refers to a manifest, with type and annotations", async () => {
    const manifests = await manifestsOf(await referrersOf(image.top.digest));
    expect(manifests).toHaveLength(2);
    expect(manifests).toContainEqual(noteEntry);
    expect(manifests).toContainEqual(billEntry);
  });

  test("filters by type, and says so", async () => {
    const response = await referrersOf(image.top.digest, "?artifactType=application/vnd.example.bill");
    expect(response.headers.get("OCI-Filters-Applied")).toBe("artifactType");
    expect(await manifestsOf(response)).toEqual([billEntry]);
  });

  test("takes the config's type for an image without one, and knows indexes", async () => {
    const about = buildImage({ seed: "referrers/about" });
    const document = JSON.parse(blobOf(about, about.top.digest).toString());
    const { mediaType, digest, size } = image.top;
    const subject = { mediaType, digest, size };
    for (const [bytes, type] of [
      [JSON.stringify({ ...document, subject }), OCI_MANIFEST],
      [JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [], subject }), OCI_INDEX],
    ] as const) {
      for (const blob of contentOf(about))
        await pushBlob(registry.url, "referrers", blob.digest, blobOf(about, blob.digest));
      const pushed = await putManifest(registry.url, "referrers", sha256(Buffer.from(bytes)), bytes, type);
      expect([pushed.status, pushed.headers.get("OCI-Subject")]).toEqual([201, digest]);
    }
    const manifests = await manifestsOf(await referrersOf(digest));
    const types = manifests.map((found) => [found.mediaType, found.artifactType]);
    expect(types).toContainEqual([OCI_MANIFEST, "application/vnd.oci.image.config.v1+json"]);
    expect(types).toContainEqual([OCI_INDEX, undefined]);
  });

  test("forgets a referrer that is deleted, and keeps those of a subject that is", async () => {
    await expectStatus(202, await registry.request("DELETE", `/v2/referrers/manifests/${bill.top.digest}`));
    await expectStatus(202, await registry.request("DELETE", `/v2/referrers/manifests/${image.top.digest}`));
    const manifests = await manifestsOf(await referrersOf(image.top.digest));
    expect(manifests).toContainEqual(noteEntry);
    expect(manifests).not.toContainEqual(billEntry);
    expect(manifests.every((found) => DIGEST.test(found.digest))).toBe(true);
  });
});
