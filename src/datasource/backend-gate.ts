import { bulkhead, circuitBreaker, ConsecutiveBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';

import { untilAborted } from '../until-aborted.js';
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
   * @throws BackendTrouble when `ask` rejects; at once, without asking, while the backend is being left alone; and as soon as `signal`
   *   aborts, be the request waiting or under way.
   */
  run<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const RETRY_AFTER_MS = 1_000;
const FAILURES_IN_A_ROW = 3;
const TOO_LATE = 'no answer in time';

/** The signal aborted before it was this request's turn, which says nothing about the backend. */
class NotAsked extends BackendTrouble {}

/**
 * Bounds what one process asks of one backend: so many requests at once, and after three failures in a row a single one a second, whose success
 * lets the others through again. While that one is under way the others wait for what it finds.
 */
export function createBackendGate({ concurrency, observer, retryAfterMs = RETRY_AFTER_MS }: BackendGateOptions): BackendGate {
  const isFailure = handleWhen((thrown) => !(thrown instanceof NotAsked));
  const breaker = circuitBreaker(isFailure, { halfOpenAfter: retryAfterMs, breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW) });
  const queue = bulkhead(concurrency, Infinity);
  let latest = 'it did not answer lately';

  async function observed<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    try {
      const answer = await ask();
      observer.succeeded();
      return answer;
    } catch (cause) {
      latest = reasonFor(cause, signal);
      observer.failed(latest, cause);
      throw cause;
    }
  }

  /** The library would leave the queue standing when its head has been aborted, so it is not told of the signal. */
  function inTurn<T>(ask: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const askIfWanted = async (): Promise<T> => {
      if (signal?.aborted) throw new NotAsked(TOO_LATE);
      return observed(ask, signal);
    };
    return queue.execute(() => {
      if (signal?.aborted) throw new NotAsked(TOO_LATE);
      return breaker.execute(askIfWanted);
    });
  }

  return {
    async run(ask, signal) {
      try {
        const answer = inTurn(ask, signal);
        return await (signal ? untilAborted(answer, signal) : answer);
      } catch (cause) {
        throw new BackendTrouble(isBrokenCircuitError(cause) ? latest : reasonFor(cause, signal), { cause });
      }
    },
  };
}

/** What an aborted request fails with depends on who notices first. */
function reasonFor(cause: unknown, signal: AbortSignal | undefined): string {
  return signal?.aborted ? TOO_LATE : reasonOf(cause);
}
