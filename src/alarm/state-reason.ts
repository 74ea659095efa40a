import { NOT_EVALUATED_YET, type AlarmState } from './state.js';
import type { SeriesNeed } from './series.js';

/** Beginnings of provisional reasons. The first evaluation with a result replaces such a reason. */
export const PROVISIONAL_REASONS = {
  /** The rule was accepted although its backend did not check it. */
  notChecked: 'not checked: ',
  /** At present no evaluator can judge the alarm. */
  notEvaluated: 'not evaluated: ',
  /** None of its time constraints ever opens. */
  timeConstraint: 'time constraint ',
} as const;

/** The `state_reason` of an alarm whose rule no backend has checked. */
export function notChecked(reasons: readonly string[]): string {
  return PROVISIONAL_REASONS.notChecked + [...new Set(reasons)].join('; ');
}

/** The `state_reason` of an alarm that no evaluator can judge. */
export function notEvaluated(reasons: readonly string[]): string {
  return PROVISIONAL_REASONS.notEvaluated + [...new Set(reasons)].join('; ');
}

/** True for a reason that the result of the next evaluation replaces in every state. */
export function isProvisional(reason: string): boolean {
  return (
    reason === NOT_EVALUATED_YET ||
    reason.startsWith(PROVISIONAL_REASONS.notChecked) ||
    reason.startsWith(PROVISIONAL_REASONS.notEvaluated) ||
    (reason.startsWith(PROVISIONAL_REASONS.timeConstraint) && reason.endsWith(' never opens'))
  );
}

/** The reason of an alarm if an evaluation may replace it without a change of state; otherwise null. */
export function replaceableReason(state: AlarmState, reason: string): string | null {
  if (reason === NOT_EVALUATED_YET) return NOT_EVALUATED_YET;
  return state === 'insufficient data' || isProvisional(reason) ? reason : null;
}

/**
 * Label sets and separate numbers. A number in a name (`rule1`) or after `status` or `HTTP` is a part of the finding.
 */
const FIGURES = /\{[^{}]*\}|(?<!(?:status|HTTP) )(?<![\w-])\d+(?:\.\d+)?(?![\w-])/g;

/**
 * True for reasons that differ only in numbers. One does not replace the other, since that could be a write at each
 * evaluation.
 */
export function differOnlyInNumbers(a: string, b: string): boolean {
  return a === b || a.replace(FIGURES, '#') === b.replace(FIGURES, '#');
}

/** The reason of alarms whose backend is not configured. `name` is null for the default backend of its kind. */
export function noBackend(kind: string, name: string | null): string {
  return `no ${kind} backend ${name === null ? '' : `of the name ${name} `}is configured`;
}

/** The same reason with the option to set. */
export function noBackendHint(kind: string, name: string | null): string {
  return `${noBackend(kind, name)} (set ${kind}${name === null ? '' : `.others.${name}`}.url)`;
}

/**
 * The `state_reason` of an alarm that no evaluator loads: backends for these needs are not configured, or its composite
 * rule is empty.
 */
export function whyLeftOut(missing: readonly Pick<SeriesNeed, 'datasource' | 'backend'>[]): string {
  if (missing.length === 0) return notEvaluated(['its rule asks nothing']);
  return notEvaluated(missing.map(({ datasource, backend }) => noBackendHint(datasource, backend)));
}
