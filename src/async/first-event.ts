import { once, type EventEmitter } from 'node:events';

/**
 * Resolves at the first of these events and removes its listeners, so that repeated calls leak none. Rejects with the
 * error of an `error` event.
 */
export async function firstEvent(emitter: EventEmitter, names: readonly string[]): Promise<void> {
  const settled = new AbortController();
  try {
    await Promise.race(names.map((name) => once(emitter, name, { signal: settled.signal })));
  } finally {
    settled.abort();
  }
}
