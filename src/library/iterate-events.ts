/**
 * Runs something that reports events, and gives them as they come, with `copy` for example:
 * `iterateEvents((onEvent) => copy(from, to, { onEvent }))`. Returns what `run` resolves to, and throws what it rejects with. Leaving the loop early does not stop `run`:
 * its `signal` does.
 */
export async function* iterateEvents<Event, Result>(
  run: (onEvent: (event: Event) => void) => Promise<Result>,
): AsyncGenerator<Event, Result> {
  const queue: Event[] = [];
  let wake = (): void => undefined;
  let isDone = false;
  const running = run((event) => {
    queue.push(event);
    wake();
  }).finally(() => {
    isDone = true;
    wake();
  });
  // Its failure is thrown below; until then nobody listens.
  running.catch(() => undefined);
  while (!isDone || queue.length > 0) {
    const event = queue.shift();
    if (event !== undefined) yield event;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
  return await running;
}
