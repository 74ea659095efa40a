import { SLOTS } from '../alarm/partition-key.js';
import { decide } from '../alarm/decide.js';
import { createOpenTimesSource } from '../alarm/time-constraint/open-times.js';
import { evaluatedTypeOf } from '../alarm/types/index.js';
import { toError } from '../errors.js';
import type { EvaluationOutcome } from '../storage/evaluation/evaluation-commit.js';
import type { MemberAlarm } from '../storage/evaluation/evaluation-store.js';
import type { Telemetry } from '../telemetry.js';
import type { HeldAlarm } from './held-alarm.js';
import { CombinationSnapshot, type MemberProgress } from './combination-snapshot.js';
import { outcomeOf } from './evaluate-batch.js';
import type { PoisonWatch } from './poison-watch.js';
import { failureReason, foundReason } from './reason-outcomes.js';
import { slotOf } from './schedule.js';

/** Combinations looked at with one statement. */
const CHUNK = 500;

export interface CombinationDeps {
  reachableFrom: (ids: readonly string[]) => Promise<MemberAlarm[]>;
  poison: PoisonWatch;
  telemetry: Telemetry;
  intervalMs: number;
}

interface Judged {
  /** The interval whose member states were judged last. */
  cycle: number;
  /** Highest slot among its leaves. */
  lastSlot: number;
  /** Where each of its leaves was seen. */
  homes: MemberProgress['homes'];
}

/**
 * Judges combinations after their members: when every member's partition has its checkpoint of the same interval, so
 * that none is seen half changed; or one interval later, whatever the members' progress. An interval is judged once,
 * and not at all when a member is found in another partition than before: that may have been evaluated before the
 * member came.
 */
export class CombinationJudge {
  readonly #judged = new Map<string, Judged>();
  readonly #openTimes = createOpenTimesSource();

  constructor(private readonly deps: CombinationDeps) {}

  /** The outcomes of those combinations whose turn it is. Rejects when their members cannot be read. */
  async judge(held: readonly HeldAlarm[], now: Date): Promise<EvaluationOutcome[]> {
    this.#forgetAllBut(held);
    const waiting = held.filter(({ id }) => this.#isWorthLooking(id, now));
    const outcomes: EvaluationOutcome[] = [];
    for (let start = 0; start < waiting.length; start += CHUNK) {
      const chunk = waiting.slice(start, start + CHUNK);
      const members = await this.deps.reachableFrom(chunk.map(({ id }) => id));
      const snapshot = new CombinationSnapshot(members, { now, openTimes: this.#openTimes });
      for (const alarm of chunk) outcomes.push(...this.#judgeSafely(alarm, snapshot, now));
    }
    return outcomes;
  }

  /** Takes back that these were judged, since what was decided was not written. */
  retry(outcomes: readonly EvaluationOutcome[]): void {
    for (const { alarmId } of outcomes) this.#judged.delete(alarmId);
  }

  #isWorthLooking(id: string, now: Date): boolean {
    const judged = this.#judged.get(id);
    if (judged === undefined) return true;
    const lastSlotOfNext = (judged.cycle + 1) * this.deps.intervalMs + (judged.lastSlot * this.deps.intervalMs) / SLOTS;
    return now.getTime() >= lastSlotOfNext;
  }

  #judgeSafely(alarm: HeldAlarm, snapshot: CombinationSnapshot, now: Date): EvaluationOutcome[] {
    try {
      return this.deps.poison.isQuarantined(alarm.id, now) ? [] : this.#judgeOne(alarm, snapshot, now);
    } catch (thrown) {
      this.deps.poison.failed(alarm.id, now, toError(thrown));
      return [failureReason(alarm)].filter((outcome) => outcome !== null);
    }
  }

  #judgeOne(alarm: HeldAlarm, snapshot: CombinationSnapshot, now: Date): EvaluationOutcome[] {
    if (!snapshot.has(alarm.id)) return [];
    const { intervalMs } = this.deps;
    const present = Math.floor(now.getTime() / intervalMs);
    const { oldest, newest, settled, homes } = snapshot.progressBelow(alarm.id, intervalMs);
    const last = this.#judged.get(alarm.id) ?? { cycle: present - 2, lastSlot: 0, homes };
    const lastSlot = Math.max(0, ...[...homes.values()].map(slotOf));
    if (isAnyMoved(last.homes, homes)) {
      this.#judged.set(alarm.id, { cycle: Math.max(last.cycle, newest), lastSlot, homes });
      return [];
    }
    const isWhole = settled && oldest === newest && newest > last.cycle;
    const isOverdue = now.getTime() >= (last.cycle + 3) * intervalMs;
    if (!isWhole && homes.size > 0 && !isOverdue) {
      this.#judged.set(alarm.id, { cycle: last.cycle, lastSlot, homes });
      return [];
    }
    this.#judged.set(alarm.id, { cycle: isWhole ? newest : Math.max(last.cycle + 1, present - 1), lastSlot, homes });
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
    this.deps.poison.succeeded(alarm.id);
    const reason = decision.kind === 'transition' ? null : foundReason(alarm, evaluation);
    return [outcomeOf(alarm, decision), reason].filter((outcome) => outcome !== null);
  }

  #forgetAllBut(held: readonly HeldAlarm[]): void {
    if (this.#judged.size <= held.length) return;
    const ids = new Set(held.map(({ id }) => id));
    for (const id of this.#judged.keys()) if (!ids.has(id)) this.#judged.delete(id);
  }
}

function isAnyMoved(before: MemberProgress['homes'], after: MemberProgress['homes']): boolean {
  for (const [leaf, partition] of after) if ((before.get(leaf) ?? partition) !== partition) return true;
  return false;
}
