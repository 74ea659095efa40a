import { typeOf } from '../../alarm/types/index.js';
import type { BackendAnswer, SeriesNeed } from '../../alarm/series.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import { ExpiringCache } from '../../cache/expiring-cache.js';
import type { Clock } from '../../clock.js';
import type { Datasources } from '../../datasource/registry.js';
import type { StoredAlarm } from '../../storage/alarms/alarm-row.js';
import { seriesName } from '../explain/series-name.js';
import { createTraceRecorder, labelTraces, type TraceRecorder } from '../explain/trace-recorder.js';
import { judgeAlarm, unavailableText } from '../judge.js';
import { needsOf } from '../judged-moments.js';
import { planRequests } from '../plan.js';
import { sendRequests, type BackendAnswers } from '../send-requests.js';
import { comparedQueries, comparedValues, type ComparedQuery, type ComparedValue } from './compared-values.js';

/** Backends that are queried, and how long a value is kept. */
export interface LatestValuesDeps {
  datasources: Datasources;
  clock: Pick<Clock, 'monotonicMs'>;
  /** Time between two evaluations of an alarm. */
  intervalMs: number;
}

/** The last value of an alarm that was compared, and what it is compared with. */
export interface LatestValue {
  at: Date;
  /**
   * Of several series, the first one that fulfils the condition, or else the first one with a value. Null for alarms
   * that are not judged by series, and if there is no answer.
   */
  shown: { query: ComparedQuery; name: string | null; value: ComparedValue | undefined } | null;
  /** How many series had a value. */
  comparedSeries: number;
  /** Why there is no answer to a query, as the evaluator words it; null if all were answered. */
  error: string | null;
}

/** The moment of evaluation, and a signal that ends the requests. */
export interface LatestValuesMoment {
  now: Date;
  signal: AbortSignal;
}

/** Values that are kept. At some 500 bytes each they are 5 MB. */
const MOST_KEPT = 10_000;

export type LatestValues = ReturnType<typeof createLatestValues>;

/**
 * Creates the source of the latest values. Alarms that are asked for together share requests, as in a batch of the
 * evaluator. A value is kept for one interval, for this version of the alarm's definition in this state.
 */
export function createLatestValues(deps: LatestValuesDeps) {
  const kept = new ExpiringCache<LatestValue>(MOST_KEPT, deps.clock);
  return async (alarms: readonly StoredAlarm[], moment: LatestValuesMoment): Promise<Map<string, LatestValue>> => {
    const found = new Map<string, LatestValue>();
    for (const alarm of alarms) {
      const known = kept.get(keyOf(alarm));
      if (known !== undefined) found.set(alarm.id, known);
    }
    const missing = alarms.filter(({ id }) => !found.has(id));
    const untilMs = deps.clock.monotonicMs() + deps.intervalMs;
    const answers = await answersFor(deps, missing, moment);
    for (const alarm of missing) {
      const value = latestValueOrError(alarm, answers, moment.now);
      found.set(alarm.id, value);
      // An aborted request says nothing about its backend.
      if (!moment.signal.aborted) kept.set(keyOf(alarm), value, untilMs);
      await yieldToEventLoop();
    }
    return found;
  };
}

/** The state decides which threshold the value is compared with. */
function keyOf({ id, definitionVersion, state }: StoredAlarm): string {
  return `${id} ${definitionVersion} ${state}`;
}

interface RecordedAnswers {
  answers: BackendAnswers;
  recorder: TraceRecorder;
}

async function answersFor(
  { datasources }: LatestValuesDeps,
  alarms: readonly StoredAlarm[],
  { now, signal }: LatestValuesMoment,
): Promise<RecordedAnswers> {
  const recorder = createTraceRecorder();
  const requests = await planRequests(alarms.flatMap((alarm) => needsOf(alarm).needs));
  const context = { now, signal, traceOf: labelTraces(recorder) };
  return { answers: await sendRequests(datasources, requests, context), recorder };
}

/** An alarm whose evaluation fails is no reason to leave out the values of others. The evaluator logs the failure. */
function latestValueOrError(alarm: StoredAlarm, answers: RecordedAnswers, at: Date): LatestValue {
  try {
    return latestValue(alarm, answers, at);
  } catch {
    return { at, shown: null, comparedSeries: 0, error: 'its evaluation failed' };
  }
}

function latestValue(alarm: StoredAlarm, { answers, recorder }: RecordedAnswers, at: Date): LatestValue {
  const { rule, state, repeatActions: repeats } = alarm;
  if (typeOf(rule).judgedBy !== 'series') return { at, shown: null, comparedSeries: 0, error: null };
  const queried = { rule, ...needsOf(alarm) };
  const { answersInWindow, evaluation } = judgeAlarm({ ...queried, state, repeats }, answers, at);
  const values = comparedValues({
    ...queried,
    state,
    at,
    answers,
    answersInWindow,
    evaluation,
    labelsOf: recorder.labelsOf,
  });
  const compared = comparedQueries(queried).flatMap((query, index) => {
    const nameOf = seriesName(values[index]!.flatMap(({ labels }) => (labels === null ? [] : [labels])));
    return values[index]!.flatMap((value) =>
      value.timestamp === null ? [] : [{ query, name: value.labels && nameOf(value.labels), value }],
    );
  });
  const [query] = comparedQueries(queried);
  const none = query ? { query, name: null, value: undefined } : null;
  const problems = answersInWindow.flatMap((answer, index) => problemOf(answer, queried.needs[index]!) ?? []);
  return {
    at,
    shown: compared.find(({ value }) => value.outside) ?? compared[0] ?? none,
    comparedSeries: compared.length,
    error: problems[0] ?? null,
  };
}

function problemOf(answer: BackendAnswer, need: SeriesNeed): string | undefined {
  if (answer.kind === 'outage') return unavailableText(need, answer.reason);
  return answer.kind === 'refused' ? answer.reason : undefined;
}
