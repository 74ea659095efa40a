import { createSystemClock, type Clock } from '../../clock.js';
import { untilAborted } from '../../async/deadline.js';
import { CircuitBreaker, CircuitOpen } from './circuit-breaker.js';
import type { BackendObserver } from '../datasource.js';
import type { RequestOrigin, QueuePosition } from './queue-ticket.js';
import { FairSemaphore } from './fair-semaphore.js';
import { BackendUnavailable, reasonOf } from '../../http/backend-unavailable.js';
import { NotSent } from './not-sent.js';

export interface BackendGateOptions {
  /** Most requests under way at once; others wait. */
  concurrency: number;
  observer: BackendObserver;
  /**
   * Health probe: a cheap query that any healthy backend of its kind answers at once. Rejects if the backend does not
   * answer.
   */
  probe: () => Promise<unknown>;
  /** Time between two requests while the circuit is open, probes included. */
  retryAfterMs?: number;
  clock?: Pick<Clock, 'monotonicMs'>;
}

/** Sends requests to one backend. */
export interface BackendGate {
  /**
   * Sends a request when it has a permit. An answer that refuses the query is an answer. `origin` is given for requests
   * of one project, so that slow ones can be recognized. `position` orders the waiting requests.
   * @throws NotSent if `position.sendBy` aborts before the request is sent; this does not count for the backend's
   * health.
   * @throws BackendUnavailable when `send` rejects; at once, without sending, while the circuit is open; and as soon as
   * `signal` aborts, whether the request waits or is under way.
   */
  run<T>(send: () => Promise<T>, signal?: AbortSignal, origin?: RequestOrigin, position?: QueuePosition): Promise<T>;
}

interface SendOptions {
  signal: AbortSignal | undefined;
  origin: RequestOrigin | undefined;
  sendBy: AbortSignal | undefined;
}

const RETRY_AFTER_MS = 1_000;
/** A request that takes longer is slow: it uses much of the time of a batch. */
const SLOW_MS = 3_000;
const TOO_LATE = 'no answer in time';

/**
 * Limits what one process sends to one backend: by a semaphore that is fair by project, and by a circuit breaker. While
 * the backend is probed, other requests wait for the result.
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

  async function sendGuarded<T>(send: () => Promise<T>, { signal, origin, sendBy }: SendOptions): Promise<T> {
    await breaker.waitUntilAllowed();
    // Neither case says anything about the backend.
    if (signal?.aborted) throw new BackendUnavailable(TOO_LATE);
    if (sendBy?.aborted) throw new NotSent();
    const startedMs = clock.monotonicMs();
    const recordDuration = (): void => {
      if (origin !== undefined && clock.monotonicMs() - startedMs >= SLOW_MS) semaphore.markSlow(origin);
    };
    try {
      const answer = await send();
      recordDuration();
      breaker.recordSuccess();
      return answer;
    } catch (cause) {
      recordDuration();
      await breaker.recordFailure(reasonFor(cause, signal), cause);
      throw cause;
    }
  }

  return {
    async run(send, signal, origin, position) {
      try {
        const answer = semaphore.run(
          () => sendGuarded(send, { signal, origin, sendBy: position?.sendBy }),
          origin,
          signal,
          position,
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

/** After an abort the error depends on which part notices it first, so the reason is always the same. */
function reasonFor(cause: unknown, signal: AbortSignal | undefined): string {
  return signal?.aborted ? TOO_LATE : reasonOf(cause);
}
