/** Milliseconds that most commands take. */
const STARTUP = 150;

/**
 * The binary starts with a compiler that is slow to compile (scripts/build.ts), since little of what a short command runs is run
 * often. A longer one is worth compiling again.
 */
export function compileAsUsualSoon(): void {
  if (typeof Bun === "undefined") return;
  setTimeout(() => Bun.unsafe.setJITPolicy(1), STARTUP).unref();
}
