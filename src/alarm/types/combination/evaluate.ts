import type { AlarmState } from '../../state.js';
import type { Evaluation, Reason } from '../../decide.js';
import type { CombinationRule } from './schema.js';

/** The members behind a verdict. */
export interface CombinationFindings {
  /** Ids of the members that caused the verdict, in the order of the rule. */
  causes: readonly string[];
}

/**
 * The verdict on member states, as in Aodh's combination evaluator. A missing or unknown member makes the combination
 * unknown, unless the operator is `or` and a member is in alarm.
 */
export function evaluateCombination(
  rule: CombinationRule,
  states: ReadonlyMap<string, string>,
): Evaluation<CombinationFindings> {
  const inState = (state: string): string[] => rule.alarm_ids.filter((id) => states.get(id) === state);
  const inAlarm = inState('alarm');
  const unknown = rule.alarm_ids.filter((id) => !isDecided(states.get(id)));
  if (unknown.length > 0 && !(rule.operator === 'or' && inAlarm.length > 0)) {
    return { verdict: 'insufficient data', findings: { causes: unknown } };
  }
  const isAlarm = rule.operator === 'and' ? inAlarm.length === rule.alarm_ids.length : inAlarm.length > 0;
  return isAlarm
    ? { verdict: 'alarm', findings: { causes: inAlarm } }
    : { verdict: 'ok', findings: { causes: inState('ok') } };
}

/** Aodh's reason text and `reason_data`. */
export function explainCombination({ causes }: CombinationFindings, state: AlarmState, remaining: boolean): Reason {
  const ids = causes.join(',');
  const reasonData = { type: 'combination', alarm_ids: causes };
  if (state === 'insufficient data') return { reason: `Alarms ${ids} are in unknown state`, reasonData };
  return {
    reason: `${remaining ? 'Remaining as' : 'Transition to'} ${state} due to alarms ${ids} in state ${state}`,
    reasonData,
  };
}

function isDecided(state: string | undefined): boolean {
  return state === 'ok' || state === 'alarm';
}
