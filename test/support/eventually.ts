import { createSystemClock } from '../../src/clock.js';

const POLL_MS = 20;
const clock = createSystemClock();

/** Longer than a busy machine needs for anything: a process that starts on a new embedded database takes a minute. */
const TIMEOUT_MS = 180_000;

/** Runs `check` until it no longer throws, and returns what it returns; after `timeoutMs` its last error is thrown. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { timeoutMs = TIMEOUT_MS }: { timeoutMs?: number } = {},
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

/** Resolves at a moment that a server has named, such as the end of a token: nothing asks for it until then. */
export async function untilMoment(moment: Date): Promise<void> {
  await clock.sleep(moment.getTime() - clock.wallNow().getTime());
}
