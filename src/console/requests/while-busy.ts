import { after } from '../shell/clock.js';
import { RequestRefused } from './client.js';

/** Mean time between two attempts. A random part keeps the tabs of a browser from sending at one moment. */
const WAIT_MS = 1_000;
const MOST_ATTEMPTS = 60;

/**
 * Sends a request again while the share of the project is used up (429), for about a minute: other tabs and other users
 * have requests under way.
 */
export async function retriedWhileBusy<Value>(signal: AbortSignal, send: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await send();
    } catch (thrown) {
      const isBusy = thrown instanceof RequestRefused && thrown.status === 429;
      if (!isBusy || attempt === MOST_ATTEMPTS || signal.aborted) throw thrown;
    }
    await new Promise<void>((resolve) => after(WAIT_MS * (0.5 + Math.random()), resolve));
    signal.throwIfAborted();
  }
}
