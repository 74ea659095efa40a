import type { AlarmState } from './state.js';
import type { PythonValue } from './wire/python-json.js';
import { differOnlyInNumbers } from './state-reason.js';

/**
 * What one look at an alarm found.
 * - `trending`: the points disagree; that settles a state only for an alarm that has none yet.
 * - `hold`: points are missing, and the alarm is to keep its state then.
 * - `trouble`: a backend could not be asked, and without its answer nothing can be said.
 */
export type Verdict = AlarmState | 'trending ok' | 'trending alarm' | 'hold' | 'trouble';

export interface Evaluation<Findings = unknown> {
  verdict: Verdict;
  findings: Findings;
}

/** Why a state was entered or kept: the text people read and the object receivers read. */
export interface Reason {
  reason: string;
  reasonData: PythonValue;
}

/** The words of a kind of alarm, and the one rule in which the kinds differ. */
export interface ReasonWriter<Findings> {
  /** `remaining` is true for a repeat. */
  explain(findings: Findings, state: AlarmState, remaining: boolean): Reason;
  /**
   * Whether an alarm that stays in `insufficient data` sets off its repeat actions (Aodh: threshold kinds do,
   * combinations do not).
   */
  readonly repeatsWhileUnknown: boolean;
}

export type Decision =
  | { kind: 'stay' }
  | ({ kind: 'transition'; from: AlarmState; to: AlarmState } & Reason)
  | ({ kind: 'repeat'; state: AlarmState } & Reason);

const STAY: Decision = { kind: 'stay' };

/** What follows from an evaluation and the alarm's present state; the transition table of Aodh's evaluators. */
export function decide<Findings>(
  alarm: { state: AlarmState; repeatActions: boolean },
  { verdict, findings }: Evaluation<Findings>,
  explainer: ReasonWriter<Findings>,
): Decision {
  if (verdict === 'trouble') return STAY;
  const to = nextState(verdict, alarm.state);
  if (to !== alarm.state) {
    return { kind: 'transition', from: alarm.state, to, ...explainer.explain(findings, to, false) };
  }
  if (!alarm.repeatActions) return STAY;
  if (to === 'insufficient data' && !explainer.repeatsWhileUnknown) return STAY;
  return { kind: 'repeat', state: to, ...explainer.explain(findings, to, true) };
}

/** An alarm and the `state_reason` that an evaluation may replace. */
export interface AlarmWithReason {
  state: AlarmState;
  /** The reason; null if it is that of the last transition, which no evaluation replaces. */
  shownReason: string | null;
  /**
   * True if an evaluation of the same definition found this reason. Then a finding that differs in figures only is not
   * written.
   */
  isReasonFound: boolean;
}

/**
 * The new reason of an alarm whose state stays: of an alarm that stays in `insufficient data`, or of one that was never
 * evaluated. Undefined if the shown reason stays. Not for the verdict `trouble`.
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

function nextState(verdict: Exclude<Verdict, 'trouble'>, present: AlarmState): AlarmState {
  if (verdict === 'hold') return present;
  if (verdict !== 'trending ok' && verdict !== 'trending alarm') return verdict;
  if (present !== 'insufficient data') return present;
  return verdict === 'trending ok' ? 'ok' : 'alarm';
}
