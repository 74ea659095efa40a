import { PHASES_PER_INTERVAL } from '../alarm/partition-key.js';
import { decide } from '../alarm/decide.js';
import { createOpenTimesSource } from '../alarm/time-constraint/open-times.js';
import { evaluatedTypeOf } from '../alarm/types/index.js';
import { toError } from '../errors.js';
import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { EvaluationStore } from '../storage/evaluation/evaluation-store.js';
import type { Telemetry } from '../telemetry.js';
import type { HeldAlarm } from './held-alarm.js';
import { CombinationSnapshot, type MemberProgress } from './combination-snapshot.js';
import { outcomeOf } from './judge-batch.js';
import type { Quarantine } from './quarantine.js';
import { failureReason, foundReason } from './reason-outcomes.js';
import { phaseOf } from './schedule.js';

/** Combinations per statement. */
const CHUNK = 500;

/** Dependencies of the judgement of combinations. */
export interface CombinationDeps {
  reachableFrom: EvaluationStore['reachableFrom'];
  quarantine: Quarantine;
  telemetry: Telemetry;
  intervalMs: number;
}

interface JudgedInterval {
  /** The interval whose member states were judged last. */
  cycle: number;
  /** The highest phase among its leaves. */
  lastPhase: number;
  /** The partition of each leaf at that time. */
  leafPartitions: MemberProgress['leafPartitions'];
}

/**
 * Judges combinations after their members: when all partitions of the members have a checkpoint of the same interval,
 * so that no member is seen half changed. If that does not happen, one interval later. An interval is judged once. It
 * is skipped if a member has moved to another partition, since that partition may have been evaluated before the member
 * came.
 */
export class CombinationJudge {
  readonly #judged = new Map<string, JudgedInterval>();
  readonly #openTimes = createOpenTimesSource();

  constructor(private readonly deps: CombinationDeps) {}

  /**
   * The outcomes of the combinations that are due. Rejects when their members cannot be read. `onAdvance` is called
   * after each statement.
   */
  async judge(
    held: readonly HeldAlarm[],
    now: Date,
    onAdvance: () => void = () => undefined,
  ): Promise<EvaluationOutcome[]> {
    this.#forgetAllBut(held);
    const waiting = held.filter(({ id }) => this.#isDue(id, now));
    const outcomes: EvaluationOutcome[] = [];
    for (let start = 0; start < waiting.length; start += CHUNK) {
      const chunk = waiting.slice(start, start + CHUNK);
      const members = await this.deps.reachableFrom(chunk.map(({ id }) => id));
      onAdvance();
      const snapshot = new CombinationSnapshot(members, { now, openTimes: this.#openTimes });
      for (const alarm of chunk) outcomes.push(...this.#judgeSafely(alarm, snapshot, now));
    }
    return outcomes;
  }

  /** Has combinations judged again whose outcomes were not written. */
  retry(outcomes: readonly EvaluationOutcome[]): void {
    for (const { alarmId } of outcomes) this.#judged.delete(alarmId);
  }

  #isDue(id: string, now: Date): boolean {
    const judged = this.#judged.get(id);
    if (judged === undefined) return true;
    const nextDueMs =
      (judged.cycle + 1) * this.deps.intervalMs + (judged.lastPhase * this.deps.intervalMs) / PHASES_PER_INTERVAL;
    return now.getTime() >= nextDueMs;
  }

  #judgeSafely(alarm: HeldAlarm, snapshot: CombinationSnapshot, now: Date): EvaluationOutcome[] {
    try {
      return this.deps.quarantine.isQuarantined(alarm.id, now) ? [] : this.#judgeOne(alarm, snapshot, now);
    } catch (thrown) {
      this.deps.quarantine.failed(alarm.id, now, toError(thrown));
      return [failureReason(alarm)].filter((outcome) => outcome !== null);
    }
  }

  #judgeOne(alarm: HeldAlarm, snapshot: CombinationSnapshot, now: Date): EvaluationOutcome[] {
    if (!snapshot.has(alarm.id)) return [];
    const { intervalMs } = this.deps;
    const present = Math.floor(now.getTime() / intervalMs);
    const { oldest, newest, isConsistent, leafPartitions } = snapshot.progressBelow(alarm.id, intervalMs);
    const last = this.#judged.get(alarm.id) ?? { cycle: present - 2, lastPhase: 0, leafPartitions };
    const lastPhase = Math.max(0, ...[...leafPartitions.values()].map(phaseOf));
    if (isAnyMoved(last.leafPartitions, leafPartitions)) {
      this.#judged.set(alarm.id, { cycle: Math.max(last.cycle, newest), lastPhase, leafPartitions });
      return [];
    }
    const isComplete = isConsistent && oldest === newest && newest > last.cycle;
    const isOverdue = now.getTime() >= (last.cycle + 3) * intervalMs;
    if (!isComplete && leafPartitions.size > 0 && !isOverdue) {
      this.#judged.set(alarm.id, { cycle: last.cycle, lastPhase, leafPartitions });
      return [];
    }
    this.#judged.set(alarm.id, {
      cycle: isComplete ? newest : Math.max(last.cycle + 1, present - 1),
      lastPhase,
      leafPartitions,
    });
    return this.#decide(alarm, snapshot, now);
  }

  #decide(alarm: HeldAlarm, snapshot: CombinationSnapshot, now: Date): EvaluationOutcome[] {
    if (!alarm.openTimes.isOpen(now)) return [];
    const evaluation = snapshot.verdictOf(alarm.id);
    const decision = decide(
      { state: alarm.state, repeatActions: alarm.repeats },
      evaluation,
      evaluatedTypeOf(alarm.rule),
    );
    this.deps.telemetry.evaluations.inc({ verdict: evaluation.verdict });
    this.deps.quarantine.succeeded(alarm.id);
    const reason = decision.kind === 'transition' ? null : foundReason(alarm, evaluation);
    return [outcomeOf(alarm, decision), reason].filter((outcome) => outcome !== null);
  }

  #forgetAllBut(held: readonly HeldAlarm[]): void {
    if (this.#judged.size <= held.length) return;
    const ids = new Set(held.map(({ id }) => id));
    for (const id of this.#judged.keys()) if (!ids.has(id)) this.#judged.delete(id);
  }
}

function isAnyMoved(before: MemberProgress['leafPartitions'], after: MemberProgress['leafPartitions']): boolean {
  for (const [leaf, partition] of after) if ((before.get(leaf) ?? partition) !== partition) return true;
  return false;
}
