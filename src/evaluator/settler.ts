import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { NotifierWaker } from '../notifier/waker.js';
import type { SettleAlarms } from '../storage/silences/settle-store.js';
import type { Telemetry } from '../telemetry.js';

/** Dependencies of the settler. */
export interface SettlerDeps {
  settle: SettleAlarms;
  waker: NotifierWaker;
  clock: Pick<Clock, 'now'>;
  log: Logger;
  telemetry: Pick<Telemetry, 'alarmsSilenced'>;
  memberId: string;
  /** False once the lease of this member is too old to be relied on. */
  mayCommit: () => boolean;
}

/**
 * Settles the alarms of partitions when a scheduled batch of these begins, so once an interval: it releases the
 * notifications that a silence has held, if none holds them any more. They replace the repeat of that interval.
 * It comes before the evaluation. After it, a slow backend would delay the release, and an alarm that returns in this
 * batch would send its return only: receivers that scale back on `ok` would act on a state that they were never told.
 */
export class Settler {
  /** Alarms whose notifications were released, by partition, until the next scheduled batch of the partition. */
  readonly #released = new Map<number, Set<string>>();
  readonly #held = new Map<number, number>();

  constructor(private readonly deps: SettlerDeps) {}

  /**
   * Never rejects: a settlement that fails is repeated with the next batch. `onAdvance` is called after each statement.
   */
  async settle(partitions: readonly { id: number; epoch: number }[], onAdvance?: () => void): Promise<void> {
    const { settle, clock, log, memberId, mayCommit } = this.deps;
    for (const { id } of partitions) this.#released.delete(id);
    if (!mayCommit()) return;
    try {
      const { settled, held } = await settle({ memberId, partitions, now: clock.now(), onStatement: onAdvance });
      this.#note(
        partitions.map(({ id }) => id),
        held,
      );
      let released = 0;
      for (const alarm of settled) {
        if (alarm.released === 0) continue;
        released += alarm.released;
        this.#releasedIn(alarm.partition).add(alarm.id);
        log.info('no silence holds the alarm any more: its notifications are sent', {
          alarmId: alarm.id,
          notifications: alarm.released,
        });
      }
      if (released > 0) this.deps.waker.wake(released);
    } catch (thrown) {
      log.warn('alarms whose silence has ended could not be settled; will retry', { err: toError(thrown) });
    }
  }

  /** True if the repeat of an alarm in this interval is replaced by notifications that were released. */
  replacesRepeat({ alarmId, partition }: { alarmId: string; partition: number }): boolean {
    return this.#released.get(partition)?.has(alarmId) ?? false;
  }

  /** Forgets partitions that this member has lost. */
  drop(ids: readonly number[]): void {
    for (const id of ids) this.#released.delete(id);
    this.#note(ids, []);
  }

  #releasedIn(partition: number): Set<string> {
    const known = this.#released.get(partition);
    if (known) return known;
    const made = new Set<string>();
    this.#released.set(partition, made);
    return made;
  }

  #note(partitions: readonly number[], held: readonly number[]): void {
    for (const id of partitions) this.#held.delete(id);
    for (const id of held) this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    this.deps.telemetry.alarmsSilenced.set([...this.#held.values()].reduce((sum, alarms) => sum + alarms, 0));
  }
}
