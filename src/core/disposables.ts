/** Things opened one after another, to be freed together, the last one first. */
export class Disposables implements AsyncDisposable {
  readonly #items: AsyncDisposable[] = [];

  /** Takes the item over, and gives it back for use. */
  use<T extends AsyncDisposable>(item: T): T {
    this.#items.push(item);
    return item;
  }

  /** Frees all of them, also when one fails; the first failure is thrown. A second call does nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let item = this.#items.pop(); item !== undefined; item = this.#items.pop()) {
      try {
        await item[Symbol.asyncDispose]();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** Runs `open` with a list for what it opens: all of it is freed if it fails, and is the result's to free otherwise. */
export async function openingAll<T>(open: (opened: Disposables) => Promise<T>): Promise<T> {
  const opened = new Disposables();
  try {
    return await open(opened);
  } catch (error) {
    await opened[Symbol.asyncDispose]();
    throw error;
  }
}
