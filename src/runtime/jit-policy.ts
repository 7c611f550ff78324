/** Milliseconds that most commands take. */
const STARTUP = 150;

/**
 * The binary starts reluctant to compile what it interprets (scripts/build.ts), since a short command runs little of it often. From
 * now on, soon, it compiles as usual: for a longer command that is worth it.
 */
export function compileAsUsualSoon(): void {
  if (typeof Bun === "undefined") return;
  setTimeout(() => Bun.unsafe.setJITPolicy(1), STARTUP).unref();
}
