import type { AlarmState } from '../alarm/state.js';
import type { Evaluation } from '../alarm/decide.js';
import { NO_OPTIONS } from '../alarm/evaluation-options.js';
import type { OpenTimesSource } from '../alarm/time-constraint/open-times.js';
import { evaluatedTypeOf, parseStoredRule, typeOf, type AlarmRule } from '../alarm/types/index.js';
import type { MemberAlarm } from '../storage/evaluation/evaluation-store.js';
import { cycleOf } from './schedule.js';

/**
 * The oldest and newest interval in which the leaves below a combination were evaluated. `isConsistent` is false while
 * the evaluation of a leaf's partition is partly committed, or that of the leaf waits for a lock.
 */
export interface MemberProgress {
  oldest: number;
  newest: number;
  isConsistent: boolean;
  /** The partition of each leaf, by alarm id. */
  leafPartitions: ReadonlyMap<string, number>;
}

interface SnapshotOptions {
  now: Date;
  openTimes: OpenTimesSource;
}

/**
 * Some combinations and their members of every level, read in one database snapshot and judged at one moment. The state
 * of a member that is a combination is computed from its members, since its stored state may be one evaluation old. So
 * either all combinations of a snapshot are judged, or none. Each state is computed once.
 */
export class CombinationSnapshot {
  readonly #alarms: ReadonlyMap<string, MemberAlarm>;
  readonly #options: SnapshotOptions;
  readonly #rules = new Map<string, { rule: AlarmRule; members: readonly string[] }>();
  readonly #verdicts = new Map<string, Evaluation>();
  readonly #underWay = new Set<string>();

  constructor(alarms: readonly MemberAlarm[], options: SnapshotOptions) {
    this.#alarms = new Map(alarms.map((alarm) => [alarm.id, alarm]));
    this.#options = options;
  }

  /** False for an alarm that was deleted before the snapshot. */
  has(id: string): boolean {
    return this.#alarms.has(id);
  }

  /** The evaluation of a combination from its leaves. Its own time constraints are ignored. */
  verdictOf(id: string): Evaluation {
    const known = this.#verdicts.get(id);
    if (known !== undefined) return known;
    const alarm = this.#alarms.get(id) as MemberAlarm;
    const { rule } = this.#ruleOf(alarm);
    const memberStates = this.statesBelow(id);
    const input = { answers: [], memberStates, state: alarm.state, options: NO_OPTIONS, now: this.#options.now };
    const verdict = evaluatedTypeOf(rule).evaluate(rule, input);
    this.#verdicts.set(id, verdict);
    return verdict;
  }

  /** The states of the combination's members, which decide the verdict. Deleted members are absent. */
  statesBelow(id: string): Map<string, AlarmState> {
    const states = new Map<string, AlarmState>();
    this.#underWay.add(id);
    for (const memberId of this.#membersOf(this.#alarms.get(id) as MemberAlarm)) {
      const member = this.#alarms.get(memberId);
      // The API refuses cycles. If one is in the database, its members count as unknown, and the process does not end.
      if (member !== undefined && !this.#underWay.has(memberId)) states.set(memberId, this.#stateOf(member));
    }
    this.#underWay.delete(id);
    return states;
  }

  /** How far the evaluation of the leaves below a combination is. */
  progressBelow(id: string, intervalMs: number): MemberProgress {
    const leafPartitions = new Map<string, number>();
    const progress: MemberProgress = { oldest: Infinity, newest: -Infinity, isConsistent: true, leafPartitions };
    for (const leaf of this.#leavesBelow(id)) {
      const { partition, lastEvaluatedAt, evaluationStartedAt, isLocked } = leaf;
      const cycle = lastEvaluatedAt === null ? -Infinity : cycleOf(partition, lastEvaluatedAt.getTime(), intervalMs);
      progress.oldest = Math.min(progress.oldest, cycle);
      progress.newest = Math.max(progress.newest, cycle);
      progress.isConsistent &&= !isLocked && lastEvaluatedAt?.getTime() === evaluationStartedAt?.getTime();
      leafPartitions.set(leaf.id, partition);
    }
    return progress;
  }

  #stateOf(member: MemberAlarm): AlarmState {
    if (!this.#isWorkedOut(member)) return member.state;
    const { verdict } = this.verdictOf(member.id);
    return verdict === 'ok' || verdict === 'alarm' ? verdict : 'insufficient data';
  }

  /** True for members whose state is computed from their own members. All other members have their stored state. */
  #isWorkedOut(member: MemberAlarm): boolean {
    if (!member.enabled || this.#membersOf(member).length === 0) return false;
    const { now, openTimes } = this.#options;
    return openTimes.ofJson(member.timeConstraintsJson ?? '[]').isOpen(now);
  }

  #membersOf(alarm: MemberAlarm): readonly string[] {
    return alarm.ruleJson === null ? [] : this.#ruleOf(alarm).members;
  }

  #ruleOf({ id, kind, ruleJson }: MemberAlarm): { rule: AlarmRule; members: readonly string[] } {
    const known = this.#rules.get(id);
    if (known !== undefined) return known;
    const rule = parseStoredRule(kind, ruleJson ?? '');
    const parsed = { rule, members: typeOf(rule).members(rule) };
    this.#rules.set(id, parsed);
    return parsed;
  }

  #leavesBelow(root: string): MemberAlarm[] {
    const leaves: MemberAlarm[] = [];
    const visited = new Set<string>();
    const waiting = [root];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      const alarm = this.#alarms.get(id);
      if (alarm === undefined || visited.has(id)) continue;
      visited.add(id);
      const members = this.#membersOf(alarm);
      if (members.length === 0) leaves.push(alarm);
      waiting.push(...members);
    }
    return leaves;
  }
}
