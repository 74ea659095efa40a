/** Lets other work of this thread run: heartbeats, requests, answers. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Characters per piece: the event loop is blocked for some milliseconds. */
const PIECE_CHARACTERS = 256 * 1024;

/**
 * Converts items, and yields to the event loop after many characters: short lists, as most are, cause no pause.
 * `charactersOf` is the size of an item and its result.
 */
export async function convertInPieces<T, Converted>(
  all: readonly T[],
  convert: (item: T) => Converted,
  charactersOf: (item: T, converted: Converted) => number,
): Promise<Converted[]> {
  const converted: Converted[] = [];
  let characters = 0;
  for (const item of all) {
    if (characters > PIECE_CHARACTERS) {
      await yieldToEventLoop();
      characters = 0;
    }
    const result = convert(item);
    characters += charactersOf(item, result);
    converted.push(result);
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
