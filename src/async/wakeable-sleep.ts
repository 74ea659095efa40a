import type { Clock } from '../clock.js';

/**
 * The pause of a loop, which `wake` ends early, also if it is called while the loop works. It adds one plain listener
 * per pause, since signals composed with `AbortSignal.any` stay in memory as long as the loop's own signal does.
 */
export class WakeableSleep {
  #woken = new AbortController();

  constructor(private readonly clock: Pick<Clock, 'sleep'>) {}

  /** Call before looking for work: a `wake` from now on ends the next pause. */
  set(): void {
    if (this.#woken.signal.aborted) this.#woken = new AbortController();
  }

  wake(): void {
    this.#woken.abort();
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const woken = this.#woken;
    const onAbort = (): void => woken.abort();
    if (signal.aborted) return;
    signal.addEventListener('abort', onAbort);
    await this.clock.sleep(ms, woken.signal);
    signal.removeEventListener('abort', onAbort);
  }
}
