import { formatDuration } from "./duration.ts";

/** Why a run was cut short from outside. Operations take it for an abort; the program exits with its code. */
export class Cancelled extends Error {
  override readonly name = "AbortError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** A running command's end from outside. Disposing stops the clock and listens no more. */
export interface Cancellation extends Disposable {
  readonly signal: AbortSignal;
}

/** Exit codes of processes that a signal ended, as shells report them: 128 and the signal's number. */
const SIGNALS: Readonly<Record<"SIGINT" | "SIGTERM", number>> = { SIGINT: 130, SIGTERM: 143 };
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Aborts on the first SIGINT or SIGTERM, and after `timeout` milliseconds where that is positive.
 * A second signal ends the process at once.
 */
export function createCancellation(timeout: number): Cancellation {
  const controller = new AbortController();
  const listeners = Object.entries(SIGNALS).map(([name, exitCode]) => {
    const listener = (): void => {
      if (controller.signal.aborted) process.exit(exitCode);
      controller.abort(new Cancelled(`interrupted by ${name}`, exitCode));
    };
    process.on(name, listener);
    return { name, listener };
  });
  const timer =
    timeout > 0 && timeout <= LONGEST_TIMER
      ? setTimeout(() => controller.abort(deadlineExceeded(timeout)), timeout)
      : undefined;
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const { name, listener } of listeners) process.removeListener(name, listener);
    },
  };
}

/** Ends as the message of every Go program does; scripts look for it. */
function deadlineExceeded(timeout: number): Cancelled {
  const message = `not done within the command timeout of ${formatDuration(timeout)}: context deadline exceeded`;
  return new Cancelled(message, 1);
}
