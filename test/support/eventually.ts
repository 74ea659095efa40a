import { createSystemClock } from '../../src/clock.js';

const POLL_MS = 20;
const clock = createSystemClock();

/** Runs `check` until it no longer throws, and returns what it returns; after `timeoutMs` its last error is thrown. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = 60_000 }: { timeoutMs?: number } = {},
): Promise<T> {
  const deadline = clock.monotonicMs() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (cause) {
      if (clock.monotonicMs() >= deadline) throw cause;
    }
    await clock.sleep(POLL_MS);
  }
}
