import { once, type EventEmitter } from 'node:events';

/**
 * Waits for the first of some events, and then removes its listeners from the emitter, so that repeated waiting leaks
 * none. Rejects with the error of an `error` event.
 */
export async function firstEvent(emitter: EventEmitter, names: readonly string[]): Promise<void> {
  const settled = new AbortController();
  try {
    await Promise.race(names.map((name) => once(emitter, name, { signal: settled.signal })));
  } finally {
    settled.abort();
  }
}
