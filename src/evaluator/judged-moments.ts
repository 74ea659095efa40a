import type { Decision } from '../alarm/decide.js';
import { NO_OPTIONS, type EvaluationOptions } from '../alarm/evaluation-options.js';
import type { BackendAnswer, DatasourceKind, SeriesNeed } from '../alarm/series.js';
import type { AlarmState } from '../alarm/state.js';
import { createOpenTimesSource } from '../alarm/time-constraint/open-times.js';
import { typeOf } from '../alarm/types/index.js';
import type { Datasources } from '../datasource/registry.js';
import type { StoredAlarm } from '../storage/alarms/alarm-row.js';
import { judgeAlarm, type JudgedAlarm, type Judgement } from './judge.js';
import { planRequests } from './plan.js';
import { createSpanAnswers, type AnswersAtMoment } from './span-answers.js';

/** An alarm definition that need not be stored, and the period to evaluate it over. */
export interface EvaluatedSpan {
  alarm: StoredAlarm;
  start: Date;
  stop: Date;
  stepMs: number;
  initialState: AlarmState;
}

/** The evaluation of one moment, and its answers. Their windows may be wider than the alarm's. */
export interface MomentJudgement extends Judgement<BackendAnswer>, AnswersAtMoment {}

/** One moment of a span, evaluated from the state in which the moment before it left the alarm. */
export interface JudgedMoment {
  at: Date;
  /** The next moment, or the end of the span. */
  until: Date;
  from: AlarmState;
  /** The state from this moment on. */
  state: AlarmState;
  decision: Decision;
  /** Null outside the time constraints of the alarm: no request is sent then. */
  judgement: MomentJudgement | null;
}

/** What a walk over the moments of a span needs. */
export interface JudgedMomentsDeps {
  datasources: Datasources;
  /** Yields to the event loop. */
  pause: () => Promise<void>;
}

/**
 * Moments that are queried ahead of the one that is judged. Requests are small, and their answers take a round trip.
 */
const MOMENTS_AHEAD = 8;

/**
 * Judgements between two pauses. Outside time constraints no request is sent, so nothing else yields to the event loop.
 */
const JUDGEMENTS_WITHOUT_PAUSE = 64;

/** The queries and options of an alarm. */
export function needsOf({ rule, evaluationOptions }: Pick<StoredAlarm, 'rule' | 'evaluationOptions'>): {
  needs: readonly SeriesNeed[];
  options: EvaluationOptions;
} {
  const options = evaluationOptions ?? NO_OPTIONS;
  return { needs: typeOf(rule).seriesNeeded(rule, options), options };
}

/** The kind of a backend that the alarm needs and that is not configured; undefined if all are configured. */
export function missingBackendOf(
  datasources: Datasources,
  alarm: Pick<StoredAlarm, 'rule' | 'evaluationOptions'>,
): DatasourceKind | undefined {
  const { needs } = needsOf(alarm);
  return needs.find(({ datasource, backend }) => datasources.find(datasource, backend) === undefined)?.datasource;
}

/**
 * Evaluates an alarm at each moment of a span, in order, with the code of the evaluator. Writes nothing. When the
 * signal aborts, the iteration ends without an error.
 */
export async function* judgedMoments(
  { datasources, pause }: JudgedMomentsDeps,
  span: EvaluatedSpan,
  signal: AbortSignal,
): AsyncIterable<JudgedMoment> {
  const { alarm } = span;
  const { needs, options } = needsOf(alarm);
  const requests = await requestsOf(needs);
  const openTimes = createOpenTimesSource().of(alarm.timeConstraints);
  const stopped = new AbortController();
  const ended = AbortSignal.any([signal, stopped.signal]);
  const answersAt = createSpanAnswers(requests, span, { datasources, signal: ended });
  const ask = async (now: Date): Promise<AnswersAtMoment | null> => (openTimes.isOpen(now) ? answersAt(now) : null);
  let judged: JudgedAlarm = {
    rule: alarm.rule,
    needs,
    options,
    state: span.initialState,
    repeats: alarm.repeatActions,
  };
  let judgements = 0;
  try {
    for await (const answered of answersInOrder(momentsOf(span), ask)) {
      if (signal.aborted) return;
      const moment = judgedMoment(judged, answered, span);
      judged = { ...judged, state: moment.state };
      yield moment;
      judgements += 1;
      if (judgements % JUDGEMENTS_WITHOUT_PAUSE === 0) await pause();
    }
  } finally {
    // The reader has stopped, or a request failed: the requests that were sent ahead are not needed.
    stopped.abort();
  }
}

/** The moments at which an alarm is evaluated over a span: its start, and each step after it up to its end. */
export function* momentsOf({ start, stop, stepMs }: Pick<EvaluatedSpan, 'start' | 'stop' | 'stepMs'>): Iterable<Date> {
  for (let at = start.getTime(); at <= stop.getTime(); at += stepMs) yield new Date(at);
}

/** The number of these moments. */
export function momentsIn({ start, stop, stepMs }: Pick<EvaluatedSpan, 'start' | 'stop' | 'stepMs'>): number {
  return Math.floor((stop.getTime() - start.getTime()) / stepMs) + 1;
}

/** The moment after `at`, or the end of the span. */
export function momentAfter(at: Date, { stop, stepMs }: Pick<EvaluatedSpan, 'stop' | 'stepMs'>): Date {
  return new Date(Math.min(at.getTime() + stepMs, stop.getTime()));
}

/** Queries whose answers depend on their window have requests of their own. */
async function requestsOf(needs: readonly SeriesNeed[]): Promise<Parameters<typeof createSpanAnswers>[0]> {
  const [own, others] = [needs.filter((need) => need.ownWindow), needs.filter((need) => !need.ownWindow)];
  return [
    ...(await planRequests(own)).map((request) => ({ ...request, isOwnWindow: true })),
    ...(await planRequests(others)).map((request) => ({ ...request, isOwnWindow: false })),
  ];
}

interface AnsweredMoment {
  at: Date;
  /** Null for a moment outside the time constraints. */
  answered: AnswersAtMoment | null;
}

const STAY: Decision = { kind: 'stay' };

function judgedMoment(judged: JudgedAlarm, { at, answered }: AnsweredMoment, span: EvaluatedSpan): JudgedMoment {
  const judgement = answered && { ...judgeAlarm(judged, answered.answers, at), ...answered };
  const decision = judgement?.decision ?? STAY;
  const from = judged.state;
  const state = decision.kind === 'transition' ? decision.to : from;
  return { at, until: momentAfter(at, span), from, state, decision, judgement };
}

/** Keeps a constant number of moments in flight. Answers come in the order of the moments. */
async function* answersInOrder(
  moments: Iterable<Date>,
  ask: (at: Date) => Promise<AnswersAtMoment | null>,
): AsyncIterable<AnsweredMoment> {
  const ahead: Promise<AnsweredMoment>[] = [];
  const begin = (at: Date): void => {
    const pending = ask(at).then((answered) => ({ at, answered }));
    pending.catch(() => undefined); // thrown when the moment is awaited
    ahead.push(pending);
  };
  for (const at of moments) {
    begin(at);
    if (ahead.length >= MOMENTS_AHEAD) yield await ahead.shift()!;
  }
  for (const rest of ahead) yield await rest;
}
