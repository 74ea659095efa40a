import { createSystemClock, type Clock } from '../../clock.js';
import { untilAborted } from '../../async/deadline.js';
import { CircuitBreaker, CircuitOpen } from './circuit-breaker.js';
import type { BackendObserver } from '../datasource.js';
import type { RequestOrigin, QueuePosition } from './queue-ticket.js';
import { FairSemaphore } from './fair-semaphore.js';
import { BackendUnavailable, NotSent, reasonOf } from './backend-unavailable.js';

export interface BackendGateOptions {
  /** Requests under way at once; others wait. */
  concurrency: number;
  observer: BackendObserver;
  /** Asks what is nobody's question and what every backend of its kind answers at once. Rejects where it does not. */
  probe: () => Promise<unknown>;
  /** How long a backend that failed is left alone before it is tried with the probe question. */
  retryAfterMs?: number;
  clock?: Pick<Clock, 'monotonicMs'>;
}

/** The way to one backend. */
export interface BackendGate {
  /**
   * Sends a request when it has a permit. An answer that refuses the request is an answer. `origin` is given for
   * requests of projects: slow ones are remembered. `place` is the place among the waiting requests.
   * @throws NotSent if `place.sendBy` aborts before the request is sent; this does not count for the backend's health.
   * @throws BackendUnavailable when `ask` rejects; at once, without asking, while the backend is being left alone; and as
   * soon as `signal` aborts, be the request waiting or under way.
   */
  run<T>(ask: () => Promise<T>, signal?: AbortSignal, origin?: RequestOrigin, place?: QueuePosition): Promise<T>;
}

interface SendOptions {
  signal: AbortSignal | undefined;
  origin: RequestOrigin | undefined;
  sendBy: AbortSignal | undefined;
}

const RETRY_AFTER_MS = 1_000;
/** A request that takes longer takes much of what a batch has. */
const SLOW_MS = 3_000;
const TOO_LATE = 'no answer in time';

/**
 * Bounds what one process asks of one backend: so many requests at once; and after three failures in a row the probe
 * question, which tells whether the backend is to blame or what it was asked. If it is the backend, nothing is asked
 * but that, and one other question after it, once a second; the first answer lets the others through again. While the
 * probe question is under way the others wait for what it finds.
 */
export function createBackendGate({
  concurrency,
  observer,
  probe,
  retryAfterMs = RETRY_AFTER_MS,
  clock = createSystemClock(),
}: BackendGateOptions): BackendGate {
  const semaphore = new FairSemaphore({ concurrency, clock });
  const breaker = new CircuitBreaker({
    probe,
    observer,
    retryAfterMs,
    clock,
    onOpen: () => semaphore.forgetSlow(),
  });

  async function sendGuarded<T>(ask: () => Promise<T>, { signal, origin, sendBy }: SendOptions): Promise<T> {
    await breaker.pass();
    // Which says nothing about the backend.
    if (signal?.aborted) throw new BackendUnavailable(TOO_LATE);
    if (sendBy?.aborted) throw new NotSent();
    const startedMs = clock.monotonicMs();
    const recordDuration = (): void => {
      if (origin !== undefined && clock.monotonicMs() - startedMs >= SLOW_MS) semaphore.markSlow(origin);
    };
    try {
      const answer = await ask();
      recordDuration();
      breaker.answered();
      return answer;
    } catch (cause) {
      recordDuration();
      await breaker.failed(reasonFor(cause, signal), cause);
      throw cause;
    }
  }

  return {
    async run(ask, signal, origin, place) {
      try {
        const answer = semaphore.run(
          () => sendGuarded(ask, { signal, origin, sendBy: place?.sendBy }),
          origin,
          signal,
          place,
        );
        return await (signal ? untilAborted(answer, signal) : answer);
      } catch (cause) {
        if (cause instanceof NotSent) throw cause;
        throw new BackendUnavailable(cause instanceof CircuitOpen ? cause.message : reasonFor(cause, signal), {
          cause,
        });
      }
    },
  };
}

/** What an aborted request fails with depends on who notices first. */
function reasonFor(cause: unknown, signal: AbortSignal | undefined): string {
  return signal?.aborted ? TOO_LATE : reasonOf(cause);
}
