import type { HeldAlarm } from './held-alarm.js';

export interface OutageWatchDeps {
  /** How long an alarm keeps its state while a backend that it needs cannot be asked. */
  graceMs: number;
  /** After how long an alarm in trouble is looked at again, outside its scheduledAt; give or take a quarter. */
  retryAfterMs: number;
  /** In [0, 1). */
  random: () => number;
}

/** A look at an alarm: in its scheduledAt, or a retry between two turns. */
export interface EvaluationPass {
  now: Date;
  isRetry: boolean;
}

export interface OutageDecision {
  /** Whether something is to be made of this look. */
  isJudged: boolean;
  /**
   * Whether it is the first that comes to something since the alarm's scheduledAt: whatever counts or tells once a scheduledAt may do
   * so.
   */
  isFirst: boolean;
}

/** An alarm that is to be looked at again before its scheduledAt. */
export interface Retry {
  readonly alarmId: string;
  readonly partition: number;
  /** The scheduledAt that this retry belongs to. */
  readonly scheduledMs: number;
}

type Watched = Pick<HeldAlarm, 'id' | 'partition' | 'definitionVersion'>;

interface AlarmInOutage {
  readonly definitionVersion: number;
  sinceMs: number;
  scheduledMs: number;
  /** The last evaluation, also one for which no request was sent. */
  evaluatedMs: number;
  /** Something has come of a look since that scheduledAt. */
  isJudged: boolean;
  /** Infinity while a batch has the alarm in hand. */
  retryAtMs: number;
}

const JITTER = 0.25;

/**
 * Alarms that cannot be judged because a backend that they need cannot be asked, and since when. In memory alone:
 * whoever takes a partition over begins to count anew.
 */
export class OutageWatch {
  readonly #partitions = new Map<number, Map<string, AlarmInOutage>>();

  constructor(private readonly deps: OutageWatchDeps) {}

  get size(): number {
    let alarms = 0;
    for (const some of this.#partitions.values()) alarms += some.size;
    return alarms;
  }

  /**
   * A look found a backend that cannot be asked. As soon as this lasts as long as the grace, the alarm is judged
   * without it, once a scheduledAt.
   */
  recordUnavailable(alarm: Watched, { now, isRetry }: EvaluationPass): OutageDecision {
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
    return { isJudged, isFirst: isJudged };
  }

  /** The alarm was due, and no request was sent in time. The grace is paused, since the backend is not the cause. */
  pauseGrace({ id, partition }: Pick<Watched, 'id' | 'partition'>, now: Date): void {
    const known = this.#find(id, partition);
    if (known === undefined) return;
    known.sinceMs += now.getTime() - known.evaluatedMs;
    known.scheduledMs = known.evaluatedMs = now.getTime();
  }

  /** Another batch evaluates the alarm instead of its scheduledAt. */
  recordElsewhere({ id, partition }: Pick<Watched, 'id' | 'partition'>, now: Date): void {
    const known = this.#find(id, partition);
    if (known !== undefined) known.scheduledMs = now.getTime();
  }

  /** A look found what it needs. */
  recordAnswered({ id, partition }: Watched, { isRetry }: EvaluationPass): OutageDecision {
    const known = this.#find(id, partition);
    if (known !== undefined) this.#forget(id, partition);
    return { isJudged: true, isFirst: !isRetry || !known?.isJudged };
  }

  /** These partitions have their scheduledAt: nothing of them is retried until it is over. */
  begin(partitions: Iterable<number>): void {
    for (const id of partitions) for (const entry of this.#in(id)) entry.retryAtMs = Infinity;
  }

  /**
   * A scheduledAt has looked at all alarms of these partitions: what it did not find in trouble is gone, changed, or outside
   * its time constraints.
   */
  recordEvaluatedAll(partitions: Iterable<number>, scheduledAt: Date): void {
    for (const partition of partitions) {
      for (const [id, { scheduledMs }] of this.#partitions.get(partition) ?? [])
        if (scheduledMs < scheduledAt.getTime()) this.#forget(id, partition);
    }
  }

  /** Their scheduledAt is over, whatever became of it. */
  end(partitions: Iterable<number>, nowMs: number): void {
    const retryAtMs = this.#retryTime(nowMs);
    for (const id of partitions) for (const entry of this.#in(id)) entry.retryAtMs = retryAtMs;
  }

  /** When the next alarm is to be looked at again; Infinity when none is. */
  nextRetryMs(): number {
    let next = Infinity;
    for (const id of this.#partitions.keys())
      for (const { retryAtMs } of this.#in(id)) next = Math.min(next, retryAtMs);
    return next;
  }

  /**
   * Hands out what is to be looked at again now. What is in a busy partition is left to the scheduledAt that it has just then.
   */
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

  /** Whether a retry still is the latest look at its alarm. */
  isCurrent({ alarmId, partition, scheduledMs }: Retry): boolean {
    return this.#find(alarmId, partition)?.scheduledMs === scheduledMs;
  }

  /** Retries are done; those still in trouble wait again. */
  putBack(retries: readonly Pick<Retry, 'alarmId' | 'partition'>[], nowMs: number): void {
    const retryAtMs = this.#retryTime(nowMs);
    for (const { alarmId, partition } of retries) {
      const entry = this.#find(alarmId, partition);
      if (entry) entry.retryAtMs = Math.min(entry.retryAtMs, retryAtMs);
    }
  }

  /** These partitions are somebody else's now. */
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

  /**
   * One moment for all that were found together, so that they are asked about together; jitter keeps evaluators from
   * doing so in step.
   */
  #retryTime(nowMs: number): number {
    const { retryAfterMs, random } = this.deps;
    return nowMs + retryAfterMs * (1 - JITTER + 2 * JITTER * random());
  }
}
