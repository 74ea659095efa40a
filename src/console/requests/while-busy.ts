import { rest } from '../shell/clock.js';
import { RequestRefused } from './client.js';

/** Mean wait before another attempt. A random part keeps the tabs of a browser from sending at one moment. */
const WAIT_MS = 1_000;
/** Most time between the first attempt and the last one, without the time of the requests. */
const MOST_WAITED_MS = 60_000;

/**
 * Sends a request again while the share of the project is used up (429), for about a minute: other tabs and other users
 * have requests under way. It waits at least as long as the service says.
 */
export async function retriedWhileBusy<Value>(signal: AbortSignal, send: () => Promise<Value>): Promise<Value> {
  for (let waitedMs = 0; ;) {
    try {
      return await send();
    } catch (thrown) {
      if (!(thrown instanceof RequestRefused) || thrown.status !== 429 || signal.aborted) throw thrown;
      const waitMs = Math.max((thrown.retryAfterS ?? 0) * 1_000, WAIT_MS / 2) + WAIT_MS * Math.random();
      waitedMs += waitMs;
      if (waitedMs > MOST_WAITED_MS) throw thrown;
      await rest(waitMs, signal);
    }
    signal.throwIfAborted();
  }
}
