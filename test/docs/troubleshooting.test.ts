import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../support/peers.ts";
import { hintOf } from "../support/run.ts";
import { startServe } from "../support/serve.ts";
import { ROOT, readPage } from "./blocks.ts";
import { createSandbox, type Sandbox } from "./sandbox.ts";
import { prepareCi } from "./setups.ts";

/** Each heading of docs/troubleshooting.md is a part of what the program really says. */
const TIMEOUT = 60_000;
const headings = [...readPage("docs/troubleshooting.md").matchAll(/^### `(.+)`$/gm)].map(
  ([, text = ""]) => text,
);
const HUB = "docker://docker.io/library";

interface Provocation {
  readonly script: string;
  /** A part of the hint; "" where there is none. */
  readonly hint: string;
  /** More than the heading. */
  readonly says?: string;
}

/** Commands that fail with the messages of the headings. What cannot be provoked in a moment must stand in the sources. */
const PROVOCATIONS: Readonly<Record<string, Provocation>> = {
  "expected colon-separated transport:reference": {
    script: "skopeo inspect alpine",
    hint: `write ${HUB}/alpine`,
  },
  'unknown transport "alpine"': { script: "skopeo inspect alpine:3.20", hint: "" },
  "is not supported in this build": { script: "skopeo inspect containers-storage:alpine", hint: "" },
  "repository name must be lowercase": { script: `skopeo inspect ${HUB}/Alpine`, hint: "" },
  "No tag or digest allowed in reference": { script: `skopeo list-tags ${HUB}/alpine:3.20`, hint: "" },
  "more than one image in oci, choose an image": {
    script: `for tag in 3.19 3.20; do skopeo copy ${HUB}/alpine:$tag oci:two:$tag; done; skopeo inspect oci:two`,
    hint: "",
  },
  "no descriptor found for reference": { script: "skopeo inspect oci-archive:build.tar:nosuch", hint: "" },
  "index.json: no such file or directory": { script: "skopeo inspect oci:nowhere", hint: "check the path" },
  "manifest unknown": {
    script: `skopeo inspect ${HUB}/alpine:nosuch`,
    hint: `skopeo list-tags ${HUB}/alpine shows the tags`,
  },
  "authentication required": { script: "skopeo inspect docker://registry.example.com/app", hint: "log in" },
  "invalid username/password": {
    script: "skopeo login --username ci --password wrong registry.example.com",
    hint: "",
  },
  "requested access to the resource is denied": {
    script: "skopeo inspect docker://ghcr.io/forbidden",
    hint: "may lack the right",
  },
  "connection refused": { script: "skopeo inspect docker://127.0.0.1:1/app", hint: "config check" },
  "context deadline exceeded": { script: "skopeo --command-timeout 300ms serve --memory", hint: "" },
  "certificate signed by unknown authority": {
    script: `env SSL_CERT_FILE= skopeo inspect ${HUB}/alpine`,
    hint: "--cert-dir DIR, or any certificate with --tls-verify=false",
  },
  "certificate is not valid for": {
    script: "skopeo inspect docker://other.invalid/app",
    hint: "use a name that the certificate is for",
    says: "certificate is not valid for other.invalid",
  },
  "server gave HTTP response to HTTPS client": {
    script: "skopeo inspect docker://$SERVED/app",
    hint: "--tls-verify=false",
  },
  "no image found in image index for architecture": {
    script: `skopeo inspect --override-arch s390x ${HUB}/alpine`,
    hint: "--override-arch",
  },
  "does not support copying multiple images as a group": {
    script: `skopeo copy --all ${HUB}/alpine docker-archive:all.tar`,
    hint: "leave out --all",
  },
  "Instructed to preserve digests": {
    script: `skopeo copy --all --format v2s2 --preserve-digests ${HUB}/alpine docker://quay.io/alpine`,
    hint: "leave out --preserve-digests",
  },
  "Would invalidate signatures": {
    script: `
      keys="--sign-by-sigstore-private-key release.private --sign-passphrase-file passphrase --sign-identity docker.io/library/alpine:3.20"
      skopeo copy --all $keys ${HUB}/alpine:3.20 dir:signed
      skopeo copy --multi-arch linux/amd64 dir:signed dir:other`,
    hint: "",
  },
  "Cannot connect to the Docker daemon": {
    script: "skopeo inspect --daemon-host unix:///nowhere docker-daemon:alpine:3.20",
    hint: "",
  },
  "Source image rejected": {
    script: "skopeo copy --policy reject.json oci-archive:build.tar dir:x",
    hint: "skopeo policy check IMAGE",
  },
  "A signature was required, but no signature exists": {
    script: "skopeo copy --policy signed.json oci-archive:build.tar dir:x",
    hint: "skopeo policy check IMAGE",
  },
  "Error loading trust policy": {
    script: "skopeo copy --policy nosuch.json oci-archive:build.tar dir:x",
    hint: "",
  },
  "decryption failed": {
    script: `
      echo wrong > wrong
      skopeo copy --sign-by-sigstore-private-key release.private --sign-passphrase-file wrong \
        oci-archive:build.tar docker://quay.io/app`,
    hint: "",
  },
  "Refusing to overwrite existing": {
    script: "skopeo generate-sigstore-key --passphrase-file passphrase --output-prefix release",
    hint: "",
  },
  "A source transport must be specified": {
    script: "skopeo sync docker.io/library/alpine quay.io",
    hint: "",
  },
  "the destination differs from the plan's sources": {
    script: "skopeo sync --src docker --dest docker --plan docker.io/library/alpine quay.io",
    hint: "",
  },
  "unknown flag": { script: "skopeo copy --al a b", hint: "" },
  "Unrecognized command": { script: "skopeo copi", hint: "" },
  "cannot be used: encrypting layers is not supported": {
    script: "skopeo copy --encryption-key jwe:key.pem oci-archive:build.tar dir:x",
    hint: "",
  },
  "the address is in use, or not one of this machine": {
    script: "skopeo serve --memory --addr $SERVED",
    hint: "",
  },
  ...(findProgram("gpg") === undefined
    ? {}
    : {
        "creating signature: key": {
          script: "skopeo copy --sign-by nobody@example.com oci-archive:build.tar docker://quay.io/app",
          hint: "",
        },
      }),
};

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await createSandbox();
  await prepareCi(sandbox);
  sandbox.write("reject.json", '{"default":[{"type":"reject"}]}');
  sandbox.write("signed.json", '{"default":[{"type":"sigstoreSigned","keyPath":"release.pub"}]}');
  const errors = [{ code: "DENIED", message: "requested access to the resource is denied" }];
  sandbox.answerFor("ghcr.io", async () => Response.json({ errors }, { status: 403 }));
  sandbox.env.SERVED = sandbox.use(await startServe()).host;
}, TIMEOUT);
afterAll(async () => await sandbox[Symbol.asyncDispose]());

test.each([
  ["copy alpine oci:x", `write ${HUB}/alpine`],
  ["copy ./layout dir:x", "write oci:./layout or dir:./layout"],
])("skopeo %s: a name without its kind of place is completed", async (words, hint) => {
  expect(hintOf(await sandbox.run(`skopeo ${words}`))).toContain(hint);
});

describe("the message", () => {
  for (const heading of headings) {
    const provocation = PROVOCATIONS[heading];
    if (provocation === undefined) {
      test(`"${heading}" stands in the sources`, () => expect(sources()).toContain(heading));
      continue;
    }
    test(
      `"${heading}" is what a user gets`,
      async () => {
        const outcome = await sandbox.run(provocation.script);
        expect(outcome.exitCode).toBeGreaterThan(0);
        expect(outcome.stderr.replaceAll('\\"', '"')).toContain(provocation.says ?? heading);
        if (provocation.hint === "") expect(outcome.stderr).not.toContain("Hint:");
        else expect(hintOf(outcome)).toContain(provocation.hint);
      },
      TIMEOUT,
    );
  }

  test("of each provocation has a heading", () => {
    expect(Object.keys(PROVOCATIONS).filter((text) => !headings.includes(text))).toEqual([]);
    expect(headings.length).toBeGreaterThan(40);
  });
});

/** The text of all sources. */
function sources(): string {
  const files = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" });
  const texts = files
    .filter((name) => name.endsWith(".ts"))
    .map((name) => readFileSync(join(ROOT, "src", name), "utf8"));
  return texts.join("\n");
}
