import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { NumbersByProject } from '../storage/notifications/hourly-limit-store.js';
import type { NotificationClaimStore } from '../storage/notifications/notification-claim-store.js';

/** Dependencies of the counter of hours. */
export interface HourCounterDeps {
  store: Pick<NotificationClaimStore, 'addToHours' | 'beginHours'>;
  clock: Clock;
  log: Logger;
  /** Notifications of a project in an hour before its repeats wait for the end of the hour; 0: nothing is counted. */
  perProjectAndHour: number;
}

const RETRY_MS = 500;
/** Tries after which it is logged that a count waits: mostly another notifier counts for a moment. */
const LOGGED_TRY = 4;
/** How long counts are tried again while the notifier stops. */
const STOP_MS = 2_000;

/**
 * Counts claimed notifications for the hourly limits of their projects, beside their deliveries: a count that waits for
 * a lock delays none. A count that is locked or fails is done again, together with those added meanwhile.
 */
export class HourCounter {
  #uncounted = new Map<string, number>();
  #counting: Promise<void> | undefined;
  #giveUpAtMs = Infinity;

  constructor(private readonly deps: HourCounterDeps) {}

  add(numbers: NumbersByProject): void {
    if (this.deps.perProjectAndHour === 0) return;
    this.#keep(numbers);
    if (this.#uncounted.size > 0) this.#counting ??= this.#countAll();
  }

  /** Resolves when all is counted. It gives up what it still cannot count after 2 seconds. Call it at the stop. */
  async flushed(): Promise<void> {
    this.#giveUpAtMs = this.deps.clock.monotonicMs() + STOP_MS;
    await this.#counting;
  }

  #keep(numbers: NumbersByProject): void {
    for (const [project, number] of numbers) this.#uncounted.set(project, (this.#uncounted.get(project) ?? 0) + number);
  }

  async #countAll(): Promise<void> {
    const { clock, log } = this.deps;
    for (let tries = 1; ; tries += 1) {
      const { isLeft, failure } = await this.#count();
      if (this.#uncounted.size === 0) break;
      if (!isLeft) {
        tries = 0;
        continue; // only numbers that were added meanwhile
      }
      const fields = { projects: this.#uncounted.size, err: failure };
      if (clock.monotonicMs() >= this.#giveUpAtMs) {
        log.warn('claimed notifications are not counted for limits.notifications_per_hour', fields);
        break;
      }
      if (tries === LOGGED_TRY) {
        log.warn('could not count claimed notifications for limits.notifications_per_hour; will retry', fields);
      }
      await clock.sleep(RETRY_MS);
    }
    // Here and not in a `finally` of the promise: numbers added between the two would never be counted.
    this.#counting = undefined;
  }

  /** Counts what it can. Returns whether others are left, and why; without a failure they are locked. */
  async #count(): Promise<{ isLeft: boolean; failure?: Error }> {
    const { store, clock, log, perProjectAndHour } = this.deps;
    let numbers: NumbersByProject = this.#uncounted;
    this.#uncounted = new Map();
    // In two transactions: one that has counted in some hours and waits to begin another could end in a deadlock.
    for (const count of [store.addToHours, store.beginHours]) {
      if (numbers.size === 0) break;
      try {
        const { projects, limited } = await count(numbers, { now: clock.now(), perProjectAndHour });
        numbers = new Map([...numbers].filter(([project]) => !projects.has(project)));
        for (const projectId of limited) {
          log.warn('a project has reached limits.notifications_per_hour; its repeats wait', { projectId });
        }
      } catch (thrown) {
        this.#keep(numbers);
        return { isLeft: true, failure: toError(thrown) };
      }
    }
    this.#keep(numbers);
    return { isLeft: numbers.size > 0 };
  }
}
