import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { WakeableSleep } from '../async/wakeable-sleep.js';
import type { AlarmCache } from './alarm-cache.js';
import type { BatchToken, BehindWatch } from './lateness/behind-watch.js';
import { commitOutcomes, type CommitDeps } from './commit-outcomes.js';
import type { CombinationJudge } from './evaluate-combinations.js';
import type { BehindRecorder } from './lateness/behind-recorder.js';
import type { HeldPartitions, TakenPartition } from './held-partitions.js';
import type { LatenessReport } from './lateness/lateness-report.js';
import { nextTick } from './schedule.js';
import type { TroubleWatch } from './trouble-watch.js';
import { LONGEST_BATCH, type Partition, type Turns } from './batch-runner.js';

export interface EvaluationLoopDeps {
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  cache: AlarmCache;
  held: HeldPartitions;
  turns: Turns;
  trouble: TroubleWatch;
  behind: BehindWatch;
  lateness: LatenessReport;
  /** Undefined if no other process explains alarms. */
  recorder: BehindRecorder | undefined;
  combinations: CombinationJudge;
  commit: CommitDeps;
  intervalMs: number;
  /** How long one batch may take, backend included. */
  deadlineMs: number;
}

/**
 * Evaluates this member's share. Each turn gathers every partition whose slot has come up since it was last evaluated
 * (so one just taken over and overdue goes at once) into one batch. Batches of different slots may overlap; a partition
 * is in one batch at a time. Alarms whose backend could not be asked are evaluated again between their turns, in
 * batches of their own. Alarms that are behind are evaluated in catch-up batches, as soon as the batch before is over.
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
    const { clock, intervalMs, trouble } = this.deps;
    while (!signal.aborted) {
      this.#pause.set();
      this.#turn();
      const now = clock.now().getTime();
      await this.#pause.sleep(Math.min(nextTick(now, intervalMs), trouble.nextRetryMs()) - now, signal);
    }
    await this.settled();
  }

  /** Partitions that are now this member's: their alarms are loaded and, where due, evaluated at once. */
  taken(partitions: readonly TakenPartition[]): void {
    this.deps.held.take(partitions);
    this.deps.cache.take(partitions.map(({ id }) => id));
    this.deps.recorder?.taken(partitions.map(({ id }) => id));
    this.#pause.wake();
  }

  /** Partitions that are no longer this member's. Results still on their way are refused at commit. */
  dropped(ids: readonly number[]): void {
    this.deps.held.drop(ids);
    this.deps.cache.drop(ids);
    this.deps.trouble.drop(ids);
    this.deps.behind.drop(ids);
  }

  /** False when the loop does not turn or a batch is far past its deadline: then this member should lose its alarms. */
  makingProgress(): boolean {
    const { clock, deadlineMs, intervalMs } = this.deps;
    const now = clock.monotonicMs();
    const oldest = Math.min(...this.#inHand.values());
    return now - this.#lastTurnMs < intervalMs + deadlineMs && now - oldest < LONGEST_BATCH * deadlineMs;
  }

  /** Resolves when no batch is in hand. */
  async settled(): Promise<void> {
    while (this.#inHand.size > 0) await Promise.all(this.#inHand.keys());
  }

  #turn(): void {
    const { clock, held, telemetry, intervalMs, cache, turns, trouble, behind } = this.deps;
    this.#lastTurnMs = clock.monotonicMs();
    const now = clock.now();
    const due = held.due(now.getTime(), intervalMs);
    if (due.length > 0) this.#start(due, () => this.#andCatchUp(turns.regular(due, now)));
    const isBusy = (partition: number): boolean => held.isBusy(partition);
    const token: BatchToken = {};
    const late = behind.take(isBusy, token);
    if (late.length > 0) this.#start([], () => this.#andCatchUp(turns.catchUp(late, token, now)));
    // An alarm that is behind is not retried at the same time.
    const retries = trouble.takeDue(now.getTime(), isBusy).filter((retry) => !behind.has(retry));
    if (retries.length > 0) this.#start([], () => turns.retry(retries, now));
    if (!this.#judging && held.size > 0) this.#start([], () => this.#judgeCombinations(now));
    this.deps.lateness.note(behind.lateness(now.getTime()), now.getTime());
    this.deps.recorder?.note();
    telemetry.alarmsHeld.set(cache.size);
    telemetry.alarmsInOutage.set(trouble.size);
    telemetry.alarmsWithoutBackend.reset(); // kinds of which there are none any more
    for (const [type, alarms] of cache.withoutBackend()) telemetry.alarmsWithoutBackend.set({ type }, alarms);
    telemetry.oldestEvaluationAge.set((held.oldestAgeMs(now.getTime()) ?? 0) / 1000);
  }

  #start(partitions: readonly Partition[], work: () => Promise<void>): void {
    const { held, log, clock } = this.deps;
    const ids = partitions.map(({ id }) => id);
    held.begin(partitions);
    const running: Promise<void> = work()
      .catch((thrown: unknown) =>
        log.warn('a batch failed; what it left undone stays due', { partitions: ids.length, err: toError(thrown) }),
      )
      .finally(() => {
        held.end(partitions);
        this.#inHand.delete(running);
      });
    this.#inHand.set(running, clock.monotonicMs());
  }

  /**
   * Starts the next catch-up batch as soon as a batch has freed its partitions. After a failed batch the alarms wait
   * for the next tick.
   */
  async #andCatchUp(batch: Promise<void>): Promise<void> {
    await batch;
    if (this.deps.behind.size > 0) setImmediate(() => this.#pause.wake());
  }

  /** A commit found these epochs passed. What was taken again since then is another holding, and stays. */
  lost(partitions: readonly { id: number; epoch: number }[]): void {
    this.dropped(partitions.filter(({ id, epoch }) => this.deps.held.epochOf(id) === epoch).map(({ id }) => id));
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
}
