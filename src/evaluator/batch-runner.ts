import type { Clock } from '../clock.js';
import { withDeadline } from '../async/deadline.js';
import { inChunks } from '../async/event-loop.js';
import type { Logger } from '../logger.js';
import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { Telemetry } from '../telemetry.js';
import type { AlarmCache } from './alarm-cache.js';
import type { HeldAlarm } from './held-alarm.js';
import type { BatchToken, BehindAlarm } from './lateness/behind-watch.js';
import { commitOutcomes, type CommitDeps, type Progress } from './commit-outcomes.js';
import type { CountResults, EvaluationResult } from './count-results.js';
import { evaluateBatch } from './evaluate-batch.js';
import type { Batch, BatchPart, EvaluateBatchDeps } from './batch.js';
import type { HeldPartitions } from './held-partitions.js';
import type { LockedCommit, LockedOutcomes } from './locked-outcomes.js';
import { newReason } from './reason-outcomes.js';
import { lastDueTime, missedIntervals } from './schedule.js';
import type { Retry } from './outage-watch.js';

/** A held partition that is evaluated now. */
export interface DuePartition {
  id: number;
  epoch: number;
  lastEvaluatedMs: number | undefined;
}

/** Dependencies of the batch runner. */
export interface BatchRunnerDeps {
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  cache: AlarmCache;
  held: HeldPartitions;
  batch: EvaluateBatchDeps;
  commit: CommitDeps;
  locked: LockedOutcomes;
  countResults: CountResults | undefined;
  intervalMs: number;
  /** How long a request may take. Before it is sent it may wait for at most half of this time. */
  deadlineMs: number;
}

/**
 * A request that is not sent within this part of the deadline (or of the interval, if that is shorter) is left to the
 * next batch.
 */
const SENDING_PART = 0.5;
/** Results are not committed if they are later than this many deadlines (or an interval) after the batch began. */
const LONGEST_BATCH = 2.5;
/** After the deadline, a datasource has this part of it to return the answers that it has. */
const GRACE_PART = 0.25;

type Limits = Pick<Batch, 'sendBy' | 'signal' | 'cutOff'>;

type Epochs = readonly { id: number; epoch: number }[];

/** The scheduled evaluation of some partitions. */
interface ScheduledBatch {
  taken: readonly DuePartition[];
  now: Date;
  /** Partitions that are not evaluated yet. A partition whose commit fails is removed, and stays due. */
  open: Map<number, DuePartition>;
  /** Partitions for which the batch is not over. */
  pending: Set<number>;
  token: BatchToken;
  onAdvance?: (() => void) | undefined;
}

/**
 * Evaluates batches. Outcomes are committed as soon as they are known, while other alarms still wait for their
 * backends.
 */
export class BatchRunner {
  constructor(private readonly deps: BatchRunnerDeps) {}

  /**
   * A scheduled batch: evaluates all alarms of the partitions, those in an outage included. The batch of a partition
   * ends as soon as all of its alarms are evaluated, so that its next batch does not wait for the slow backends of
   * other partitions. `onAdvance` is called when the batch has got further.
   */
  async runScheduled(taken: readonly DuePartition[], dueAt: Date, onAdvance?: () => void): Promise<void> {
    const { cache, clock, held, telemetry, log, batch } = this.deps;
    const startedMs = clock.monotonicMs();
    const token: BatchToken = {};
    const pending = new Set(taken.map(({ id }) => id));
    this.#countLateness(taken, dueAt);
    batch.outages.begin(pending);
    this.deps.locked.drop(pending);
    try {
      await cache.refresh(onAdvance);
      // After the alarms were read, which may take long: no alarm is evaluated for a moment before its creation.
      const now = clock.now();
      const scheduled: ScheduledBatch = { taken, now, open: new Map(), pending, token, onAdvance };
      // A partition that a commit invalidated during the refresh is not loaded. It must not count as one without
      // alarms.
      const due = taken.filter(({ id }) => cache.isLoaded(id));
      batch.behind.claim(pending, token);
      const alarms: HeldAlarm[] = [];
      for (const alarm of due.flatMap(({ id }) => [...cache.alarmsOf(id)])) {
        if (batch.behind.isElsewhere(alarm, token)) batch.outages.recordElsewhere(alarm, now);
        else alarms.push(alarm);
      }
      const epochs = new Map(due.map(({ id, epoch }) => [id, epoch]));
      const isCurrent = ({ partition }: HeldAlarm): boolean => held.epochOf(partition) === epochs.get(partition);
      for (const partition of due) scheduled.open.set(partition.id, partition);
      const before = new Map(due.map(({ id, lastEvaluatedMs }) => [id, lastEvaluatedMs]));
      const lastMs = (partition: number): number | undefined => before.get(partition);
      await this.#evaluate({ alarms, now, isRetry: false, isCurrent, lastMs }, (part) =>
        this.#commitPart(part, scheduled),
      );
      const rest = due.filter(({ id }) => pending.has(id));
      batch.outages.recordEvaluatedAll(
        rest.map(({ id }) => id),
        now,
      );
      batch.behind.finish(token);
      await this.#writeOpenReasons(due, scheduled);
      log.debug('batch evaluated', { partitions: due.length, alarms: alarms.length });
    } finally {
      batch.behind.giveBack(token);
      batch.outages.end(pending, clock.now().getTime());
    }
    telemetry.batchSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
  }

  /**
   * A retry batch: evaluates alarms in an outage between two scheduled batches. It does not mark partitions as
   * evaluated.
   */
  async runRetries(retries: readonly Retry[], now: Date, onAdvance?: () => void): Promise<void> {
    const { cache, clock, held, log, batch } = this.deps;
    const retryOf = new Map<string, Retry>();
    const alarms: HeldAlarm[] = [];
    const partitions = held.all();
    // A scheduled batch that has started meanwhile evaluates the alarm, too.
    const isCurrent = ({ id, partition }: HeldAlarm): boolean =>
      !held.isBusy(partition) && batch.outages.isCurrent(retryOf.get(id) as Retry);
    try {
      for await (const piece of inChunks(retries)) {
        for (const retry of piece) retryOf.set(retry.alarmId, retry);
        alarms.push(...piece.flatMap(({ alarmId, partition }) => cache.alarmOf(partition, alarmId) ?? []));
      }
      this.deps.locked.dropAlarms(alarms);
      await this.#evaluate({ alarms, now, isRetry: true, isCurrent }, async ({ outcomes, results }) => {
        const isComplete = await this.#write(outcomes, { partitions, at: now, mark: 'none', onAdvance });
        if (isComplete) await this.#countResults(results, partitions, onAdvance);
      });
      log.debug('alarms in an outage evaluated again', { alarms: alarms.length });
    } finally {
      batch.outages.putBack(retries, clock.now().getTime());
    }
  }

  /** A catch-up batch: evaluates alarms that an earlier batch left behind. */
  async runCatchUp(late: readonly BehindAlarm[], token: BatchToken, now: Date, onAdvance?: () => void): Promise<void> {
    const { cache, clock, held, log, batch, locked } = this.deps;
    const partitions = held.all();
    const epochs = new Map(partitions.map(({ id, epoch }) => [id, epoch]));
    const isCurrent = ({ partition }: HeldAlarm): boolean => held.epochOf(partition) === epochs.get(partition);
    let notSent = 0;
    try {
      const alarms = late.flatMap(({ alarmId, partition }) => cache.alarmOf(partition, alarmId) ?? []);
      locked.dropAlarms(alarms);
      await this.#evaluate({ alarms, now, isRetry: false, isCurrent }, async (part) => {
        notSent += part.notSent;
        const isComplete = await this.#write(part.outcomes, { partitions, at: now, mark: 'none', onAdvance });
        if (isComplete) await this.#countResults(part.results, partitions, onAdvance);
      });
      batch.behind.finish(token);
      batch.behind.caughtUp(late.length, notSent);
      log.debug('alarms that were behind evaluated', { alarms: alarms.length - notSent, notSent });
    } finally {
      batch.behind.giveBack(token);
      batch.outages.putBack(late, clock.now().getTime());
    }
  }

  /** Commits outcomes whose alarms were locked. */
  async commitLocked(commits: readonly LockedCommit[], onAdvance?: () => void): Promise<void> {
    const { held, commit, locked, clock } = this.deps;
    for (const one of commits) {
      const { isComplete, ...rest } = await commitOutcomes(commit, one.outcomes, {
        partitions: held.all(),
        at: one.at,
        onAdvance,
        ...locked.retries,
      });
      locked.tried(one, isComplete ? rest.locked : rest.notWritten, clock.now().getTime());
    }
  }

  async #evaluate(
    batch: Omit<Parameters<typeof evaluateBatch>[1], keyof Limits>,
    onPart: (part: BatchPart) => Promise<void>,
  ): Promise<void> {
    const { clock, intervalMs, deadlineMs } = this.deps;
    const startedMs = clock.monotonicMs();
    await this.#withLimits(async (limits) => {
      for await (const part of evaluateBatch(this.deps.batch, { ...batch, ...limits })) {
        if (clock.monotonicMs() - startedMs > Math.max(intervalMs, LONGEST_BATCH * deadlineMs))
          throw new Error('the answers came too late: the results of the batch are dropped');
        await onPart(part);
      }
    });
  }

  /** Writes the `state_reason` of alarms that cannot be evaluated. */
  async #writeOpenReasons(partitions: Epochs, { now: at, onAdvance }: ScheduledBatch): Promise<void> {
    const { cache } = this.deps;
    const alarms = cache.openReasonsOf(new Set(partitions.map(({ id }) => id)));
    const outcomes = alarms.flatMap(({ alarm, reason }) => newReason(alarm, reason) ?? []);
    if (outcomes.length > 0) await this.#write(outcomes, { partitions, at, mark: 'none', onAdvance });
  }

  async #commitPart(part: BatchPart, scheduled: ScheduledBatch): Promise<void> {
    const { open } = scheduled;
    const finished = [...open.values()].filter(({ id }) => !part.unfinished.has(id));
    for (const { id } of finished) open.delete(id);
    const written: Epochs[] = [];
    if (finished.length > 0 && (await this.#commit(part, finished, 'checkpoint', scheduled))) {
      this.#evaluated(finished, scheduled);
      written.push(finished);
    }
    // A part of the partition's alarms changes now, the rest later. Combinations wait until the partition is complete.
    const begun = [...new Set(part.outcomes.map(({ partition }) => partition))].flatMap((id) => open.get(id) ?? []);
    if (begun.length > 0 && !(await this.#commit(part, begun, 'progress', scheduled)))
      for (const { id } of begun) open.delete(id);
    await this.#countResults(part.results, [...written.flat(), ...open.values()], scheduled.onAdvance);
  }

  /** Ends the batch for these partitions. */
  #evaluated(partitions: readonly DuePartition[], { taken, now, pending, token }: ScheduledBatch): void {
    const { held, clock, batch } = this.deps;
    const ids = partitions.map(({ id }) => id);
    for (const id of ids) pending.delete(id);
    held.evaluated(partitions, now);
    batch.behind.finish(token, ids);
    batch.outages.recordEvaluatedAll(ids, now);
    batch.outages.end(ids, clock.now().getTime());
    held.end(taken, partitions);
  }

  async #commit(
    part: BatchPart,
    partitions: Epochs,
    mark: 'checkpoint' | 'progress',
    { now: at, onAdvance }: ScheduledBatch,
  ): Promise<boolean> {
    const ids = new Set(partitions.map(({ id }) => id));
    const outcomes = part.outcomes.filter(({ partition }) => ids.has(partition));
    return this.#write(outcomes, { partitions, at, mark, onAdvance });
  }

  /** Writes outcomes, and keeps those of locked alarms for later. False if a commit failed. */
  async #write(outcomes: readonly EvaluationOutcome[], progress: Progress): Promise<boolean> {
    const { commit, locked, clock, log } = this.deps;
    const written = await commitOutcomes(commit, outcomes, { ...progress, waiting: () => locked.outcomes });
    const alarms = written.locked.length;
    if (alarms > 0) log.warn('alarms are locked by other transactions; will retry', { alarms });
    locked.add(written.locked, progress.at, clock.now().getTime());
    return written.isComplete;
  }

  /**
   * Counts results of partitions that this evaluator still owns. Called after the commit, which tells which are lost.
   */
  async #countResults(
    results: readonly EvaluationResult[],
    evaluated: Epochs,
    onAdvance: (() => void) | undefined,
  ): Promise<void> {
    const { countResults, held } = this.deps;
    if (!countResults || results.length === 0) return;
    const ours = new Set(evaluated.filter(({ id, epoch }) => held.epochOf(id) === epoch).map(({ id }) => id));
    await countResults(
      results.filter(({ partition }) => ours.has(partition)),
      onAdvance,
    );
  }

  #withLimits<T>(work: (limits: Limits) => Promise<T>): Promise<T> {
    const { clock, intervalMs, deadlineMs } = this.deps;
    const sendingMs = SENDING_PART * Math.min(intervalMs, deadlineMs);
    return withDeadline(clock, sendingMs, (sendBy) =>
      withDeadline(clock, sendingMs + deadlineMs, (signal) =>
        withDeadline(clock, sendingMs + deadlineMs * (1 + GRACE_PART), (cutOff) => work({ sendBy, signal, cutOff })),
      ),
    );
  }

  #countLateness(due: readonly DuePartition[], now: Date): void {
    const { telemetry, intervalMs } = this.deps;
    for (const { id, lastEvaluatedMs } of due) {
      if (lastEvaluatedMs === undefined) continue;
      telemetry.latenessSeconds.observe((now.getTime() - lastDueTime(id, now.getTime(), intervalMs)) / 1000);
      telemetry.slotsMissed.inc(missedIntervals(id, lastEvaluatedMs, now.getTime(), intervalMs));
    }
  }
}
