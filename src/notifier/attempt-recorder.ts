import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { FinishedAttempt, RecordedAttempt } from '../storage/notifications/notification-claim-store.js';

export interface AttemptRecorderDeps {
  record: (finished: readonly FinishedAttempt[]) => Promise<RecordedAttempt[]>;
  onRecorded: (recorded: readonly RecordedAttempt[]) => void;
  clock: Clock;
  log: Logger;
  /** After so long a claim has run out, and what became of the attempt is no longer ours to say. */
  giveUpAfterMs: number;
}

const RETRY_MS = 250;
const AT_ONCE = 200;

interface Waiting {
  finished: FinishedAttempt;
  untilMs: number;
}

/** Writes outcomes down in groups: all that ended while the statement before was under way go with the next. */
export class AttemptRecorder {
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  constructor(private readonly deps: AttemptRecorderDeps) {}

  add(finished: FinishedAttempt): void {
    this.#waiting.push({ finished, untilMs: this.deps.clock.monotonicMs() + this.deps.giveUpAfterMs });
    this.#writing ??= this.#write();
  }

  /** Resolves when everything added so far is written, or given up. */
  async settled(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    const { clock, log } = this.deps;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.slice(0, AT_ONCE);
      try {
        const recorded = await this.deps.record(group.map(({ finished }) => finished));
        this.#waiting = this.#waiting.slice(group.length);
        this.deps.onRecorded(recorded);
      } catch (thrown) {
        log.warn('outcomes could not be recorded, trying again', {
          outcomes: this.#waiting.length,
          err: toError(thrown),
        });
        await clock.sleep(RETRY_MS);
        const now = clock.monotonicMs();
        this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > now);
      }
    }
    // Here, not when the promise has settled: what is added in between would be written by nobody
    this.#writing = undefined;
  }
}
