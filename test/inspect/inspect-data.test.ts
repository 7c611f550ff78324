import { describe, expect, test } from "bun:test";
import { computeDigest } from "../../src/core/digest.ts";
import { type ImageConfig, parseImageConfig } from "../../src/format/image-config.ts";
import { buildInspectData, type InspectSource } from "../../src/inspect/inspect-data.ts";

function config(value: unknown): ImageConfig {
  return parseImageConfig(Buffer.from(JSON.stringify(value)));
}

const layer = {
  mediaType: "application/vnd.oci.image.layer.v1.tar",
  digest: computeDigest(Buffer.from("layer")),
  size: 5,
  annotations: { a: "b" },
};
const source: InspectSource = {
  digest: "sha256:top",
  repoTags: [],
  manifestKind: "oci",
  config: config({}),
  layers: [layer],
};

describe("what inspect reports", () => {
  test("members come in the order of the reference, without a name or tag that is not known", () => {
    const expected = [
      "Digest",
      "RepoTags",
      "Created",
      "DockerVersion",
      "Labels",
      "Architecture",
      "Os",
      "Layers",
      "LayersData",
      "Env",
    ];
    expect(Object.keys(buildInspectData(source))).toEqual(expected);
    const named = buildInspectData({ ...source, name: "docker.io/library/a", tag: "v1" });
    expect(Object.keys(named)).toEqual(["Name", "Tag", ...expected]);
  });

  test("an OCI image without a time has none, a Docker image the zero time", () => {
    expect(buildInspectData(source).Created).toBeNull();
    expect(buildInspectData({ ...source, manifestKind: "docker" }).Created).toBe("0001-01-01T00:00:00Z");
  });

  test("the annotations of layers are an OCI matter", () => {
    const { LayersData, Layers } = buildInspectData(source);
    expect(Layers).toEqual([layer.digest]);
    expect(LayersData).toEqual([
      { MIMEType: layer.mediaType, Digest: layer.digest, Size: 5, Annotations: { a: "b" } },
    ]);
    const [docker] = buildInspectData({ ...source, manifestKind: "docker" }).LayersData;
    expect(docker?.Annotations).toBeNull();
  });

  test("the version of Docker is found in any letter case, and must be a string", () => {
    const withVersion = (version: unknown): InspectSource => ({
      ...source,
      config: config({ Docker_Version: version }),
    });
    expect(buildInspectData(withVersion("20.10")).DockerVersion).toBe("20.10");
    expect(buildInspectData(withVersion(null)).DockerVersion).toBe("");
    expect(() => buildInspectData(withVersion(1))).toThrow(
      new Error(
        "json: cannot unmarshal number into Go struct field Schema2V1Image.docker_version of type string",
      ),
    );
  });

  test("tags that could not be listed are null", () => {
    expect(buildInspectData({ ...source, repoTags: null }).RepoTags).toBeNull();
  });
});
