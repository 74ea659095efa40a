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
  /** How long the circuit stays open before the backend is probed again. */
  retryAfterMs: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** The circuit is open, so the request was not sent. The message is the reason of the failed probe. */
export class CircuitOpen extends BackendUnavailable {}

const FAILURES_IN_A_ROW = 3;

/**
 * Tells an unavailable backend from queries that it cannot answer. After three failures in a row it probes the backend,
 * and opens the circuit only if the probe fails too. While the circuit is open, the probe and one request after it are
 * sent once a second; the first answer to either closes the circuit.
 */
export class CircuitBreaker {
  #failuresInARow = 0;
  /** When the circuit opened, in milliseconds of the monotonic clock; null while it is closed. */
  #openedMs: number | null = null;
  #reason = '';
  #probing: Promise<void> | undefined;

  constructor(private readonly options: CircuitBreakerOptions) {}

  /** Resolves when a request may be sent. @throws CircuitOpen */
  async waitUntilAllowed(): Promise<void> {
    const { clock, retryAfterMs } = this.options;
    await this.#probing;
    if (!this.#isOpen()) return;
    if (clock.monotonicMs() - (this.#openedMs ?? 0) < retryAfterMs) throw new CircuitOpen(this.#reason);
    const isFirst = this.#probing === undefined;
    await this.#probeOnce();
    // The first request is sent even if the probe failed: it closes the circuit again if only the probe is refused, for
    // instance by a proxy.
    if (this.#isOpen() && !isFirst) throw new CircuitOpen(this.#reason);
  }

  recordSuccess(): void {
    this.#failuresInARow = 0;
    this.#openedMs = null;
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
    return this.#openedMs !== null;
  }

  #probeOnce(): Promise<void> {
    this.#probing ??= this.#sendProbe().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #sendProbe(): Promise<void> {
    const { probe, observer, onOpen, clock } = this.options;
    try {
      await probe();
      this.#failuresInARow = 0;
      this.#openedMs = null;
    } catch (cause) {
      this.#reason = reasonOf(cause);
      this.#openedMs = clock.monotonicMs();
      onOpen();
      observer.failed(this.#reason, cause, false);
    }
  }
}
