import { Pax } from "tar/pax";
import { encodeHeader, type NewEntry, paddingAfter } from "../../src/tar/header.ts";
import { joined } from "./inputs.ts";

const encoder = new TextEncoder();
const HEADER_SIZE = 512;
const CHECKSUM = { start: 148, end: 156 };

/** An archive of files with this content. */
export function tarOf(files: Readonly<Record<string, string | Uint8Array>>): Uint8Array<ArrayBuffer> {
  const parts = Object.entries(files).map(([name, content]) => {
    const bytes = typeof content === "string" ? encoder.encode(content) : content;
    return entry({ name, type: "file", size: bytes.length, mode: 0o644 }, bytes);
  });
  return joined([...parts, new Uint8Array(2 * HEADER_SIZE)]);
}

/** Archives with all kinds of entries that there are. */
export const tarSamples = (): readonly Uint8Array[] => [
  tarOf({ "a.txt": "hello", "dir/b.txt": "x".repeat(600), [`${"long/".repeat(60)}name`]: "" }),
  joined([
    entry({ name: "dir/", type: "directory", size: 0, mode: 0o755 }),
    entry({ name: "link", type: "symlink", linkName: "dir/a", size: 0, mode: 0o777 }),
    entry({ name: "ü\u{1f600}", type: "file", size: 3, mode: 0o600 }, encoder.encode("abc")),
    pax({ path: "pax/path", linkpath: "pax/link", size: 5 }),
    entry({ name: "x", type: "file", size: 5, mode: 0o600 }, encoder.encode("12345")),
    new Uint8Array(2 * HEADER_SIZE),
  ]),
];

/** The archive with the checksums of its headers made right again, so that damage is not all that is noticed. */
export function withChecksums(tar: Uint8Array): Uint8Array {
  const copy = tar.slice();
  for (let offset = 0; offset + HEADER_SIZE <= copy.length; offset += HEADER_SIZE) {
    const block = copy.subarray(offset, offset + HEADER_SIZE);
    // Blocks of content stay what they are, mostly.
    if (new TextDecoder("latin1").decode(block.subarray(257, 262)) !== "ustar") continue;
    block.fill(0x20, CHECKSUM.start, CHECKSUM.end);
    const sum = block.reduce((total, byte) => total + byte, 0);
    block.set(encoder.encode(`${sum.toString(8).padStart(6, "0")}\0 `), CHECKSUM.start);
  }
  return copy;
}

function entry(header: NewEntry, content: Uint8Array = new Uint8Array()): Uint8Array {
  return joined([encodeHeader(header), content, new Uint8Array(paddingAfter(content.length))]);
}

function pax(records: ConstructorParameters<typeof Pax>[0]): Uint8Array {
  return new Pax(records).encode();
}
