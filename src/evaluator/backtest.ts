import { ACTION_LIST_OF, type AlarmActions } from '../alarm/alarm.js';
import type { AlarmState } from '../alarm/state.js';
import type { Evaluation } from '../alarm/decide.js';
import type { DatasourceKind } from '../alarm/series.js';
import { evaluatedTypeOf, type AlarmRule } from '../alarm/types/index.js';
import type { StoredAlarm } from '../storage/alarms/alarm-row.js';
import {
  judgedMoments,
  missingBackendOf,
  type EvaluatedSpan,
  type JudgedMoment,
  type JudgedMomentsDeps,
} from './judged-moments.js';

/** A change of state that the alarm would have made. */
export interface BacktestTransition {
  at: Date;
  from: AlarmState;
  to: AlarmState;
  reason: string;
  /** The actions that the transition would have triggered. */
  actions: readonly string[];
}

/** Totals of a run. */
export interface BacktestSummary {
  /** Moments at which the alarm was judged. Moments outside its time constraints are not counted. */
  evaluations: number;
  secondsInState: Record<AlarmState, number>;
  repeats: number;
  /** Notifications of transitions and repeats. */
  notifications: number;
  /** Evaluations during which a backend was unavailable: the state was kept. */
  unanswered: number;
  /** The reason of the last evaluation that found no data; null if every evaluation found data. */
  unknownReason: string | null;
  outsideTimeConstraints: number;
}

/** A run in progress. The summary is complete when the pages have ended. */
export interface Backtest {
  /** Transitions in order; a page may be empty. The iteration ends early, without an error, when the signal aborts. */
  pages: AsyncIterable<readonly BacktestTransition[]>;
  summary: BacktestSummary;
}

/** Runs backtests. */
export interface Backtests {
  /** See `missingBackendOf`. */
  missingBackend: (alarm: StoredAlarm) => DatasourceKind | undefined;
  /** Sends no request before the first page is read. */
  start(run: EvaluatedSpan, signal: AbortSignal): Backtest;
}

/** Creates backtests. They use the code that evaluates alarms, write nothing and send no notifications. */
export function createBacktests(deps: JudgedMomentsDeps): Backtests {
  return {
    missingBackend: (alarm) => missingBackendOf(deps.datasources, alarm),
    start(run, signal) {
      const summary = {
        evaluations: 0,
        secondsInState: { ok: 0, alarm: 0, 'insufficient data': 0 },
        repeats: 0,
        notifications: 0,
        unanswered: 0,
        unknownReason: null,
        outsideTimeConstraints: 0,
      };
      return { pages: pagesOf(deps, run, { signal, summary }), summary };
    },
  };
}

interface RunningBacktest {
  signal: AbortSignal;
  summary: BacktestSummary;
}

async function* pagesOf(
  deps: JudgedMomentsDeps,
  run: EvaluatedSpan,
  { signal, summary }: RunningBacktest,
): AsyncIterable<readonly BacktestTransition[]> {
  for await (const moment of judgedMoments(deps, run, signal)) yield transitionsAt(moment, run.alarm, summary);
}

/** The transition at a moment, if it made one. Adds the moment to the totals. */
function transitionsAt(
  { at, until, from, state, decision, judgement }: JudgedMoment,
  alarm: StoredAlarm,
  summary: BacktestSummary,
): BacktestTransition[] {
  if (judgement === null) summary.outsideTimeConstraints += 1;
  else countEvaluation(alarm.rule, judgement.evaluation, summary);
  summary.secondsInState[state] += (until.getTime() - at.getTime()) / 1000;
  const actions = actionsOf(alarm, { decision, state });
  summary.notifications += actions.length;
  // As in the evaluator, a repeat without actions is not counted.
  if (decision.kind === 'repeat' && actions.length > 0) summary.repeats += 1;
  if (decision.kind !== 'transition') return [];
  return [{ at, from, to: decision.to, reason: decision.reason, actions }];
}

/** Adds an evaluation to the totals. */
export function countEvaluation(
  rule: AlarmRule,
  { verdict, findings }: Evaluation,
  summary: Pick<BacktestSummary, 'evaluations' | 'unanswered' | 'unknownReason'>,
): void {
  summary.evaluations += 1;
  if (verdict === 'outage') summary.unanswered += 1;
  if (verdict === 'insufficient data') {
    summary.unknownReason = evaluatedTypeOf(rule).explain(findings, 'insufficient data', false).reason;
  }
}

const LISTS = {
  ok_actions: 'okActions',
  alarm_actions: 'alarmActions',
  insufficient_data_actions: 'insufficientDataActions',
} as const satisfies Record<(typeof ACTION_LIST_OF)[AlarmState], keyof AlarmActions>;

/** The actions that a moment triggers. */
export function actionsOf(
  alarm: AlarmActions,
  { decision, state }: Pick<JudgedMoment, 'decision' | 'state'>,
): readonly string[] {
  if (decision.kind === 'stay') return [];
  return alarm[LISTS[ACTION_LIST_OF[state]]] ?? [];
}
