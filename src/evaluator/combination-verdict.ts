import type { AlarmState } from '../alarm/alarm.js';
import type { Evaluation } from '../alarm/decide.js';
import { NO_OPTIONS } from '../alarm/evaluation-options.js';
import { isWithin, type TimeConstraint } from '../alarm/time-constraint.js';
import { evaluatedTypeOf, parseStoredRule, typeOf } from '../alarm/types/index.js';
import type { MemberAlarm } from '../storage/evaluation-store.js';
import { cycleOf } from './schedule.js';

/** Everything below some combinations, as one snapshot of the database saw it. */
export type Snapshot = ReadonlyMap<string, MemberAlarm>;

/**
 * What a combination comes to, from its leaves. A member that is a combination itself is worked out from its own members rather
 * than taken from its stored state, which may be one evaluation behind: so all of one snapshot is judged, or none of it.
 */
export function combinationVerdict(id: string, snapshot: Snapshot, now: Date): Evaluation {
  return verdictOf(snapshot.get(id) as MemberAlarm, snapshot, now, new Set([id]));
}

/** What the verdict is made from: the states of the combination's own members; those that are gone are absent. */
export function memberStates(id: string, snapshot: Snapshot, now: Date): ReadonlyMap<string, AlarmState> {
  return statesOf(snapshot.get(id) as MemberAlarm, snapshot, now, new Set([id]));
}

/** The oldest and newest interval that the leaves below a combination were evaluated in; `settled` is false while one is half written. */
export interface MemberProgress {
  oldest: number;
  newest: number;
  settled: boolean;
  /** In which partition each leaf lives. */
  homes: ReadonlyMap<string, number>;
}

export function progressBelow(id: string, snapshot: Snapshot, intervalMs: number): MemberProgress {
  const homes = new Map<string, number>();
  const progress: MemberProgress = { oldest: Infinity, newest: -Infinity, settled: true, homes };
  for (const leaf of leavesBelow(id, snapshot, new Set())) {
    const { partition, lastEvaluatedAt, evaluationStartedAt } = leaf;
    const cycle = lastEvaluatedAt === null ? -Infinity : cycleOf(partition, lastEvaluatedAt.getTime(), intervalMs);
    progress.oldest = Math.min(progress.oldest, cycle);
    progress.newest = Math.max(progress.newest, cycle);
    progress.settled &&= lastEvaluatedAt?.getTime() === evaluationStartedAt?.getTime();
    homes.set(leaf.id, partition);
  }
  return progress;
}

function verdictOf(alarm: MemberAlarm, snapshot: Snapshot, now: Date, above: ReadonlySet<string>): Evaluation {
  const rule = parseStoredRule(alarm.kind, alarm.ruleJson);
  const states = statesOf(alarm, snapshot, now, above);
  const input = { answers: [], memberStates: states, state: alarm.state, options: NO_OPTIONS, now };
  return evaluatedTypeOf(rule).evaluate(rule, input);
}

function statesOf(alarm: MemberAlarm, snapshot: Snapshot, now: Date, above: ReadonlySet<string>): Map<string, AlarmState> {
  const rule = parseStoredRule(alarm.kind, alarm.ruleJson);
  const states = new Map<string, AlarmState>();
  for (const memberId of typeOf(rule).members(rule)) {
    const member = snapshot.get(memberId);
    // A circle cannot be written; should one ever be read, its members count as unknown instead of ending the process.
    if (member !== undefined && !above.has(memberId)) states.set(memberId, stateOf(member, snapshot, now, above));
  }
  return states;
}

function stateOf(member: MemberAlarm, snapshot: Snapshot, now: Date, above: ReadonlySet<string>): AlarmState {
  if (!isWorkedOut(member, now)) return member.state;
  const { verdict } = verdictOf(member, snapshot, now, new Set([...above, member.id]));
  return verdict === 'ok' || verdict === 'alarm' ? verdict : 'insufficient data';
}

/** Members whose state follows from their own members at `now`; all others have the state that is stored. */
function isWorkedOut(member: MemberAlarm, now: Date): boolean {
  if (!member.enabled || !isCombination(member)) return false;
  return isWithin(JSON.parse(member.timeConstraintsJson) as TimeConstraint[], now);
}

function isCombination({ kind, ruleJson }: MemberAlarm): boolean {
  const rule = parseStoredRule(kind, ruleJson);
  return typeOf(rule).members(rule).length > 0;
}

function* leavesBelow(id: string, snapshot: Snapshot, visited: Set<string>): Iterable<MemberAlarm> {
  const alarm = snapshot.get(id);
  if (alarm === undefined || visited.has(id)) return;
  visited.add(id);
  const rule = parseStoredRule(alarm.kind, alarm.ruleJson);
  const members = typeOf(rule).members(rule);
  if (members.length === 0) yield alarm;
  for (const member of members) yield* leavesBelow(member, snapshot, visited);
}
