import type { AlarmState } from './state.js';
import type { PythonValue } from './wire/python-json.js';
import type { DecidingSeries } from './series.js';
import { differOnlyInNumbers } from './state-reason.js';

/**
 * The result of an evaluation.
 * - `trending`: the points disagree. That gives a state only to an alarm in `insufficient data`.
 * - `hold`: points are missing, and the alarm's options say that it keeps its state then.
 * - `outage`: a backend is unavailable, and without its answer there is no verdict.
 */
export type Verdict = AlarmState | 'trending ok' | 'trending alarm' | 'hold' | 'outage';

/** A verdict with the findings that its reason is made of. */
export interface Evaluation<Findings = unknown> {
  verdict: Verdict;
  findings: Findings;
}

/** Why a state was entered or kept: a text for people, an object for receivers. */
export interface Reason {
  reason: string;
  reasonData: PythonValue;
  /** The series that the state is due to, if the alarm looks at series with labels. */
  series?: DecidingSeries | undefined;
}

/** How a kind of alarm words its reasons, and whether it repeats actions while unknown. */
export interface ReasonWriter<Findings> {
  /** `remaining` is true for a repeat. */
  explain(findings: Findings, state: AlarmState, remaining: boolean): Reason;
  /**
   * True if an alarm that stays in `insufficient data` repeats its actions. In Aodh threshold kinds do, and
   * combinations do not.
   */
  readonly repeatsWhileUnknown: boolean;
}

/** The effect of an evaluation. `repeat` runs the actions of the present state again. */
export type Decision =
  | { kind: 'stay' }
  | ({ kind: 'transition'; from: AlarmState; to: AlarmState } & Reason)
  | ({ kind: 'repeat'; state: AlarmState } & Reason);

const STAY: Decision = { kind: 'stay' };

/** The decision that follows from an evaluation and the present state: the transition table of Aodh's evaluators. */
export function decide<Findings>(
  alarm: { state: AlarmState; repeatActions: boolean },
  { verdict, findings }: Evaluation<Findings>,
  explainer: ReasonWriter<Findings>,
): Decision {
  if (verdict === 'outage') return STAY;
  const to = nextState(verdict, alarm.state);
  if (to !== alarm.state) {
    return { kind: 'transition', from: alarm.state, to, ...explainer.explain(findings, to, false) };
  }
  if (!alarm.repeatActions) return STAY;
  if (to === 'insufficient data' && !explainer.repeatsWhileUnknown) return STAY;
  return { kind: 'repeat', state: to, ...explainer.explain(findings, to, true) };
}

/** An alarm with the `state_reason` that an evaluation may replace. */
export interface AlarmWithReason {
  state: AlarmState;
  /** The reason; null if the last transition wrote it, since no evaluation replaces that. */
  shownReason: string | null;
  /**
   * True if an evaluation of this definition found the reason. Then a reason that differs only in numbers is not
   * written.
   */
  isReasonFound: boolean;
}

/**
 * The new reason of an alarm that stays in `insufficient data` or was never evaluated. Undefined if the shown reason
 * stays. Must not be called with the verdict `outage`.
 */
export function replacingReason<Findings>(
  { state, shownReason, isReasonFound }: AlarmWithReason,
  { findings }: Evaluation<Findings>,
  explainer: ReasonWriter<Findings>,
): string | undefined {
  if (shownReason === null) return undefined;
  const { reason } = explainer.explain(findings, state, state !== 'insufficient data');
  const stands = isReasonFound ? differOnlyInNumbers(shownReason, reason) : shownReason === reason;
  return stands ? undefined : reason;
}

function nextState(verdict: Exclude<Verdict, 'outage'>, present: AlarmState): AlarmState {
  if (verdict === 'hold') return present;
  if (verdict !== 'trending ok' && verdict !== 'trending alarm') return verdict;
  if (present !== 'insufficient data') return present;
  return verdict === 'trending ok' ? 'ok' : 'alarm';
}
