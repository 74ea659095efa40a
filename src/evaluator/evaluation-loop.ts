import type { Clock } from '../clock.js';
import { toError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { TakenPartition } from '../partition/ownership.js';
import type { Loop } from '../supervisor.js';
import type { Telemetry } from '../telemetry.js';
import { WakeableSleep } from '../async/wakeable-sleep.js';
import type { AlarmCache } from './alarm-cache.js';
import type { BehindWatch } from './lateness/behind-watch.js';
import { commitOutcomes, type CommitDeps } from './commit-outcomes.js';
import type { CombinationJudge } from './evaluate-combinations.js';
import type { ExtraBatches } from './extra-batches.js';
import type { BehindRecorder } from './lateness/behind-recorder.js';
import type { HeldPartitions } from './held-partitions.js';
import type { LatenessReport } from './lateness/lateness-report.js';
import type { LockedOutcomes } from './locked-outcomes.js';
import { nextTick, tickMs } from './schedule.js';
import type { OutageWatch } from './outage-watch.js';
import type { Settler } from './settler.js';
import type { DuePartition, BatchRunner } from './batch-runner.js';
import { WorkProgress } from './loading/work-progress.js';

/** Dependencies of the evaluation loop. */
export interface EvaluationLoopDeps {
  clock: Clock;
  log: Logger;
  telemetry: Telemetry;
  cache: AlarmCache;
  held: HeldPartitions;
  batchRunner: BatchRunner;
  /** Undefined if alarms are evaluated in scheduled batches only. */
  extraBatches: ExtraBatches | undefined;
  outages: OutageWatch;
  locked: LockedOutcomes;
  behind: BehindWatch;
  lateness: LatenessReport;
  /** Undefined if this process answers all requests for explanations itself. */
  recorder: BehindRecorder | undefined;
  combinations: CombinationJudge;
  commit: CommitDeps;
  settler: Settler;
  intervalMs: number;
  /** How long a request of a batch may take. */
  deadlineMs: number;
  /** How long a statement may take. */
  statementMs: number;
  /** Called when the alarms of all held partitions are loaded. */
  onLoaded?: () => void;
}

/** Work that has not got further for this many deadlines is stuck. */
const STUCK_AFTER_DEADLINES = 2.5;
/** As above, in statements: one that is cancelled may be followed by a second one. */
const STUCK_AFTER_STATEMENTS = 2;
/** Time until alarms are loaded again after a failure. */
const LOAD_AGAIN_MS = 1_000;

/**
 * Evaluates the partitions that this member holds. Each tick starts one batch with every partition whose phase has come
 * since its last evaluation; a partition that is taken over and overdue is evaluated at once. Batches may overlap, but
 * a partition is in one scheduled batch at a time. Partitions whose alarms are not loaded yet have no batch; the others
 * are evaluated meanwhile. Extra batches evaluate alarms in an outage between their scheduled
 * batches, and alarms that are behind as soon as the batch before is over.
 */
export class EvaluationLoop implements Loop {
  readonly name = 'evaluation';
  readonly #running = new Map<Promise<void>, WorkProgress>();
  #lastTickMs = 0;
  #judging = false;
  #loading = false;
  #isStopping = false;
  /** When a failed commit last had alarms loaded again. Monotonic time. */
  #reloadedMs = -Infinity;
  /** When a load that failed is begun again. Service time. */
  #loadAgainMs = 0;
  readonly #pause: WakeableSleep;

  constructor(private readonly deps: EvaluationLoopDeps) {
    this.#lastTickMs = deps.clock.monotonicMs();
    this.#pause = new WakeableSleep(deps.clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, extraBatches, cache, locked } = this.deps;
    signal.addEventListener('abort', () => (this.#isStopping = true), { once: true });
    while (!signal.aborted) {
      this.#pause.set();
      this.#tick();
      const now = clock.now().getTime();
      const loadMs = cache.unloaded > 0 && !this.#loading ? this.#loadAgainMs : Infinity;
      const extraMs = Math.min(extraBatches?.nextMs() ?? Infinity, locked.nextMs());
      const nextMs = Math.min(nextTick(now, intervalMs), extraMs, loadMs);
      await this.#pause.sleep(nextMs - now, signal);
    }
    await this.whenIdle();
  }

  /** Adds partitions that this member has taken. Their alarms are loaded and, where due, evaluated at once. */
  taken(partitions: readonly TakenPartition[]): void {
    this.deps.held.take(partitions);
    this.deps.cache.take(partitions.map(({ id }) => id));
    this.deps.recorder?.taken(partitions.map(({ id }) => id));
    this.#pause.wake();
  }

  /** Removes partitions that this member has lost. Results that are not committed yet are refused by the database. */
  dropped(ids: readonly number[]): void {
    this.deps.held.drop(ids);
    this.deps.cache.drop(ids);
    this.deps.outages.drop(ids);
    this.deps.locked.drop(ids);
    this.deps.behind.drop(ids);
    this.deps.settler.drop(ids);
  }

  /**
   * Loads alarms that a failed commit has removed from memory, once a tick: while commits fail and reads do not, loads
   * and evaluations must not follow each other without a pause.
   */
  reload(): void {
    const { clock, intervalMs } = this.deps;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#reloadedMs < tickMs(intervalMs)) return;
    this.#reloadedMs = nowMs;
    this.#pause.wake();
  }

  /** Ends the present pause, for work that is due earlier than it ends. */
  wake(): void {
    this.#pause.wake();
  }

  /**
   * False if the loop has stopped, or if a batch or a load is stuck: none of its pieces has ended for long. Then this
   * member should lose its partitions. Work that is slow, however old, is not stuck.
   */
  makingProgress(): boolean {
    const { clock, deadlineMs, intervalMs, statementMs } = this.deps;
    const now = clock.monotonicMs();
    const stuckAfterMs = Math.max(STUCK_AFTER_DEADLINES * deadlineMs, STUCK_AFTER_STATEMENTS * statementMs);
    const longest = Math.max(0, ...[...this.#running.values()].map((work) => now - work.lastMs));
    return now - this.#lastTickMs < intervalMs + deadlineMs && longest < stuckAfterMs;
  }

  /** Resolves when no batch and no load is running. */
  async whenIdle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.keys());
  }

  async #settleAndEvaluate(due: readonly DuePartition[], now: Date, onAdvance: () => void): Promise<void> {
    await this.deps.settler.settle(due, onAdvance);
    await this.deps.batchRunner.runScheduled(due, now, onAdvance);
  }

  /** Loads the alarms of new partitions, and evaluates those that are due then. */
  async #load(onAdvance: () => void): Promise<void> {
    const { cache, clock, log } = this.deps;
    this.#loading = true;
    try {
      await cache.load(onAdvance, () => this.#isStopping);
      this.deps.onLoaded?.();
    } catch (thrown) {
      this.#loadAgainMs = clock.now().getTime() + LOAD_AGAIN_MS;
      log.warn('could not read a piece of the alarms; a smaller one is tried', {
        partitions: cache.unloaded,
        alarms: cache.size,
        err: toError(thrown),
      });
    } finally {
      this.#loading = false;
    }
    if (!this.#isStopping) this.#startDue(clock.now());
    this.#pause.wake();
  }

  #startDue(now: Date): void {
    const { held, cache, intervalMs } = this.deps;
    const due = held.due(now.getTime(), intervalMs).filter(({ id }) => cache.isLoaded(id));
    if (due.length > 0)
      this.#start(due, (onAdvance) => this.#thenCatchUp(this.#settleAndEvaluate(due, now, onAdvance)));
  }

  #startLocked(now: Date): void {
    const due = this.deps.locked.takeDue(now.getTime());
    if (due.length > 0) this.#start([], (onAdvance) => this.deps.batchRunner.commitLocked(due, onAdvance));
  }

  #tick(): void {
    const { clock, held, telemetry, cache, extraBatches, outages, behind, locked } = this.deps;
    this.#lastTickMs = clock.monotonicMs();
    const now = clock.now();
    if (!this.#loading && cache.unloaded > 0 && now.getTime() >= this.#loadAgainMs)
      this.#start([], (onAdvance) => this.#load(onAdvance));
    this.#startDue(now);
    for (const run of extraBatches?.takeDue(now) ?? [])
      this.#start([], (onAdvance) => this.#thenCatchUp(run(onAdvance)));
    this.#startLocked(now);
    if (!this.#judging && held.size > 0) this.#start([], (onAdvance) => this.#judgeCombinations(now, onAdvance));
    this.deps.lateness.note(behind.lateness(now.getTime()), now.getTime());
    this.deps.recorder?.note();
    telemetry.alarmsHeld.set(cache.size);
    telemetry.partitionsLoaded.set(held.size - cache.unloaded);
    telemetry.alarmsInOutage.set(outages.size);
    telemetry.alarmsLocked.set(locked.alarms);
    telemetry.alarmsWithoutBackend.reset(); // kinds of which there are none any more
    for (const [type, alarms] of cache.withoutBackend()) telemetry.alarmsWithoutBackend.set({ type }, alarms);
    telemetry.oldestEvaluationAge.set((held.oldestAgeMs(now.getTime()) ?? 0) / 1000);
  }

  #start(partitions: readonly DuePartition[], work: (onAdvance: () => void) => Promise<void>): void {
    const { held, log, clock } = this.deps;
    held.begin(partitions);
    const progress = new WorkProgress(clock);
    const running: Promise<void> = work(() => progress.note())
      .catch((thrown: unknown) =>
        log.warn('a batch failed: its partitions stay due', { partitions: partitions.length, err: toError(thrown) }),
      )
      .finally(() => {
        held.end(partitions);
        this.#running.delete(running);
      });
    this.#running.set(running, progress);
  }

  /**
   * Starts the next catch-up batch as soon as a batch has freed its partitions. After a failed batch the alarms wait
   * for the next tick.
   */
  async #thenCatchUp(batch: Promise<void>): Promise<void> {
    await batch;
    if (this.deps.behind.size > 0) setImmediate(() => this.#pause.wake());
  }

  /**
   * Removes partitions that a commit found lost. A partition that was taken again since then has another epoch, and
   * stays.
   */
  lost(partitions: readonly { id: number; epoch: number }[]): void {
    this.dropped(partitions.filter(({ id, epoch }) => this.deps.held.epochOf(id) === epoch).map(({ id }) => id));
  }

  async #judgeCombinations(now: Date, onAdvance: () => void): Promise<void> {
    const { cache, combinations, commit, held } = this.deps;
    this.#judging = true;
    try {
      const alarms = cache.combinations();
      if (alarms.length === 0) return;
      const outcomes = await combinations.judge(alarms, now, onAdvance);
      const progress = { partitions: held.all(), at: now, mark: 'none', onAdvance } as const;
      const { notWritten } = await commitOutcomes(commit, outcomes, progress);
      combinations.retry(notWritten);
    } finally {
      this.#judging = false;
    }
  }
}
