import { NOT_EVALUATED_YET } from './alarm.js';

/** How the reasons begin that stand in `state_reason` only until the first evaluation has a result. */
export const PROVISIONAL_REASONS = {
  /** The rule was accepted although its backend did not check it. */
  notChecked: 'not checked: ',
  /** No evaluator can judge the alarm as things are. */
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

/** True for a reason that the result of the next evaluation replaces, whatever the state. */
export function isProvisional(reason: string): boolean {
  return (
    reason === NOT_EVALUATED_YET ||
    reason.startsWith(PROVISIONAL_REASONS.notChecked) ||
    reason.startsWith(PROVISIONAL_REASONS.notEvaluated) ||
    (reason.startsWith(PROVISIONAL_REASONS.timeConstraint) && reason.endsWith(' never opens'))
  );
}

/** Label sets, and numbers that stand alone; a number in a name (`rule1`) or behind `status` or `HTTP` says what happened. */
const FIGURES = /\{[^{}]*\}|(?<!(?:status|HTTP) )(?<![\w-])\d+(?:\.\d+)?(?![\w-])/g;

/** True for reasons that differ at most in figures: one is not written in place of the other, or an alarm could be written at each evaluation. */
export function differInFiguresAlone(a: string, b: string): boolean {
  return a === b || a.replace(FIGURES, '#') === b.replace(FIGURES, '#');
}

/** Why alarms that need a backend are not evaluated where it is not configured. `name` is null for the default backend of its kind. */
export function noBackend(kind: string, name: string | null): string {
  return `no ${kind} backend ${name === null ? '' : `of the name ${name} `}is configured`;
}

/** The same, with the option to set. */
export function noBackendHint(kind: string, name: string | null): string {
  return `${noBackend(kind, name)} (set ${kind}${name === null ? '' : `.others.${name}`}.url)`;
}
