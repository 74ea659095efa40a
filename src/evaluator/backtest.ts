import { ACTION_LIST_OF, type AlarmActions } from '../alarm/alarm.js';
import type { AlarmState } from '../alarm/state.js';
import type { Decision } from '../alarm/decide.js';
import { NO_OPTIONS } from '../alarm/evaluation-options.js';
import { createOpenTimesSource } from '../alarm/time-constraint/open-times.js';
import type { BackendAnswer, DatasourceKind } from '../alarm/series.js';
import { evaluatedTypeOf, typeOf } from '../alarm/types/index.js';
import type { Datasources } from '../datasource/registry.js';
import type { StoredAlarm } from '../storage/alarms/alarm-row.js';
import { sendRequests } from './send-requests.js';
import { judgeAlarm, type JudgedAlarm } from './judge.js';
import { planRequests } from './plan.js';

/** An alarm definition that need not be stored, and the period to evaluate it over. */
export interface BacktestRun {
  alarm: StoredAlarm;
  start: Date;
  stop: Date;
  stepMs: number;
  initialState: AlarmState;
}

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

/** Dependencies of a backtest. */
export interface BacktestDeps {
  datasources: Datasources;
  /** Yields to the event loop. */
  pause: () => Promise<void>;
}

/** Runs backtests. */
export interface Backtests {
  /** The kind of a backend that the alarm needs and that is not configured; undefined if all are configured. */
  missingBackend(alarm: StoredAlarm): DatasourceKind | undefined;
  /** Sends no request before the first page is read. */
  start(run: BacktestRun, signal: AbortSignal): Backtest;
}

/**
 * Moments that are queried ahead of the one that is judged. Requests are small, and their answers take a round trip.
 */
const MOMENTS_AHEAD = 8;

/**
 * Judgements between two pauses. Outside time constraints no request is sent, so nothing else yields to the event loop.
 */
const JUDGEMENTS_WITHOUT_PAUSE = 64;

/** Creates backtests. They use the code that evaluates alarms, write nothing and send no notifications. */
export function createBacktests(deps: BacktestDeps): Backtests {
  return {
    missingBackend({ rule, evaluationOptions }) {
      const needs = typeOf(rule).seriesNeeded(rule, evaluationOptions ?? NO_OPTIONS);
      return needs.find(({ datasource, backend }) => deps.datasources.find(datasource, backend) === undefined)
        ?.datasource;
    },
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

/** Null for a moment outside the time constraints. */
type Answers = ReadonlyMap<string, BackendAnswer> | null;

async function* pagesOf(
  { datasources, pause }: BacktestDeps,
  run: BacktestRun,
  { signal, summary }: RunningBacktest,
): AsyncIterable<readonly BacktestTransition[]> {
  const { alarm, initialState } = run;
  const options = alarm.evaluationOptions ?? NO_OPTIONS;
  const needs = typeOf(alarm.rule).seriesNeeded(alarm.rule, options);
  const requests = await planRequests(needs);
  const openTimes = createOpenTimesSource().of(alarm.timeConstraints);
  const stopped = new AbortController();
  const ended = AbortSignal.any([signal, stopped.signal]);
  const ask = async (now: Date): Promise<Answers> =>
    openTimes.isOpen(now) ? sendRequests(datasources, requests, { now, signal: ended }) : null;
  const judged: JudgedAlarm = { rule: alarm.rule, needs, options, state: initialState, repeats: alarm.repeatActions };
  let judgements = 0;
  try {
    for await (const moment of answersInOrder(momentsOf(run), ask)) {
      if (signal.aborted) return;
      yield judgeMoment(alarm, judged, moment, { run, summary });
      judgements += 1;
      if (judgements % JUDGEMENTS_WITHOUT_PAUSE === 0) await pause();
    }
  } finally {
    // The reader has stopped, or a request failed: the requests that were sent ahead are not needed.
    stopped.abort();
  }
}

function* momentsOf({ start, stop, stepMs }: BacktestRun): Iterable<Date> {
  for (let at = start.getTime(); at <= stop.getTime(); at += stepMs) yield new Date(at);
}

interface AnsweredMoment {
  at: Date;
  answers: Answers;
}

/** Keeps a constant number of moments in flight. Answers come in the order of the moments. */
async function* answersInOrder(
  moments: Iterable<Date>,
  ask: (at: Date) => Promise<Answers>,
): AsyncIterable<AnsweredMoment> {
  const ahead: Promise<AnsweredMoment>[] = [];
  const begin = (at: Date): void => {
    const answered = ask(at).then((answers) => ({ at, answers }));
    answered.catch(() => undefined); // thrown when the moment is awaited
    ahead.push(answered);
  };
  for (const at of moments) {
    begin(at);
    if (ahead.length >= MOMENTS_AHEAD) yield await ahead.shift()!;
  }
  for (const rest of ahead) yield await rest;
}

interface BacktestTotals {
  run: BacktestRun;
  summary: BacktestSummary;
}

/** Judges one moment, carries the state on, and adds to the totals. */
function judgeMoment(
  alarm: StoredAlarm,
  judged: { -readonly [Key in keyof JudgedAlarm]: JudgedAlarm[Key] },
  { at, answers }: AnsweredMoment,
  { run, summary }: BacktestTotals,
): BacktestTransition[] {
  const decision = answers === null ? outside(summary) : decided(judged, answers, { at, summary });
  const from = judged.state;
  if (decision.kind === 'transition') judged.state = decision.to;
  const next = Math.min(at.getTime() + run.stepMs, run.stop.getTime());
  summary.secondsInState[judged.state] += (next - at.getTime()) / 1000;
  const actions = decision.kind === 'stay' ? [] : actionsFor(alarm, judged.state);
  summary.notifications += actions.length;
  // As in the evaluator, a repeat without actions is not counted.
  if (decision.kind === 'repeat' && actions.length > 0) summary.repeats += 1;
  if (decision.kind !== 'transition') return [];
  return [{ at, from, to: decision.to, reason: decision.reason, actions }];
}

function outside(summary: BacktestSummary): Decision {
  summary.outsideTimeConstraints += 1;
  return { kind: 'stay' };
}

function decided(
  judged: JudgedAlarm,
  answers: ReadonlyMap<string, BackendAnswer>,
  { at, summary }: { at: Date; summary: BacktestSummary },
): Decision {
  const { evaluation, decision } = judgeAlarm(judged, answers, at);
  summary.evaluations += 1;
  if (evaluation.verdict === 'outage') summary.unanswered += 1;
  if (evaluation.verdict === 'insufficient data') {
    summary.unknownReason = evaluatedTypeOf(judged.rule).explain(
      evaluation.findings,
      'insufficient data',
      false,
    ).reason;
  }
  return decision;
}

const LISTS = {
  ok_actions: 'okActions',
  alarm_actions: 'alarmActions',
  insufficient_data_actions: 'insufficientDataActions',
} as const satisfies Record<(typeof ACTION_LIST_OF)[AlarmState], keyof AlarmActions>;

function actionsFor(alarm: AlarmActions, state: AlarmState): readonly string[] {
  return alarm[LISTS[ACTION_LIST_OF[state]]] ?? [];
}
