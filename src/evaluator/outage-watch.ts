import type { HeldAlarm } from './held-alarm.js';

/** Times of the outage watch. */
export interface OutageWatchDeps {
  /** How long an alarm keeps its state while a backend is unavailable. */
  graceMs: number;
  /** Time until an alarm in an outage is evaluated again. The real time varies by a quarter. */
  retryAfterMs: number;
  /** A number in [0, 1). */
  random: () => number;
}

/** An evaluation: scheduled, or a retry between two scheduled ones. */
export interface EvaluationPass {
  now: Date;
  isRetry: boolean;
}

/** An alarm in an outage that is to be evaluated again. */
export interface Retry {
  readonly alarmId: string;
  readonly partition: number;
  /** The scheduled evaluation before this retry. */
  readonly scheduledMs: number;
}

type Watched = Pick<HeldAlarm, 'id' | 'partition' | 'definitionVersion'>;

interface AlarmInOutage {
  readonly definitionVersion: number;
  sinceMs: number;
  scheduledMs: number;
  /** The last evaluation, also one for which no request was sent. */
  evaluatedMs: number;
  /** The alarm was judged since its last scheduled evaluation. */
  isJudged: boolean;
  /** Infinity while a batch evaluates the alarm. */
  retryAtMs: number;
}

const JITTER = 0.25;

/**
 * The alarms that cannot be judged because a backend is unavailable, and since when. Kept in memory only: a new owner
 * of a partition starts the grace anew.
 */
export class OutageWatch {
  readonly #partitions = new Map<number, Map<string, AlarmInOutage>>();

  constructor(private readonly deps: OutageWatchDeps) {}

  /** The number of alarms in an outage. */
  get size(): number {
    let alarms = 0;
    for (const some of this.#partitions.values()) alarms += some.size;
    return alarms;
  }

  /**
   * An evaluation found a backend unavailable. True if the alarm is to be judged without the backend: when the outage
   * has lasted as long as the grace, once for each scheduled evaluation. Until then it keeps its state.
   */
  recordUnavailable(alarm: Watched, { now, isRetry }: EvaluationPass): boolean {
    const nowMs = now.getTime();
    const known = this.#find(alarm.id, alarm.partition);
    const entry: AlarmInOutage =
      known?.definitionVersion === alarm.definitionVersion
        ? known
        : {
            definitionVersion: alarm.definitionVersion,
            sinceMs: nowMs,
            scheduledMs: nowMs,
            evaluatedMs: nowMs,
            isJudged: false,
            retryAtMs: Infinity,
          };
    if (!isRetry) Object.assign(entry, { scheduledMs: nowMs, isJudged: false });
    entry.evaluatedMs = nowMs;
    const isJudged = !entry.isJudged && nowMs - entry.sinceMs >= this.deps.graceMs;
    entry.isJudged ||= isJudged;
    const alarms = this.#partitions.get(alarm.partition) ?? new Map<string, AlarmInOutage>();
    this.#partitions.set(alarm.partition, alarms.set(alarm.id, entry));
    return isJudged;
  }

  /** The alarm was due, and no request was sent in time. The grace is paused, since the backend is not the cause. */
  pauseGrace({ id, partition }: Pick<Watched, 'id' | 'partition'>, now: Date): void {
    const known = this.#find(id, partition);
    if (known === undefined) return;
    known.sinceMs += now.getTime() - known.evaluatedMs;
    known.scheduledMs = known.evaluatedMs = now.getTime();
  }

  /** A catch-up batch evaluates the alarm instead of its scheduled batch. */
  recordElsewhere({ id, partition }: Pick<Watched, 'id' | 'partition'>, now: Date): void {
    const known = this.#find(id, partition);
    if (known !== undefined) known.scheduledMs = now.getTime();
  }

  /**
   * The answers were enough for a verdict. True for the first result since the last scheduled evaluation: only that one
   * is counted and may repeat actions.
   */
  recordAnswered({ id, partition }: Watched, { isRetry }: EvaluationPass): boolean {
    const known = this.#find(id, partition);
    if (known !== undefined) this.#forget(id, partition);
    return !isRetry || !known?.isJudged;
  }

  /** A scheduled batch of these partitions starts: their alarms are not retried until it ends. */
  begin(partitions: Iterable<number>): void {
    for (const id of partitions) for (const entry of this.#in(id)) entry.retryAtMs = Infinity;
  }

  /**
   * A scheduled batch has evaluated these partitions. An alarm that it did not find in an outage is deleted, changed,
   * or outside its time constraints.
   */
  recordEvaluatedAll(partitions: Iterable<number>, scheduledAt: Date): void {
    for (const partition of partitions) {
      for (const [id, { scheduledMs }] of this.#partitions.get(partition) ?? [])
        if (scheduledMs < scheduledAt.getTime()) this.#forget(id, partition);
    }
  }

  /** The batch of these partitions is over, with or without success. */
  end(partitions: Iterable<number>, nowMs: number): void {
    const retryAtMs = this.#retryTime(nowMs);
    for (const id of partitions) for (const entry of this.#in(id)) entry.retryAtMs = retryAtMs;
  }

  /** The time of the next retry; Infinity if there is none. */
  nextRetryMs(): number {
    let next = Infinity;
    for (const id of this.#partitions.keys())
      for (const { retryAtMs } of this.#in(id)) next = Math.min(next, retryAtMs);
    return next;
  }

  /** Takes the retries that are due. Alarms of a busy partition are left to its scheduled batch. */
  takeDue(nowMs: number, isBusy: (partition: number) => boolean): Retry[] {
    const due: Retry[] = [];
    for (const [partition, alarms] of this.#partitions) {
      const mayBeTaken = !isBusy(partition);
      for (const [alarmId, entry] of alarms) {
        if (entry.retryAtMs > nowMs) continue;
        entry.retryAtMs = Infinity;
        if (mayBeTaken) due.push({ alarmId, partition, scheduledMs: entry.scheduledMs });
      }
    }
    return due;
  }

  /** False if the alarm had a scheduled evaluation after this retry was taken. */
  isCurrent({ alarmId, partition, scheduledMs }: Retry): boolean {
    return this.#find(alarmId, partition)?.scheduledMs === scheduledMs;
  }

  /** These evaluations are over. Alarms that are still in an outage wait for their next retry. */
  putBack(retries: readonly Pick<Retry, 'alarmId' | 'partition'>[], nowMs: number): void {
    const retryAtMs = this.#retryTime(nowMs);
    for (const { alarmId, partition } of retries) {
      const entry = this.#find(alarmId, partition);
      if (entry) entry.retryAtMs = Math.min(entry.retryAtMs, retryAtMs);
    }
  }

  /** This evaluator has lost or released these partitions. */
  drop(partitions: Iterable<number>): void {
    for (const id of partitions) this.#partitions.delete(id);
  }

  #find(alarmId: string, partition: number): AlarmInOutage | undefined {
    return this.#partitions.get(partition)?.get(alarmId);
  }

  #in(partition: number): Iterable<AlarmInOutage> {
    return this.#partitions.get(partition)?.values() ?? [];
  }

  #forget(alarmId: string, partition: number): void {
    const alarms = this.#partitions.get(partition);
    alarms?.delete(alarmId);
    if (alarms?.size === 0) this.#partitions.delete(partition);
  }

  /** One time for all alarms of a batch, so that they share requests. The jitter keeps evaluators apart. */
  #retryTime(nowMs: number): number {
    const { retryAfterMs, random } = this.deps;
    return nowMs + retryAfterMs * (1 - JITTER + 2 * JITTER * random());
  }
}
