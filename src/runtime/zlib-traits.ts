/** Whether zstd of `node:zlib` goes on after the end of a frame, as the format asks. Node stops there, without an error. */
export const readsConcatenatedZstd: boolean = typeof Bun !== "undefined";
