import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';

export interface WatchdogDeps {
  /** How long notifications may be due without the end of an attempt. */
  timeoutMs: number;
  /** Number of attempts that have ended since the start. */
  finished: () => number;
  /** Reopens the connections of the notifier. */
  rebuild: () => Promise<void>;
  clock: Clock;
  log: Logger;
}

/**
 * Detects a notifier that makes no attempts although notifications are due. After the first time-out it rebuilds the
 * connections, since queue libraries are known for reads that never return after a reconnect. After the second, `check`
 * rejects, and the process ends so that its supervisor starts a new one.
 */
export class Watchdog {
  #lastFinished = -1;
  #sinceMs: number;
  #hasRebuilt = false;

  constructor(private readonly deps: WatchdogDeps) {
    this.#sinceMs = deps.clock.monotonicMs();
  }

  /** Call at each sweep. `due`: number of stalled notifications. */
  async check(due: number): Promise<void> {
    const { clock, timeoutMs, finished, log } = this.deps;
    const now = clock.monotonicMs();
    if (due === 0 || finished() !== this.#lastFinished) {
      this.#lastFinished = finished();
      this.#sinceMs = now;
      this.#hasRebuilt = false;
      return;
    }
    if (now - this.#sinceMs < timeoutMs) return;
    if (this.#hasRebuilt)
      throw new Error(`notifications are due, but no attempt ended for ${Math.round((2 * timeoutMs) / 1000)} s`);
    log.error('notifications are due, but no attempt ends; rebuilding the connections', { due });
    this.#hasRebuilt = true;
    this.#sinceMs = now;
    await this.deps.rebuild();
  }
}
