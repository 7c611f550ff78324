import { RollingSum } from "./rolling-sum.ts";

/** Bytes of a chunk. */
export interface ChunkPart {
  readonly bytes: Uint8Array;
  /** Whether the chunk is a hole: nothing but zeros. */
  readonly isHole: boolean;
  /** Whether the chunk ends here. */
  readonly isLast: boolean;
}

/** So many zeros in a row make a hole. */
const HOLE_SIZE = 1024;
const ZEROS = new Uint8Array(HOLE_SIZE);
const NOTHING = new Uint8Array();

/**
 * Cuts the content of one file into chunks: before and after holes, and in between where a rolling sum says so, which
 * does not see the holes. The pieces that the content comes in make no difference.
 */
export class ContentSplitter {
  readonly #sum = new RollingSum();
  /** Zeros at the end of the last piece that may yet become a hole, not handed on. */
  #heldZeros = 0;
  #inHole = false;
  /** Whether the chunk that the next bytes belong to has begun. */
  #isOpen = false;

  *push(piece: Uint8Array): Generator<ChunkPart> {
    if (piece.length === 0) return;
    let start = 0;
    if (this.#inHole || this.#heldZeros > 0) {
      const end = endOfZeros(piece, 0);
      if (!this.#inHole && this.#heldZeros + end < HOLE_SIZE) {
        if (end === piece.length) {
          this.#heldZeros += end;
          return;
        }
        yield* this.#releaseZeros();
      } else {
        yield* this.#hole(piece.subarray(0, end), end < piece.length);
        start = end;
      }
    }
    yield* this.#split(piece, start);
  }

  /** What is left at the end of the content. */
  *finish(): Generator<ChunkPart> {
    yield* this.#releaseZeros();
    yield* this.#close();
  }

  *#split(piece: Uint8Array, from: number): Generator<ChunkPart> {
    let start = from;
    for (let hole = nextHole(piece, start); hole !== undefined; hole = nextHole(piece, start)) {
      yield* this.#data(piece, start, hole.start);
      yield* this.#hole(piece.subarray(hole.start, hole.end), hole.end < piece.length);
      start = hole.end;
    }
    const end = startOfZeros(piece, piece.length, start);
    yield* this.#data(piece, start, end);
    this.#heldZeros = piece.length - end;
  }

  *#data(piece: Uint8Array, from: number, end: number): Generator<ChunkPart> {
    let start = from;
    for (let cut = this.#sum.advance(piece, start, end); cut !== -1; ) {
      yield { bytes: piece.subarray(start, cut), isHole: false, isLast: true };
      this.#isOpen = false;
      start = cut;
      cut = this.#sum.advance(piece, start, end);
    }
    if (start === end) return;
    yield { bytes: piece.subarray(start, end), isHole: false, isLast: false };
    this.#isOpen = true;
  }

  /** Zeros of a hole, which may have begun in earlier pieces. */
  *#hole(zeros: Uint8Array, isLast: boolean): Generator<ChunkPart> {
    if (!this.#inHole) {
      yield* this.#close();
      yield { bytes: ZEROS.subarray(0, this.#heldZeros), isHole: true, isLast: false };
      this.#heldZeros = 0;
    }
    yield { bytes: zeros, isHole: true, isLast };
    this.#inHole = !isLast;
    this.#isOpen = !isLast;
  }

  /** Zeros that turned out to be too few for a hole. */
  *#releaseZeros(): Generator<ChunkPart> {
    const count = this.#heldZeros;
    this.#heldZeros = 0;
    yield* this.#data(ZEROS, 0, count);
  }

  *#close(): Generator<ChunkPart> {
    if (!this.#isOpen) return;
    yield { bytes: NOTHING, isHole: this.#inHole, isLast: true };
    this.#isOpen = false;
  }
}

/** The first run of enough zeros at or after `from`. Any such run covers one of the places looked at. */
function nextHole(bytes: Uint8Array, from: number): { start: number; end: number } | undefined {
  let floor = from;
  for (let probe = from + HOLE_SIZE - 1; probe < bytes.length; probe += HOLE_SIZE) {
    if (bytes[probe] !== 0) continue;
    const start = startOfZeros(bytes, probe, floor);
    const end = endOfZeros(bytes, probe);
    if (end - start >= HOLE_SIZE) return { start, end };
    floor = end;
    probe = end - 1;
  }
  return undefined;
}

/** The beginning of the zeros that end before `end`, not before `floor`. */
function startOfZeros(bytes: Uint8Array, end: number, floor: number): number {
  let start = end;
  while (start > floor && bytes[start - 1] === 0) start--;
  return start;
}

function endOfZeros(bytes: Uint8Array, start: number): number {
  let end = start;
  while (end < bytes.length && bytes[end] === 0) end++;
  return end;
}
