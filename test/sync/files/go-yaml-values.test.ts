import { describe, expect, test } from "bun:test";
import { parseSkopeoYaml } from "../../../src/sync/files/skopeo-yaml.ts";
import { peerTest } from "../../support/peers.ts";
import { selectByReal } from "./real-selection.ts";

/** What does not fit the types. */
const MISFITS: readonly string[] = [
  ...[
    "HOST: {tls-verify: maybe}",
    "HOST: {tls-verify: 12}",
    'HOST: {tls-verify: "true"}',
    "HOST: {tls-verify: tRUE}",
  ],
  ...[
    "HOST: {images: {a: latest}}",
    "HOST: {images: {a: {}}}",
    "HOST: {images: [a]}",
    "HOST: {images: {a: [[b], {c: d}]}}",
  ],
  ...[
    "HOST: {images-by-tag-regex: 1.5, images-by-semver: true}",
    "HOST: {cert-dir: [a]}",
    "x: [a]",
    "x: 2024-01-01",
  ],
  ...[
    "x: 15\ny: 0x1F\nz: .inf\nq: 'on'",
    "[a]",
    "hello",
    "averyverylongvalue",
    "HOST: {credentials: {username: [a]}}",
  ],
  "a: ~\nb:\n  tls-verify: maybe\n  images-by-semver:\n    c: [d]\n",
];

describe("values of the wrong type end the run with the words of real skopeo", () => {
  for (const text of MISFITS) {
    peerTest(JSON.stringify(text), ["skopeo 1.22"], async ([skopeo = ""]) => {
      const failure = await selectByReal(skopeo, text).then(
        () => "",
        (error) => String(error.message),
      );
      expect(failure).toStartWith("Failed to unmarshal");
      await expect(parseSkopeoYaml(text, "sync.yml")).rejects.toThrow(failure);
    });
  }

  for (const value of [
    "yes",
    "Yes",
    "YES",
    "y",
    "Y",
    "on",
    "On",
    "ON",
    "true",
    "True",
    "TRUE",
    '"yes"',
    "'on'",
  ]) {
    test(`tls-verify: ${value} is true`, async () => {
      const { entries } = await parseSkopeoYaml(`r.example: {tls-verify: ${value}, images: {a: [b]}}`, "f");
      expect(entries[0]?.access.tlsVerify).toBe(true);
    });
  }
  for (const value of ["no", "No", "NO", "n", "N", "off", "Off", "OFF", "false", "False", "FALSE"]) {
    test(`tls-verify: ${value} is false`, async () => {
      const { entries } = await parseSkopeoYaml(`r.example: {tls-verify: ${value}, images: {a: [b]}}`, "f");
      expect(entries[0]?.access.tlsVerify).toBe(false);
    });
  }
});
