/** Lets other work of this thread run: heartbeats, requests, answers. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Items per piece that may have 64 KiB each. The event loop is blocked for some 20 ms at most. */
const LONG_ITEMS_AT_ONCE = 20;

/** Converts items that may be long, and yields to the event loop between two pieces of the list. */
export async function convertInPieces<T, Converted>(
  all: readonly T[],
  convert: (item: T) => Converted,
): Promise<Converted[]> {
  const converted: Converted[] = [];
  for (const [index, item] of all.entries()) {
    if (index > 0 && index % LONG_ITEMS_AT_ONCE === 0) await yieldToEventLoop();
    converted.push(convert(item));
  }
  return converted;
}

/** Items per chunk. At 10 µs an item the event loop is blocked for 20 ms at most. */
const AT_ONCE = 2_000;

/**
 * The items in chunks, yielding to the event loop between two of them: for lists whose length only users limit. A list
 * that fits into one chunk causes no pause. State that the items refer to may have changed when the next chunk comes.
 */
export async function* inChunks<T>(all: readonly T[]): AsyncGenerator<readonly T[], void, void> {
  if (all.length <= AT_ONCE) return yield all;
  for (let from = 0; from < all.length; from += AT_ONCE) {
    if (from > 0) await yieldToEventLoop();
    yield all.slice(from, from + AT_ONCE);
  }
}
