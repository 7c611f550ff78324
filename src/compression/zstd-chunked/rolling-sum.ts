/** How many bytes the sum is about; a power of two. */
const WINDOW = 64;
/** Added to each byte, so that zeros count too. */
const BYTE_OFFSET = 31;
/** A chunk ends where these bits of the sum are ones: after 64 KiB on average. */
const CUT_BITS = 0xffff;

/**
 * The rolling checksum of bup and rsync over the last 64 bytes. It says where to cut contents, so that equal stretches of
 * different files become equal chunks, here as with other writers of zstd:chunked.
 */
export class RollingSum {
  readonly #window = new Uint8Array(WINDOW);
  #next = 0;
  #sum = WINDOW * BYTE_OFFSET;
  #weighted = WINDOW * (WINDOW - 1) * BYTE_OFFSET;

  /** Goes over bytes from `start` up to the first cut before `end`: gives the offset behind it, or -1 for none. */
  advance(bytes: Uint8Array, start: number, end: number): number {
    const window = this.#window;
    let next = this.#next;
    let sum = this.#sum;
    let weighted = this.#weighted;
    let cut = -1;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] ?? 0;
      const dropped = window[next] ?? 0;
      window[next] = byte;
      next = (next + 1) & (WINDOW - 1);
      sum += byte - dropped;
      weighted = (weighted + sum - WINDOW * (dropped + BYTE_OFFSET)) | 0;
      if ((weighted & CUT_BITS) === CUT_BITS) {
        cut = i + 1;
        break;
      }
    }
    this.#next = next;
    this.#sum = sum;
    this.#weighted = weighted;
    return cut;
  }
}
