import type { Clock } from '../clock.js';
import { inChunks } from '../async/event-loop.js';
import type { Logger } from '../logger.js';
import type { Telemetry } from '../telemetry.js';
import type { AlarmCache } from './alarm-cache.js';
import type { HeldAlarm } from './held-alarm.js';
import type { BatchToken, BehindAlarm } from './lateness/behind-watch.js';
import { commitOutcomes, type CommitDeps } from './commit-outcomes.js';
import type { CountResults, EvaluationResult } from './count-results.js';
import { evaluateBatch, type Batch, type BatchPart, type EvaluateBatchDeps } from './evaluate-batch.js';
import type { HeldPartitions } from './held-partitions.js';
import { newReason } from './reason-outcomes.js';
import { lastSlotTime, missedSlots } from './schedule.js';
import type { Retry } from './trouble-watch.js';

export interface Partition {
  id: number;
  epoch: number;
  lastEvaluatedMs: number | undefined;
}

export interface TurnsDeps {
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  cache: AlarmCache;
  held: HeldPartitions;
  batch: EvaluateBatchDeps;
  commit: CommitDeps;
  countResults: CountResults | undefined;
  intervalMs: number;
  /** How long a request may be under way. Before that it may wait for at most half of this time. */
  deadlineMs: number;
}

/**
 * A request that is not sent within this part of the deadline (or of the interval, if that is shorter) is left to the
 * next batch.
 */
const SENDING = 0.5;
/** No result of a batch comes later than this many deadlines after its beginning. */
export const LONGEST_BATCH = 2.5;
/**
 * A datasource that is told that time is up has this part of the deadline more for its last word: what it did find out.
 */
const LAST_WORD = 0.25;

type Limits = Pick<Batch, 'sendBy' | 'signal' | 'cutOff'>;

type Epochs = readonly { id: number; epoch: number }[];

/** The turn of some partitions. */
interface Turn {
  taken: readonly Partition[];
  now: Date;
  /** Those that are not evaluated yet; those that cannot be written to leave it too, and stay due. */
  open: Map<number, Partition>;
  /** Those whose turn is not over. */
  pending: Set<number>;
  token: BatchToken;
}

/** Runs batches: evaluates, and commits what is found while the rest is still waited for. */
export class Turns {
  constructor(private readonly deps: TurnsDeps) {}

  /**
   * The turn of whole partitions, which are evaluated when all their alarms are, those in trouble included. The turn of
   * each is over then, so that it can have its next one while others still wait for their backends.
   */
  async regular(taken: readonly Partition[], now: Date): Promise<void> {
    const { cache, clock, held, telemetry, log, batch } = this.deps;
    const startedMs = clock.monotonicMs();
    const token: BatchToken = {};
    const turn: Turn = { taken, now, open: new Map(), pending: new Set(taken.map(({ id }) => id)), token };
    this.#countLateness(taken, now);
    batch.trouble.begin(turn.pending);
    try {
      await cache.refresh();
      // What was found doubtful while the others were read is judged when it is loaded, not as if it had no alarms.
      const due = taken.filter(({ id }) => cache.isLoaded(id));
      batch.behind.claim(turn.pending, token);
      const alarms: HeldAlarm[] = [];
      for (const alarm of due.flatMap(({ id }) => [...cache.alarmsOf(id)])) {
        if (batch.behind.isElsewhere(alarm, token)) batch.trouble.leftToAnother(alarm, now);
        else alarms.push(alarm);
      }
      const epochs = new Map(due.map(({ id, epoch }) => [id, epoch]));
      const isCurrent = ({ partition }: HeldAlarm): boolean => held.epochOf(partition) === epochs.get(partition);
      for (const partition of due) turn.open.set(partition.id, partition);
      const before = new Map(due.map(({ id, lastEvaluatedMs }) => [id, lastEvaluatedMs]));
      const lastMs = (partition: number): number | undefined => before.get(partition);
      await this.#evaluate({ alarms, now, isRetry: false, isCurrent, lastMs }, (part) => this.#commitPart(part, turn));
      const rest = due.filter(({ id }) => turn.pending.has(id));
      batch.trouble.lookedAtAll(
        rest.map(({ id }) => id),
        now,
      );
      batch.behind.settle(token);
      await this.#tellUnevaluated(due, now);
      log.debug('batch evaluated', { partitions: due.length, alarms: alarms.length });
    } finally {
      batch.behind.giveBack(token);
      batch.trouble.end(turn.pending, clock.now().getTime());
    }
    telemetry.batchSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
  }

  /** Alarms in trouble, between two turns of their partitions, whose progress this is not. */
  async retry(retries: readonly Retry[], now: Date): Promise<void> {
    const { cache, clock, held, commit, log, batch } = this.deps;
    const retryOf = new Map<string, Retry>();
    const alarms: HeldAlarm[] = [];
    const partitions = held.all();
    // A turn of the whole partition that has begun meanwhile looks at the alarm too.
    const isCurrent = ({ id, partition }: HeldAlarm): boolean =>
      !held.isBusy(partition) && batch.trouble.isCurrent(retryOf.get(id) as Retry);
    try {
      for await (const piece of inChunks(retries)) {
        for (const retry of piece) retryOf.set(retry.alarmId, retry);
        alarms.push(...piece.flatMap(({ alarmId, partition }) => cache.alarmOf(partition, alarmId) ?? []));
      }
      await this.#evaluate({ alarms, now, isRetry: true, isCurrent }, async ({ outcomes, results }) => {
        const { isWhole } = await commitOutcomes(commit, outcomes, { partitions, at: now, mark: 'none' });
        if (isWhole) await this.#countResults(results, partitions);
      });
      log.debug('alarms in trouble looked at again', { alarms: alarms.length });
    } finally {
      batch.trouble.putBack(retries, clock.now().getTime());
    }
  }

  /** A catch-up batch: evaluates alarms that an earlier batch left behind. */
  async catchUp(late: readonly BehindAlarm[], token: BatchToken, now: Date): Promise<void> {
    const { cache, clock, held, commit, log, batch } = this.deps;
    const partitions = held.all();
    const epochs = new Map(partitions.map(({ id, epoch }) => [id, epoch]));
    const isCurrent = ({ partition }: HeldAlarm): boolean => held.epochOf(partition) === epochs.get(partition);
    let notAsked = 0;
    try {
      const alarms = late.flatMap(({ alarmId, partition }) => cache.alarmOf(partition, alarmId) ?? []);
      await this.#evaluate({ alarms, now, isRetry: false, isCurrent }, async (part) => {
        notAsked += part.notAsked;
        const { isWhole } = await commitOutcomes(commit, part.outcomes, { partitions, at: now, mark: 'none' });
        if (isWhole) await this.#countResults(part.results, partitions);
      });
      batch.behind.settle(token);
      batch.behind.caughtUp(late.length, notAsked);
      log.debug('alarms that were behind evaluated', { alarms: alarms.length - notAsked, notAsked });
    } finally {
      batch.behind.giveBack(token);
      batch.trouble.putBack(late, clock.now().getTime());
    }
  }

  async #evaluate(
    batch: Omit<Parameters<typeof evaluateBatch>[1], keyof Limits>,
    onPart: (part: BatchPart) => Promise<void>,
  ): Promise<void> {
    const { clock, intervalMs, deadlineMs } = this.deps;
    const startedMs = clock.monotonicMs();
    await this.#withDeadline(async (limits) => {
      for await (const part of evaluateBatch(this.deps.batch, { ...batch, ...limits })) {
        if (clock.monotonicMs() - startedMs > Math.max(intervalMs, LONGEST_BATCH * deadlineMs))
          throw new Error('results are too old to be used');
        await onPart(part);
      }
    });
  }

  /** Writes the `state_reason` of alarms that no evaluation judges. */
  async #tellUnevaluated(partitions: Epochs, at: Date): Promise<void> {
    const { cache, commit } = this.deps;
    const untold = cache.untoldOf(new Set(partitions.map(({ id }) => id)));
    const outcomes = untold.flatMap(({ alarm, reason }) => newReason(alarm, reason) ?? []);
    if (outcomes.length > 0) await commitOutcomes(commit, outcomes, { partitions, at, mark: 'none' });
  }

  async #commitPart(part: BatchPart, turn: Turn): Promise<void> {
    const { open, now } = turn;
    const finished = [...open.values()].filter(({ id }) => !part.unfinished.has(id));
    for (const { id } of finished) open.delete(id);
    const written: Epochs[] = [];
    if (finished.length > 0 && (await this.#commit(part, finished, 'checkpoint', now))) {
      this.#evaluated(finished, turn);
      written.push(finished);
    }
    // Some of their alarms change now and others later: whoever combines them must wait until they are evaluated whole.
    const begun = [...new Set(part.outcomes.map(({ partition }) => partition))].flatMap((id) => open.get(id) ?? []);
    if (begun.length > 0 && !(await this.#commit(part, begun, 'progress', now)))
      for (const { id } of begun) open.delete(id);
    await this.#countResults(part.results, [...written.flat(), ...open.values()]);
  }

  /** Their turn is over. */
  #evaluated(partitions: readonly Partition[], { taken, now, pending, token }: Turn): void {
    const { held, clock, batch } = this.deps;
    const ids = partitions.map(({ id }) => id);
    for (const id of ids) pending.delete(id);
    held.evaluated(partitions, now);
    batch.behind.settle(token, ids);
    batch.trouble.lookedAtAll(ids, now);
    batch.trouble.end(ids, clock.now().getTime());
    held.end(taken, partitions);
  }

  async #commit(part: BatchPart, partitions: Epochs, mark: 'checkpoint' | 'progress', at: Date): Promise<boolean> {
    const ids = new Set(partitions.map(({ id }) => id));
    const outcomes = part.outcomes.filter(({ partition }) => ids.has(partition));
    return (await commitOutcomes(this.deps.commit, outcomes, { partitions, at, mark })).isWhole;
  }

  /** After the commit, which tells what is no longer this member's. */
  async #countResults(results: readonly EvaluationResult[], evaluated: Epochs): Promise<void> {
    const { countResults, held } = this.deps;
    if (!countResults || results.length === 0) return;
    const ours = new Set(evaluated.filter(({ id, epoch }) => held.epochOf(id) === epoch).map(({ id }) => id));
    await countResults(results.filter(({ partition }) => ours.has(partition)));
  }

  async #withDeadline<T>(work: (limits: Limits) => Promise<T>): Promise<T> {
    const { clock, intervalMs, deadlineMs } = this.deps;
    const sendingMs = SENDING * Math.min(intervalMs, deadlineMs);
    const ended = new AbortController();
    const sent = new AbortController();
    const expired = new AbortController();
    const cutOff = new AbortController();
    const abortAfter = async (ms: number, limit: AbortController): Promise<void> => {
      await clock.sleep(ms, ended.signal);
      if (!ended.signal.aborted) limit.abort(new Error('the batch ran into its deadline'));
    };
    void abortAfter(sendingMs, sent);
    void abortAfter(sendingMs + deadlineMs, expired);
    void abortAfter(sendingMs + deadlineMs * (1 + LAST_WORD), cutOff);
    try {
      return await work({ sendBy: sent.signal, signal: expired.signal, cutOff: cutOff.signal });
    } finally {
      ended.abort();
    }
  }

  #countLateness(due: readonly Partition[], now: Date): void {
    const { telemetry, intervalMs } = this.deps;
    for (const { id, lastEvaluatedMs } of due) {
      if (lastEvaluatedMs === undefined) continue;
      telemetry.latenessSeconds.observe((now.getTime() - lastSlotTime(id, now.getTime(), intervalMs)) / 1000);
      telemetry.slotsMissed.inc(missedSlots(id, lastEvaluatedMs, now.getTime(), intervalMs));
    }
  }
}
