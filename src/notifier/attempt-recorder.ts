import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { FinishedAttempt, RecordedAttempt } from '../storage/notifications/notification-claim-store.js';

export interface AttemptRecorderDeps {
  record: (finished: readonly FinishedAttempt[]) => Promise<RecordedAttempt[]>;
  onRecorded: (recorded: readonly RecordedAttempt[]) => void;
  clock: Clock;
  log: Logger;
  /** How long an attempt is kept while it cannot be recorded. After that its claim has expired. */
  giveUpAfterMs: number;
}

const RETRY_MS = 250;
/** Most attempts of one statement. */
const MAX_GROUP = 200;

interface QueuedAttempt {
  finished: FinishedAttempt;
  untilMs: number;
}

/** Records finished attempts in groups: those that end during one statement are written by the next. */
export class AttemptRecorder {
  #queue: QueuedAttempt[] = [];
  #writing: Promise<void> | undefined;

  constructor(private readonly deps: AttemptRecorderDeps) {}

  add(finished: FinishedAttempt): void {
    this.#queue.push({ finished, untilMs: this.deps.clock.monotonicMs() + this.deps.giveUpAfterMs });
    this.#writing ??= this.#write();
  }

  /** Resolves when every attempt added so far is recorded or given up. */
  async flushed(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #write(): Promise<void> {
    const { clock, log } = this.deps;
    while (this.#queue.length > 0) {
      const group = this.#queue.slice(0, MAX_GROUP);
      try {
        const recorded = await this.deps.record(group.map(({ finished }) => finished));
        this.#queue = this.#queue.slice(group.length);
        this.deps.onRecorded(recorded);
      } catch (thrown) {
        log.warn(`could not record attempts; will retry in ${RETRY_MS} ms`, {
          attempts: this.#queue.length,
          err: toError(thrown),
        });
        await clock.sleep(RETRY_MS);
        const now = clock.monotonicMs();
        this.#queue = this.#queue.filter(({ untilMs }) => untilMs > now);
      }
    }
    // Here and not in a `finally` of the promise: an attempt added between the two would never be written.
    this.#writing = undefined;
  }
}
