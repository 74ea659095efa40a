import type { Clock } from '../clock.js';
import type { Logger } from '../logger.js';

export interface WatchdogDeps {
  /** How long work may be due without an attempt ending. */
  patienceMs: number;
  finished: () => number;
  rebuild: () => Promise<void>;
  clock: Clock;
  log: Logger;
}

/**
 * Notices a notifier that stands still although work is due. First its connections are rebuilt (reads that never return
 * after a reconnect are a known fault of queue libraries); if that does not help, `look` rejects and the process ends,
 * so that its supervisor starts another.
 */
export class Watchdog {
  #lastFinished = -1;
  #sinceMs: number;
  #hasRebuilt = false;

  constructor(private readonly deps: WatchdogDeps) {
    this.#sinceMs = deps.clock.monotonicMs();
  }

  async look(due: number): Promise<void> {
    const { clock, patienceMs, finished, log } = this.deps;
    const now = clock.monotonicMs();
    if (due === 0 || finished() !== this.#lastFinished) {
      this.#lastFinished = finished();
      this.#sinceMs = now;
      this.#hasRebuilt = false;
      return;
    }
    if (now - this.#sinceMs < patienceMs) return;
    if (this.#hasRebuilt)
      throw new Error(`notifications are due and none was attempted for ${Math.round((2 * patienceMs) / 1000)} s`);
    log.error('notifications are due and none is attempted; rebuilding connections', { due });
    this.#hasRebuilt = true;
    this.#sinceMs = now;
    await this.deps.rebuild();
  }
}
