import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Environment } from "../../src/config/locations.ts";
import { computeDigest } from "../../src/core/digest.ts";
import { errorMessage, ImageError } from "../../src/core/errors.ts";
import type { ImageReference } from "../../src/core/image.ts";
import { OCI_MANIFEST } from "../../src/core/media-type.ts";
import type { Signature } from "../../src/core/signature.ts";
import type { UnverifiedImage } from "../../src/core/unverified-image.ts";
import { evaluatePolicy, loadPolicy } from "../../src/policy/policy.ts";
import { parsePolicy } from "../../src/policy/policy-file.ts";
import { realSkopeo, runRealSkopeo } from "../support/real-skopeo.ts";
import { writeTinyImage } from "./tiny-image.ts";

const directory = mkdtempSync(join(tmpdir(), "policy-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const environment: Environment = { env: {}, home: join(directory, "home"), platform: "linux", uid: 1000 };
const systemPolicy: Environment = { ...environment, home: directory };

const ACCEPT = { type: "insecureAcceptAnything" };
const REJECT = { type: "reject" };
const SIGNED_BY = { type: "signedBy", keyType: "GPGKeys", keyPath: "/nonexistent" };
const SIGSTORE = { type: "sigstoreSigned", keyPath: "/nonexistent" };

function reference(transport: string, text: string, ...policyScopes: string[]): ImageReference {
  return {
    transport: {
      name: transport,
      parseReference: () => {
        throw new Error("not asked for");
      },
    },
    text,
    dockerName: undefined,
    policyScopes,
  };
}

/** The image of a reference, without any signature but those given. */
function unsigned(image: ImageReference, signatures: readonly Signature[] = []): UnverifiedImage {
  const bytes = new TextEncoder().encode("{}");
  const manifest = { bytes, mediaType: OCI_MANIFEST, digest: computeDigest(bytes) };
  return { reference: image, manifest, readSignatures: async () => signatures };
}

async function verdict(
  document: object,
  image: ImageReference,
  requireSigned: boolean = false,
  signatures: readonly Signature[] = [],
): Promise<string> {
  const policy = parsePolicy(Buffer.from(JSON.stringify(document)));
  try {
    await evaluatePolicy({ policy, requireSigned }, unsigned(image, signatures));
    return "accepted";
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "POLICY_REJECTED") throw error;
    return errorMessage(error);
  }
}

const busybox = reference(
  "docker",
  "//busybox:latest",
  "docker.io/library/busybox:latest",
  "docker.io/library/busybox",
  "docker.io/library",
  "docker.io",
  "*.io",
);
const rejected = "Source image rejected: Running image docker://busybox:latest is rejected by policy.";

describe("choosing requirements", () => {
  const scopes = [...busybox.policyScopes, ""];
  for (const [index, scope] of scopes.entries()) {
    test(`the scope "${scope}" hides all broader ones and the default`, async () => {
      const broader = Object.fromEntries(scopes.slice(index + 1).map((other) => [other, [REJECT]]));
      const docker = { ...broader, [scope]: [ACCEPT], "other.example": [REJECT] };
      expect(await verdict({ default: [REJECT], transports: { docker } }, busybox)).toBe("accepted");
      const reversed = { ...broader, [scope]: [REJECT] };
      expect(await verdict({ default: [ACCEPT], transports: { docker: reversed } }, busybox)).toBe(rejected);
    });
  }

  test("the default applies when no scope matches or the transport is not mentioned", async () => {
    const other = { docker: { "example.com": [ACCEPT] }, dir: { "": [ACCEPT] } };
    expect(await verdict({ default: [REJECT], transports: other }, busybox)).toBe(rejected);
    expect(await verdict({ default: [REJECT] }, busybox)).toBe(rejected);
  });

  test("an image without scopes is covered by the empty scope only", async () => {
    const archive = reference("docker-archive", "a.tar");
    const transports = { "docker-archive": { "": [ACCEPT] } };
    expect(await verdict({ default: [REJECT], transports }, archive)).toBe("accepted");
  });

  test("a scope named like a member of every object is nothing special", async () => {
    const odd = reference("docker", "//x", "constructor", "__proto__");
    expect(await verdict({ default: [ACCEPT], transports: { docker: {} } }, odd)).toBe("accepted");
    expect(await verdict({ default: [ACCEPT] }, reference("constructor", "x", "name"))).toBe("accepted");
  });
});

describe("evaluating requirements", () => {
  test("all must be met, and the first that is not gives the reason", async () => {
    expect(await verdict({ default: [ACCEPT, REJECT] }, busybox)).toBe(rejected);
    expect(await verdict({ default: [REJECT, SIGNED_BY] }, busybox)).toBe(rejected);
  });

  const made: Readonly<Record<string, Signature>> = {
    signedBy: { kind: "simple-signing", bytes: new Uint8Array([0xa3]) },
    sigstoreSigned: {
      kind: "sigstore",
      mimeType: "application/vnd.dev.cosign.simplesigning.v1+json",
      payload: new Uint8Array(),
      annotations: {},
    },
  };
  const missing = "Source image rejected: A signature was required, but no signature exists";
  for (const [requirement, others, damaged] of [
    [SIGNED_BY, "", "Source image rejected: open /nonexistent: no such file or directory"],
    [
      SIGSTORE,
      " (1 non-sigstore signatures, 0 sigstore non-signature attachments)",
      "Source image rejected: missing dev.cosignproject.cosign/signature annotation",
    ],
  ] as const) {
    test(`${requirement.type} refuses an image without such a signature`, async () => {
      const irrelevant = Object.entries(made).flatMap(([type, signature]) =>
        type === requirement.type ? [] : [signature],
      );
      for (const [signatures, message] of [
        [[], missing],
        [irrelevant, missing + others],
      ] as const) {
        expect(await verdict({ default: [requirement] }, busybox, false, signatures)).toBe(message);
        expect(await verdict({ default: [ACCEPT, requirement] }, busybox, true, signatures)).toBe(message);
      }
    });

    test(`${requirement.type} refuses an image whose signatures are damaged`, async () => {
      const signatures = Object.values(made);
      expect(await verdict({ default: [requirement] }, busybox, false, signatures)).toBe(damaged);
      expect(await verdict({ default: [requirement, ACCEPT] }, busybox, true, signatures)).toBe(damaged);
    });
  }

  test("signedBaseLayer refuses the image", async () => {
    const requirement = { type: "signedBaseLayer", baseLayerIdentity: { type: "matchExact" } };
    expect(await verdict({ default: [requirement] }, busybox)).toBe(
      "Source image rejected: signedBaseLayer not implemented yet!",
    );
  });

  test("requiring signatures refuses what is accepted without one", async () => {
    expect(await verdict({ default: [ACCEPT] }, busybox, true)).toBe(
      "Source image rejected: No signature verification policy found for image docker:docker.io/library/busybox:latest",
    );
    expect(await verdict({ default: [REJECT] }, busybox, true)).toBe(rejected);
  });

  test("an abort is not a rejection", async () => {
    const policy = parsePolicy(Buffer.from('{"default":[{"type":"reject"}]}'));
    const signal = AbortSignal.abort();
    await expect(
      evaluatePolicy({ policy, requireSigned: false }, unsigned(busybox), { signal }),
    ).rejects.toBe(signal.reason);
  });

  test.skipIf(realSkopeo === undefined)("agrees with real skopeo on images in a directory", async () => {
    const image = join(directory, "image");
    writeTinyImage(image);
    const parents = [image, directory, tmpdir()];
    const dir = reference("dir", image, ...parents);
    const documents = [
      { default: [ACCEPT] },
      { default: [REJECT] },
      { default: [ACCEPT, REJECT] },
      { default: [REJECT], transports: { dir: {} } },
      { default: [REJECT], transports: { dir: { "": [ACCEPT] } } },
      { default: [REJECT], transports: { docker: { "": [ACCEPT] } } },
      ...parents.flatMap((scope) => [
        { default: [REJECT], transports: { dir: { [scope]: [ACCEPT], "": [REJECT] } } },
        { default: [ACCEPT], transports: { dir: { [scope]: [REJECT], "": [ACCEPT] } } },
      ]),
    ];
    const file = join(directory, "real.json");
    for (const document of documents) {
      writeFileSync(file, JSON.stringify(document));
      const target = `dir:${join(directory, "copy")}`;
      const { fatal } = await runRealSkopeo(["--policy", file, "copy", `dir:${image}`, target]);
      expect(await verdict(document, dir)).toBe(fatal || "accepted");
    }
  });
});

describe("loading a policy", () => {
  test("an insecure policy accepts everything without reading any file", async () => {
    const inForce = await loadPolicy({ environment, insecurePolicy: true, file: "/nonexistent" });
    await expect(evaluatePolicy(inForce, unsigned(busybox))).resolves.toBeUndefined();
  });

  test("an insecure policy cannot require signatures", async () => {
    await expect(loadPolicy({ environment, insecurePolicy: true, requireSigned: true })).rejects.toThrow(
      "--insecure-policy and --require-signed are mutually exclusive",
    );
  });

  test("an explicit file is used, and told to the debug listener", async () => {
    const file = join(directory, "reject.json");
    writeFileSync(file, '{"default":[{"type":"reject"}]}');
    const messages: string[] = [];
    const inForce = await loadPolicy({ environment, file, debug: (message) => messages.push(message) });
    expect(messages).toEqual([`Using trust policy ${file}`]);
    await expect(evaluatePolicy(inForce, unsigned(busybox))).rejects.toThrow(rejected);
  });

  test("a missing explicit file is an error whatever a missing policy means", async () => {
    await expect(loadPolicy({ environment, file: "/nonexistent", whenMissing: "accept" })).rejects.toThrow(
      "Error loading trust policy: open /nonexistent: no such file or directory",
    );
  });

  // FreeBSD's directory for system configuration does not exist on the systems these tests run on.
  const without: Environment = { ...systemPolicy, platform: "freebsd" };

  test("without any file every image is accepted and the debug listener told", async () => {
    const messages: string[] = [];
    const inForce = await loadPolicy({ environment: without, debug: (message) => messages.push(message) });
    expect(messages).toEqual(["No trust policy file found, accepting images without one"]);
    await expect(evaluatePolicy(inForce, unsigned(busybox))).resolves.toBeUndefined();
  });

  test("without any file an image is refused when signatures are required", async () => {
    const inForce = await loadPolicy({ environment: without, requireSigned: true });
    await expect(evaluatePolicy(inForce, unsigned(busybox))).rejects.toThrow(
      "No signature verification policy found for image",
    );
  });

  test("without any file loading fails if asked to, naming the places", async () => {
    await expect(loadPolicy({ environment: without, whenMissing: "fail" })).rejects.toThrow(
      "Error loading trust policy: no policy.json file found at any of the following: " +
        `"${directory}/.config/containers/policy.json", "/usr/local/etc/containers/policy.json"`,
    );
  });
});
