import { tarHeader } from "./images.ts";

/** An entry of a tar archive, as odd as it may be. */
export interface RawEntry {
  readonly name: string;
  readonly content?: string | Uint8Array;
  /** `0` a file, `1` a hard link, `2` a symlink, `3` a character device, `5` a directory. */
  readonly type?: string;
  readonly target?: string;
  /** What the header says, if not the truth. */
  readonly size?: number;
}

/** Builds an archive with its entries in this order. */
export function tarOf(entries: readonly RawEntry[]): Buffer {
  return Buffer.concat([...entries.map(rawEntry), Buffer.alloc(1024)]);
}

function rawEntry({ name, content = "", type = "0", target = "", size }: RawEntry): Buffer {
  const bytes = Buffer.from(content);
  const header = tarHeader(name, size ?? bytes.length);
  header.write(type, 156);
  header.write(target, 157);
  return Buffer.concat([checked(header), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** The header with a check sum that fits. */
export function checked(header: Buffer): Buffer {
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
