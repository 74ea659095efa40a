import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type {
  FinishedAttempt,
  RecordedAttempt,
  RecordedAttempts,
} from '../storage/notifications/notification-claim-store.js';

export interface AttemptRecorderDeps {
  record: (finished: readonly FinishedAttempt[]) => Promise<RecordedAttempts>;
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
  /** True if it was locked before, and this is logged. */
  wasLocked?: boolean;
}

/**
 * Records finished attempts in groups: those that end during one statement are written by the next. An attempt whose
 * notification another transaction has locked is recorded later, and delays no other.
 */
export class AttemptRecorder {
  #queue: QueuedAttempt[] = [];
  /** Pauses of attempts that were locked. */
  readonly #pauses = new Set<Promise<void>>();
  #writing: Promise<void> | undefined;

  constructor(private readonly deps: AttemptRecorderDeps) {}

  add(finished: FinishedAttempt): void {
    this.#enqueue({ finished, untilMs: this.deps.clock.monotonicMs() + this.deps.giveUpAfterMs });
  }

  /** Resolves when every attempt added so far is recorded or given up. */
  async flushed(): Promise<void> {
    while (this.#writing || this.#pauses.size > 0) await Promise.all([this.#writing, ...this.#pauses]);
  }

  #enqueue(attempt: QueuedAttempt): void {
    this.#queue.push(attempt);
    this.#writing ??= this.#write();
  }

  /** Records attempts again after a pause, unless their claims have expired by then. */
  #postpone(locked: readonly QueuedAttempt[]): void {
    const { clock, log } = this.deps;
    if (locked.length === 0) return;
    const attempts = locked.filter(({ wasLocked }) => !wasLocked).length;
    if (attempts > 0) log.warn('notifications are locked by other transactions; will retry', { attempts });
    for (const one of locked) one.wasLocked = true;
    const pause: Promise<void> = clock.sleep(RETRY_MS).then(() => {
      this.#pauses.delete(pause);
      for (const one of this.#withClaim(locked)) this.#enqueue(one);
    });
    this.#pauses.add(pause);
  }

  /** Those of the attempts whose claims have not expired. The others are dropped. */
  #withClaim(attempts: readonly QueuedAttempt[]): QueuedAttempt[] {
    const now = this.deps.clock.monotonicMs();
    const kept = attempts.filter(({ untilMs }) => untilMs > now);
    this.#logDropped(attempts.length - kept.length);
    return kept;
  }

  #logDropped(attempts: number): void {
    if (attempts > 0) this.deps.log.warn('outcomes of attempts dropped: their claims have ended', { attempts });
  }

  async #write(): Promise<void> {
    const { clock, log } = this.deps;
    while (this.#queue.length > 0) {
      const group = this.#queue.slice(0, MAX_GROUP);
      try {
        const { recorded, locked } = await this.deps.record(group.map(({ finished }) => finished));
        this.#queue = this.#queue.slice(group.length);
        this.#postpone(group.filter(({ finished }) => locked.includes(finished)));
        this.#logDropped(group.length - recorded.length - locked.length);
        this.deps.onRecorded(recorded);
      } catch (thrown) {
        log.warn(`could not record attempts; will retry in ${RETRY_MS} ms`, {
          attempts: this.#queue.length,
          err: toError(thrown),
        });
        await clock.sleep(RETRY_MS);
        this.#queue = this.#withClaim(this.#queue);
      }
    }
    // Here and not in a `finally` of the promise: an attempt added between the two would never be written.
    this.#writing = undefined;
  }
}
