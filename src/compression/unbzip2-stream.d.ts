declare module "unbzip2-stream" {
  import type { EventEmitter } from "node:events";

  /** A stream of the old kind: what is written is decompressed at once, and given to listeners of "data". */
  interface Unbzip2Stream extends EventEmitter {
    write(chunk: Uint8Array): boolean;
    end(): void;
  }
  function unbzip2(): Unbzip2Stream;
  export = unbzip2;
}
