/** Lets everything else go on that waits for this thread: heartbeats, requests, answers. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** So many at once: what costs ten microseconds each then keeps others waiting for twenty milliseconds. */
const AT_ONCE = 2_000;

/**
 * All of a long list in pieces, with a turn for others between two of them: for lists whose length only users limit. A
 * short list is one piece, after which nobody waits. Whatever the list is about may have changed when the next piece
 * comes.
 */
export async function* inChunks<T>(all: readonly T[]): AsyncGenerator<readonly T[], void, void> {
  if (all.length <= AT_ONCE) return yield all;
  for (let from = 0; from < all.length; from += AT_ONCE) {
    if (from > 0) await yieldToEventLoop();
    yield all.slice(from, from + AT_ONCE);
  }
}
