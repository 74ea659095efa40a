import { bulkhead, circuitBreaker, ConsecutiveBreaker, handleAll, isBrokenCircuitError, wrap } from 'cockatiel';

import type { BackendObserver } from './datasource.js';
import { BackendTrouble, reasonOf } from './trouble.js';

export interface BackendGateOptions {
  /** Requests under way at once; others wait. */
  concurrency: number;
  observer: BackendObserver;
  /** How long a backend that failed is left alone before it is tried with one request. */
  retryAfterMs?: number;
}

/** The way to one backend. */
export interface BackendGate {
  /**
   * Asks, when it is its turn. An answer that refuses a question is an answer.
   * @throws BackendTrouble when `ask` rejects; at once, without asking, while the backend is being left alone.
   */
  run<T>(ask: () => Promise<T>): Promise<T>;
}

const RETRY_AFTER_MS = 1_000;
const FAILURES_IN_A_ROW = 3;

/**
 * Bounds what one process asks of one backend: so many requests at once, and after three failures in a row a single one a second, whose success
 * lets the others through again. While that one is under way the others wait for what it finds.
 */
export function createBackendGate({ concurrency, observer, retryAfterMs = RETRY_AFTER_MS }: BackendGateOptions): BackendGate {
  const breaker = circuitBreaker(handleAll, { halfOpenAfter: retryAfterMs, breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW) });
  const policy = wrap(bulkhead(concurrency, Infinity), breaker);
  let latest = 'it did not answer lately';

  async function observed<T>(ask: () => Promise<T>): Promise<T> {
    try {
      const answer = await ask();
      observer.succeeded();
      return answer;
    } catch (cause) {
      latest = reasonOf(cause);
      observer.failed(latest, cause);
      throw cause;
    }
  }

  return {
    async run(ask) {
      try {
        return await policy.execute(() => observed(ask));
      } catch (cause) {
        throw new BackendTrouble(isBrokenCircuitError(cause) ? latest : reasonOf(cause), { cause });
      }
    },
  };
}
