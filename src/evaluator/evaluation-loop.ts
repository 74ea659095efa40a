import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { WakeableSleep } from '../wakeable-sleep.js';
import type { AlarmCache, HeldAlarm } from './alarm-cache.js';
import { commitOutcomes, type CommitDeps } from './commit-outcomes.js';
import type { CountResults, EvaluationResult } from './count-results.js';
import { evaluateBatch, type EvaluateBatchDeps } from './evaluate-batch.js';
import type { CombinationJudge } from './evaluate-combinations.js';
import type { HeldPartitions, TakenPartition } from './held-partitions.js';
import { lastSlotTime, missedSlots, nextTick, SLOTS } from './schedule.js';

export interface EvaluationLoopDeps {
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  cache: AlarmCache;
  held: HeldPartitions;
  batch: EvaluateBatchDeps;
  combinations: CombinationJudge;
  commit: CommitDeps;
  countResults: CountResults | undefined;
  intervalMs: number;
  /** How long one batch may take, backend included. */
  deadlineMs: number;
}

/** A backend that could not be asked is asked again after an eighth of the interval, but not sooner than this. */
const RETRY_MS = 1_000;

interface Partition {
  id: number;
  epoch: number;
  lastEvaluatedMs: number | undefined;
}

/**
 * Evaluates this member's share. Each turn gathers every partition whose slot has come up since it was last evaluated (so one just taken
 * over and overdue goes at once) into one batch. Batches of different slots may overlap; a partition is in one batch at a time.
 */
export class EvaluationLoop implements Loop {
  readonly name = 'evaluation';
  readonly #inHand = new Map<Promise<void>, number>();
  #lastTurnMs = 0;
  #judging = false;
  readonly #pause: WakeableSleep;

  constructor(private readonly deps: EvaluationLoopDeps) {
    this.#lastTurnMs = deps.clock.monotonicMs();
    this.#pause = new WakeableSleep(deps.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs } = this.deps;
    while (!signal.aborted) {
      this.#pause.set();
      this.#turn();
      const now = clock.now().getTime();
      await this.#pause.sleep(nextTick(now, intervalMs) - now, signal);
    }
    await this.settled();
  }

  /** Partitions that are now this member's: their alarms are loaded and, where due, evaluated at once. */
  taken(partitions: readonly TakenPartition[]): void {
    this.deps.held.take(partitions);
    this.deps.cache.take(partitions.map(({ id }) => id));
    this.#pause.wake();
  }

  /** Partitions that are no longer this member's. Results still on their way are refused at commit. */
  dropped(ids: readonly number[]): void {
    this.deps.held.drop(ids);
    this.deps.cache.drop(ids);
  }

  /** False when the loop does not turn or a batch is far past its deadline: then this member should lose its alarms. */
  makingProgress(): boolean {
    const { clock, deadlineMs, intervalMs } = this.deps;
    const now = clock.monotonicMs();
    const oldest = Math.min(...this.#inHand.values());
    return now - this.#lastTurnMs < intervalMs + deadlineMs && now - oldest < 2 * deadlineMs;
  }

  /** Resolves when no batch is in hand. */
  async settled(): Promise<void> {
    while (this.#inHand.size > 0) await Promise.all(this.#inHand.keys());
  }

  #turn(): void {
    const { clock, held, telemetry, intervalMs, cache } = this.deps;
    this.#lastTurnMs = clock.monotonicMs();
    const now = clock.now();
    const due = held.due(now.getTime(), intervalMs);
    if (due.length > 0) this.#start(due, () => this.#evaluate(due, now));
    if (!this.#judging && held.size > 0) this.#start([], () => this.#judgeCombinations(now));
    telemetry.alarmsHeld.set(cache.size);
    telemetry.oldestEvaluationAge.set((held.oldestAgeMs(now.getTime()) ?? 0) / 1000);
  }

  #start(partitions: readonly Partition[], work: () => Promise<void>): void {
    const { held, log, clock } = this.deps;
    const ids = partitions.map(({ id }) => id);
    held.setBusy(partitions, true);
    const running: Promise<void> = work()
      .catch((thrown: unknown) =>
        log.warn('a batch failed; its partitions stay due', { partitions: ids.length, err: toError(thrown) }),
      )
      .finally(() => {
        held.setBusy(partitions, false);
        this.#inHand.delete(running);
      });
    this.#inHand.set(running, clock.monotonicMs());
  }

  /** A commit found these epochs passed. What was taken again since then is another holding, and stays. */
  lost(partitions: readonly { id: number; epoch: number }[]): void {
    this.dropped(partitions.filter(({ id, epoch }) => this.deps.held.epochOf(id) === epoch).map(({ id }) => id));
  }

  async #evaluate(taken: readonly Partition[], now: Date): Promise<void> {
    const { cache, batch, clock, commit, telemetry, intervalMs, deadlineMs } = this.deps;
    const startedMs = clock.monotonicMs();
    this.#countLateness(taken, now);
    await cache.refresh();
    // What was found doubtful while the others were read is judged when it is loaded, not as if it had no alarms.
    const due = taken.filter(({ id }) => cache.isLoaded(id));
    const alarms: HeldAlarm[] = [];
    for (const { id } of due) alarms.push(...cache.alarmsOf(id));
    const verdicts = await this.#withDeadline((signal) => evaluateBatch(batch, alarms, now, signal));
    if (clock.monotonicMs() - startedMs > Math.max(intervalMs, deadlineMs)) throw new Error('results are too old to be used');
    const [answered, unanswered] = split(due, ({ id }) => !verdicts.unanswered.has(id));
    const [whole, rest] = split(verdicts.outcomes, ({ partition }) => !verdicts.unanswered.has(partition));
    if (answered.length > 0) {
      const { isWhole } = await commitOutcomes(commit, whole, { partitions: answered, at: now, mark: 'checkpoint' });
      if (isWhole) {
        this.deps.held.evaluated(answered, now);
        await this.#countResults(verdicts.results, answered);
      }
    }
    this.deps.held.failed(unanswered, now.getTime() + Math.max(RETRY_MS, intervalMs / SLOTS));
    // Some of their alarms may change now and others not: whoever combines them must wait until they are evaluated whole.
    if (rest.length > 0) await commitOutcomes(commit, rest, { partitions: unanswered, at: now, mark: 'progress' });
    telemetry.batchSeconds.observe((clock.monotonicMs() - startedMs) / 1000);
    this.deps.log.debug('batch evaluated', { partitions: due.length, alarms: alarms.length, outcomes: verdicts.outcomes.length });
  }

  /**
   * After the commit, which tells what is no longer this member's. Partitions that are not evaluated whole are asked again soon, and count
   * once they are: their answered alarms would count many times while one backend is away.
   */
  async #countResults(results: readonly EvaluationResult[], evaluated: readonly Partition[]): Promise<void> {
    const { countResults, held } = this.deps;
    if (!countResults || results.length === 0) return;
    const ours = new Set(evaluated.filter(({ id, epoch }) => held.epochOf(id) === epoch).map(({ id }) => id));
    await countResults(results.filter(({ partition }) => ours.has(partition)));
  }

  async #judgeCombinations(now: Date): Promise<void> {
    const { cache, combinations, commit, held } = this.deps;
    this.#judging = true;
    try {
      const alarms = cache.combinations();
      if (alarms.length === 0) return;
      const outcomes = await combinations.judge(alarms, now);
      const { refused } = await commitOutcomes(commit, outcomes, { partitions: held.all(), at: now, mark: 'none' });
      combinations.retry(refused);
    } finally {
      this.#judging = false;
    }
  }

  async #withDeadline<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ended = new AbortController();
    const expired = new AbortController();
    void this.deps.clock.sleep(this.deps.deadlineMs, ended.signal).then(() => {
      if (!ended.signal.aborted) expired.abort(new Error('the batch ran into its deadline'));
    });
    try {
      return await work(expired.signal);
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

function split<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  const first: T[] = [];
  const second: T[] = [];
  for (const one of all) (isFirst(one) ? first : second).push(one);
  return [first, second];
}
