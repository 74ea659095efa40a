import type { AlarmState } from './alarm.js';
import type { PythonValue } from './python-json.js';
import { differInFiguresAlone } from './state-reason.js';

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
export interface Explainer<Findings> {
  /** `remaining` is true for a repeat. */
  explain(findings: Findings, state: AlarmState, remaining: boolean): Reason;
  /** Whether an alarm that stays in `insufficient data` sets off its repeat actions (Aodh: threshold kinds do, combinations do not). */
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
  explainer: Explainer<Findings>,
): Decision {
  if (verdict === 'trouble') return STAY;
  const to = settle(verdict, alarm.state);
  if (to !== alarm.state) {
    return { kind: 'transition', from: alarm.state, to, ...explainer.explain(findings, to, false) };
  }
  if (!alarm.repeatActions) return STAY;
  if (to === 'insufficient data' && !explainer.repeatsWhileUnknown) return STAY;
  return { kind: 'repeat', state: to, ...explainer.explain(findings, to, true) };
}

/** An alarm with its `state_reason` as far as an evaluation may replace it. */
export interface AlarmWithReason {
  state: AlarmState;
  /** Null: it is the reason of the last transition, and stays. */
  shownReason: string | null;
  /** An evaluation of the same definition found it: then figures that change are not worth a write. */
  isReasonFound: boolean;
}

/**
 * The reason that is to be shown although the state stays: for an alarm that stays in `insufficient data`, and for one of which no evaluation has
 * said anything yet. Undefined where the shown one stands. Not for the verdict `trouble`.
 */
export function replacingReason<Findings>(
  { state, shownReason, isReasonFound }: AlarmWithReason,
  { findings }: Evaluation<Findings>,
  explainer: Explainer<Findings>,
): string | undefined {
  if (shownReason === null) return undefined;
  const { reason } = explainer.explain(findings, state, state !== 'insufficient data');
  const stands = isReasonFound ? differInFiguresAlone(shownReason, reason) : shownReason === reason;
  return stands ? undefined : reason;
}

function settle(verdict: Exclude<Verdict, 'trouble'>, present: AlarmState): AlarmState {
  if (verdict === 'hold') return present;
  if (verdict !== 'trending ok' && verdict !== 'trending alarm') return verdict;
  if (present !== 'insufficient data') return present;
  return verdict === 'trending ok' ? 'ok' : 'alarm';
}
