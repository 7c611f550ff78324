import type { ByteStream } from "../../src/core/byte-stream.ts";

/** A member of an archive. */
export interface ArMember {
  readonly name: string;
  readonly content: Uint8Array;
}

const LONGEST_NAME = 16;

/** The members as an archive of ar, owned by root, all of one time. deb(5), "FORMAT"; ar(5) of BSD. */
export async function* arOf(members: readonly ArMember[], modified: Date): ByteStream {
  yield Buffer.from("!<arch>\n");
  const time = `${Math.floor(modified.getTime() / 1000)}`;
  for (const { name, content } of members) {
    if (name.length > LONGEST_NAME) throw new Error(`${name}: too long a name for an archive of ar`);
    const fields = [name.padEnd(16), time.padEnd(12), "0".padEnd(6), "0".padEnd(6), "100644".padEnd(8)];
    yield Buffer.from(`${fields.join("")}${`${content.length}`.padEnd(10)}\`\n`);
    yield content;
    if (content.length % 2 === 1) yield Buffer.from("\n");
  }
}
