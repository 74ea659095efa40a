import type { Clock } from '../../clock.js';
import type { BackendObserver } from '../datasource.js';
import { BackendUnavailable, reasonOf } from '../../http/backend-unavailable.js';

export interface CircuitBreakerOptions {
  /**
   * Health probe: a cheap query that any healthy backend of its kind answers at once. Rejects if the backend does not
   * answer.
   */
  probe: () => Promise<unknown>;
  observer: BackendObserver;
  /** Called when the circuit opens. */
  onOpen: () => void;
  /** Time between two requests while the circuit is open, probes included. */
  retryAfterMs: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** The circuit is open, so the request was not sent. The message is the reason of the failed probe. */
export class CircuitOpen extends BackendUnavailable {}

const FAILURES_IN_A_ROW = 3;

/**
 * Tells an unavailable backend from queries that it cannot answer. After three failures in a row it probes the backend,
 * and opens the circuit only if the probe fails too. While the circuit is open, the probe and one of the requests
 * alternate, one a second on average: after a pause of two seconds both are sent. The first answer to either closes the
 * circuit.
 */
export class CircuitBreaker {
  #failuresInARow = 0;
  /**
   * When the circuit opened, or something was sent since then, in milliseconds of the monotonic clock; null while the
   * circuit is closed.
   */
  #lastSentMs: number | null = null;
  #isRequestNext = false;
  #reason = '';
  #probing: Promise<void> | undefined;

  constructor(private readonly options: CircuitBreakerOptions) {}

  /** Resolves when a request may be sent. @throws CircuitOpen */
  async waitUntilAllowed(): Promise<void> {
    const { clock, retryAfterMs } = this.options;
    do await this.#probing;
    while (this.#probing);
    if (!this.#isOpen()) return;
    const quietMs = clock.monotonicMs() - (this.#lastSentMs ?? 0);
    if (quietMs < retryAfterMs) throw new CircuitOpen(this.#reason);
    if (!this.#isRequestNext) {
      this.#isRequestNext = true;
      await this.#probeOnce();
      if (!this.#isOpen()) return;
      if (quietMs < 2 * retryAfterMs) throw new CircuitOpen(this.#reason);
    }
    // A request is sent although the last probe failed: its answer closes the circuit if only the probe is refused, for
    // instance by a proxy.
    this.#isRequestNext = false;
    this.#lastSentMs = clock.monotonicMs();
  }

  recordSuccess(): void {
    this.#close();
    this.options.observer.succeeded();
  }

  /** Counts a failure, and resolves when it is known whether the circuit is open. */
  async recordFailure(reason: string, cause: unknown): Promise<void> {
    this.#failuresInARow += 1;
    const isProbeDue = this.#failuresInARow >= FAILURES_IN_A_ROW && !this.#isOpen();
    if (isProbeDue) await this.#probeOnce();
    this.options.observer.failed(reason, cause, isProbeDue && !this.#isOpen());
  }

  #isOpen(): boolean {
    return this.#lastSentMs !== null;
  }

  #close(): void {
    this.#failuresInARow = 0;
    this.#lastSentMs = null;
    this.#isRequestNext = false;
  }

  #probeOnce(): Promise<void> {
    this.#probing ??= this.#sendProbe().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #sendProbe(): Promise<void> {
    const { probe, observer, onOpen, clock } = this.options;
    try {
      await probe();
      this.#close();
    } catch (cause) {
      this.#reason = reasonOf(cause);
      this.#lastSentMs = clock.monotonicMs();
      onOpen();
      observer.failed(this.#reason, cause, false);
    }
  }
}
