import { expect, test } from "bun:test";
import { digestHex, isDigest, parseDigest } from "../../src/core/digest.ts";
import { formatDockerName, isValidTag, parseDockerName } from "../../src/core/docker-name.ts";
import { formatDockerLocation, parseDockerLocation } from "../../src/transports/docker/reference.ts";
import {
  formatArchiveLocation,
  parseArchiveLocation,
} from "../../src/transports/docker-archive/reference.ts";
import { formatDaemonReference, parseDaemonReference } from "../../src/transports/docker-daemon/reference.ts";
import { formatOciLocation, parseOciLocation } from "../../src/transports/oci/reference.ts";
import { answersOrRefuses, holds, parsed } from "./fuzz.ts";
import { damagedText } from "./inputs.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
const NAMES = [
  "busybox",
  "docker.io/library/busybox:1.36",
  "quay.io:443/a/b/c:latest",
  `[::1]:5000/x@${DIGEST}`,
  `localhost/a__b.c-d:tag@${DIGEST}`,
  DIGEST.slice(7),
  `sha512:${"ab".repeat(64)}`,
]; // prettier-ignore

const GRAMMARS: readonly {
  readonly name: string;
  readonly corpus: readonly string[];
  readonly roundTrip: (text: string) => readonly [written: string, again: () => string];
}[] = [
  {
    name: "docker names",
    corpus: NAMES,
    roundTrip: (text) => {
      const written = formatDockerName(parseDockerName(text));
      return [written, () => formatDockerName(parseDockerName(written))];
    },
  },
  {
    name: "docker: references",
    corpus: NAMES.map((name) => `//${name}`),
    roundTrip: (text) => {
      const written = formatDockerLocation(parseDockerLocation(text));
      return [written, () => formatDockerLocation(parseDockerLocation(written))];
    },
  },
  {
    name: "docker-archive: references",
    corpus: ["a.tar", "/tmp/a.tar:busybox:latest", "a.tar:@3", "a.tar:docker.io/x/y:z"],
    roundTrip: (text) => {
      const written = formatArchiveLocation(parseArchiveLocation(text));
      return [written, () => formatArchiveLocation(parseArchiveLocation(written))];
    },
  },
  {
    name: "docker-daemon: references",
    corpus: NAMES,
    roundTrip: (text) => {
      const written = formatDaemonReference(parseDaemonReference(text));
      return [written, () => formatDaemonReference(parseDaemonReference(written))];
    },
  },
  {
    name: "oci: references",
    corpus: ["dir", "/tmp/a b:tag", "C:\\a:b", "dir:@0", "dir:a/b:c"],
    roundTrip: (text) => {
      const written = formatOciLocation(parseOciLocation(text));
      return [written, () => formatOciLocation(parseOciLocation(written))];
    },
  },
];

for (const { name, corpus, roundTrip } of GRAMMARS) {
  test(`${name} are read or refused, and what is read is written and read the same`, async () => {
    await answersOrRefuses(damagedText(corpus), (text) => {
      const [written, again] = roundTrip(text);
      expect(again()).toBe(written);
    });
  });
}

test("a digest is the text it was read from, and everything else is none", async () => {
  await answersOrRefuses(
    damagedText([
      DIGEST,
      NAMES[6] ?? "",
      `__proto__:${"a".repeat(64)}`,
      `constructor:${"a".repeat(64)}`,
      `toString:${"a".repeat(32)}`,
    ]),
    (text) => {
      const isOne = isDigest(text);
      expect(isOne ? digestHex(parseDigest(text)).length : 64).toBeOneOf([64, 96, 128]);
      if (!isOne) expect(() => parseDigest(text)).toThrow();
    },
  );
});

test("a tag that is valid can be written into a name and read again", async () => {
  await holds(damagedText(["latest", "v1.2.3", "_a", "sha256-abc.sig"]), async (tag) => {
    const name = await parsed(() => parseDockerName(`example.com/a:${tag}`));
    expect(isValidTag(tag)).toBe(name !== undefined && name.tag === tag && name.digest === undefined);
  });
});
