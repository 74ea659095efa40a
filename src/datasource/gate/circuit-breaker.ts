import type { Clock } from '../../clock.js';
import type { BackendObserver } from '../datasource.js';
import { BackendUnavailable, reasonOf } from './backend-unavailable.js';

export interface CircuitBreakerOptions {
  /** Asks what is nobody's question and what every backend of its kind answers at once. Rejects where it does not. */
  probe: () => Promise<unknown>;
  observer: BackendObserver;
  /** Told when the backend turns out to be the one to blame. */
  onOpen: () => void;
  /** How long a backend that failed is left alone before it is asked the probe question again. */
  retryAfterMs: number;
  clock: Pick<Clock, 'monotonicMs'>;
}

/** A backend that is not asked just now, with what was the matter with it. */
export class CircuitOpen extends BackendUnavailable {}

const FAILURES_IN_A_ROW = 3;

/**
 * Tells a backend in trouble from questions that it cannot answer: after three failures in a row it is asked the
 * probe question. Only where that fails too it is left alone, until the probe question, or a single other one after
 * it, is answered; both are asked once a second.
 */
export class CircuitBreaker {
  #failuresInARow = 0;
  /** Since when it is left alone; null while it is not. */
  #leftAloneMs: number | null = null;
  #reason = '';
  #checking: Promise<void> | undefined;

  constructor(private readonly options: CircuitBreakerOptions) {}

  /** Resolves when a question may be asked. @throws LeftAlone */
  async pass(): Promise<void> {
    const { clock, retryAfterMs } = this.options;
    await this.#checking;
    if (!this.#isLeftAlone()) return;
    if (clock.monotonicMs() - (this.#leftAloneMs ?? 0) < retryAfterMs) throw new CircuitOpen(this.#reason);
    const isFirst = this.#checking === undefined;
    await this.#check();
    // The first asks whatever comes of it: should the probe question alone be refused, by a proxy for instance, that
    // is the way back.
    if (this.#isLeftAlone() && !isFirst) throw new CircuitOpen(this.#reason);
  }

  answered(): void {
    this.#failuresInARow = 0;
    this.#leftAloneMs = null;
    this.options.observer.succeeded();
  }

  /** Resolves when it is clear whether the backend is left alone. */
  async failed(reason: string, cause: unknown): Promise<void> {
    this.#failuresInARow += 1;
    const isSuspect = this.#failuresInARow >= FAILURES_IN_A_ROW && !this.#isLeftAlone();
    if (isSuspect) await this.#check();
    this.options.observer.failed(reason, cause, isSuspect && !this.#isLeftAlone());
  }

  #isLeftAlone(): boolean {
    return this.#leftAloneMs !== null;
  }

  #check(): Promise<void> {
    this.#checking ??= this.#probeOctavia().finally(() => (this.#checking = undefined));
    return this.#checking;
  }

  async #probeOctavia(): Promise<void> {
    const { probe, observer, onOpen, clock } = this.options;
    try {
      await probe();
      this.#failuresInARow = 0;
      this.#leftAloneMs = null;
    } catch (cause) {
      this.#reason = reasonOf(cause);
      this.#leftAloneMs = clock.monotonicMs();
      onOpen();
      observer.failed(this.#reason, cause, false);
    }
  }
}
