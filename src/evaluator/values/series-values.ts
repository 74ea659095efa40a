import type { AlarmState } from '../../alarm/state.js';
import { actionsOf, countEvaluation } from '../backtest.js';
import {
  judgedMoments,
  momentsIn,
  needsOf,
  type EvaluatedSpan,
  type JudgedMoment,
  type JudgedMomentsDeps,
} from '../judged-moments.js';
import { comparedQueries, comparedValues } from './compared-values.js';
import { addToBands, type TimeBand } from './time-bands.js';
import { refuseManyPoints, SeriesCollector, type CollectedSeries } from './value-series.js';

/** The values of an alarm that is judged by series, and the states that a backtest of the same span has. */
export interface SeriesValues extends CollectedSeries {
  states: TimeBand<AlarmState>[];
  /** Parts of the span outside the time constraints of the alarm. They have no points. */
  notEvaluated: TimeBand<true>[];
  evaluations: number;
  /** Notifications of transitions and repeats, as in `BacktestSummary`. */
  notifications: number;
  /** Evaluations during which a backend was unavailable. */
  unanswered: number;
  /** As in `BacktestSummary`. */
  unknownReason: string | null;
}

/**
 * Evaluates an alarm over a span and collects what was compared. The result is incomplete if the signal has aborted.
 * @throws AppError for more than `MOST_POINTS` points.
 */
export async function seriesValues(
  deps: JudgedMomentsDeps,
  span: EvaluatedSpan,
  signal: AbortSignal,
): Promise<SeriesValues> {
  const { rule } = span.alarm;
  const queried = { rule, ...needsOf(span.alarm) };
  const planned = { moments: momentsIn(span), stepMs: span.stepMs };
  refuseManyPoints(queried.needs.length, planned);
  const collector = new SeriesCollector(comparedQueries(queried), planned);
  const totals = { evaluations: 0, notifications: 0, unanswered: 0, unknownReason: null };
  const states: TimeBand<AlarmState>[] = [];
  const notEvaluated: TimeBand<true>[] = [];
  for await (const moment of judgedMoments(deps, span, signal)) {
    addToBands(states, moment.state, moment);
    totals.notifications += actionsOf(span.alarm, moment).length;
    const { judgement } = moment;
    if (judgement === null) {
      addToBands(notEvaluated, true, moment);
      continue;
    }
    countEvaluation(rule, judgement.evaluation, totals);
    collector.add(moment.at, valuesAt(moment, judgement, queried));
  }
  return { ...collector.collected(), states, notEvaluated, ...totals };
}

type Queried = ReturnType<typeof needsOf> & Pick<EvaluatedSpan['alarm'], 'rule'>;

function valuesAt(
  { at, from }: JudgedMoment,
  { answers, answersInWindow, evaluation, labelsOf }: NonNullable<JudgedMoment['judgement']>,
  queried: Queried,
): ReturnType<typeof comparedValues> {
  return comparedValues({ ...queried, state: from, at, answers, answersInWindow, evaluation, labelsOf });
}
