import { ACTION_LIST_OF, type AlarmActions } from '../alarm/alarm.js';
import type { AlarmState } from '../alarm/state.js';
import type { Decision } from '../alarm/decide.js';
import { NO_OPTIONS } from '../alarm/evaluation-options.js';
import { createOpenTimesSource } from '../alarm/time-constraint/open-times.js';
import type { BackendAnswer, DatasourceKind } from '../alarm/series.js';
import { evaluatedTypeOf, typeOf } from '../alarm/types/index.js';
import type { Datasources } from '../datasource/datasource.js';
import type { StoredAlarm } from '../storage/alarms/alarm-row.js';
import { askAll } from './ask-backends.js';
import { judgeAlarm, type JudgedAlarm } from './judge.js';
import { planRequests } from './plan.js';

/** An alarm that is not there, and when it shall have been. */
export interface BacktestRun {
  alarm: StoredAlarm;
  start: Date;
  stop: Date;
  stepMs: number;
  initialState: AlarmState;
}

export interface BacktestTransition {
  at: Date;
  from: AlarmState;
  to: AlarmState;
  reason: string;
  /** The actions that would have been set off. */
  actions: readonly string[];
}

export interface BacktestSummary {
  /** Moments at which the alarm was judged; those outside its time constraints are not among them. */
  evaluations: number;
  secondsInState: Record<AlarmState, number>;
  repeats: number;
  /** Of transitions and repeats. */
  notifications: number;
  /** Evaluations without an answer: the state was kept. */
  unanswered: number;
  /** Why the last evaluation that found no data found none; null: every one found some. */
  unknownReason: string | null;
  outsideTimeConstraints: number;
}

/** A run under way. The summary is whole when the pages have ended. */
export interface Backtest {
  /** Transitions in order; pages may be empty. They end early, without an error, when the signal aborts. */
  pages: AsyncIterable<readonly BacktestTransition[]>;
  summary: BacktestSummary;
}

export interface BacktestDeps {
  datasources: Datasources;
  /** Lets other work of the process go on. */
  pause: () => Promise<void>;
}

export interface Backtests {
  /** The kind of backend that the alarm needs and that is not configured; undefined: all are. */
  missingBackend(alarm: StoredAlarm): DatasourceKind | undefined;
  /** Asks nobody before the first page is read. */
  start(run: BacktestRun, signal: AbortSignal): Backtest;
}

/**
 * Moments that are asked about ahead of the one that is judged: each is a small question, and their answers are far
 * away.
 */
const MOMENTS_AHEAD = 8;

/** Where no backend has to be waited for, as outside time constraints, thousands of moments would pass in one go. */
const JUDGEMENTS_WITHOUT_PAUSE = 64;

/** What alarms would have done, by the code that evaluates alarms. Writes nothing and notifies nobody. */
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

/** Null: outside the time constraints. */
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
    openTimes.isOpen(now) ? askAll(datasources, requests, { now, signal: ended }) : null;
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
    // Whoever reads has turned away, or something failed: what was asked ahead is of no use.
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

/** Always the same number of questions ahead; answers come in the order of the moments. */
async function* answersInOrder(
  moments: Iterable<Date>,
  ask: (at: Date) => Promise<Answers>,
): AsyncIterable<AnsweredMoment> {
  const ahead: Promise<AnsweredMoment>[] = [];
  const begin = (at: Date): void => {
    const asked = ask(at).then((answers) => ({ at, answers }));
    asked.catch(() => undefined); // told when its turn comes
    ahead.push(asked);
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

/** Judges one moment, carries the state on, and keeps the accounts. */
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
  // As for the evaluator: a repeat that has nobody to tell is none.
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
  if (evaluation.verdict === 'trouble') summary.unanswered += 1;
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
