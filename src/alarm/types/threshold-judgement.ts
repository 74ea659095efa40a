import type { AlarmState } from '../state.js';
import type { Evaluation, Verdict } from '../decide.js';
import type { EvaluationOptions, MissingDataTreatment } from '../evaluation-options.js';
import type { JudgedAnswer, Point, Series } from '../series.js';
import type { JudgementListener } from './judged-point.js';
import type { ComparisonOperator } from './threshold/schema.js';

/** The condition of all kinds that compare values with a threshold. */
export interface ThresholdCondition {
  comparison_operator: ComparisonOperator;
  threshold: number;
}

/** The compared values and their counts. */
export interface ThresholdFindings {
  /** The compared values, oldest first; if there are several series, one series after the other. */
  values: readonly number[];
  /** How many of them fulfil the condition. */
  outside: number;
  /** How many values the rule needs. */
  required: number;
  /** Aodh's text for why the state is unknown; undefined for too few values. */
  unknownReason?: string;
  /** Missing datapoints that were counted as `as`. */
  filled?: { count: number; as: 'ok' | 'alarm' } | undefined;
  /** The series of an answer with labels. Only a notification reads them, so no other evaluation pays for it. */
  labelled?: SeriesWithLabels | undefined;
}

/** The series of an answer that have points. */
export interface SeriesWithLabels {
  /** Their labels, as they were sent. */
  labels: readonly unknown[];
  /** One evaluation for each of them. */
  judged: readonly Evaluation<ThresholdFindings>[];
}

/** How the values to compare are selected from the points of an answer. */
export interface DatapointSelection {
  /** The number of values that each series must have. The newest are compared. */
  required: number;
  /** The key of the value in a point. */
  statistic: string;
  /** The points that may be compared, and the reason against the others; undefined if all may be. */
  only?: { points: (series: Series) => readonly Point[]; otherwise: string };
  /** The reason for an answer without any value; undefined for the usual reason. */
  withoutValues?: string;
  /** The number of datapoints in Aodh's reason for an answer without any, if it is not `required`. */
  countWithoutValues?: number;
}

/** The state and options that a judgement depends on besides condition and answer. */
export interface JudgementContext {
  state: AlarmState;
  options: EvaluationOptions;
  listener?: JudgementListener | undefined;
}

const compare = {
  gt: (value, threshold) => value > threshold,
  lt: (value, threshold) => value < threshold,
  ge: (value, threshold) => value >= threshold,
  le: (value, threshold) => value <= threshold,
  eq: (value, threshold) => value === threshold,
  ne: (value, threshold) => value !== threshold,
} as const satisfies Record<ComparisonOperator, (value: number, threshold: number) => boolean>;

/** The threshold that applies now: an alarm in `alarm` is compared with `clear_threshold`, if that is set. */
export function effectiveThreshold({ threshold }: ThresholdCondition, { state, options }: JudgementContext): number {
  return state === 'alarm' ? (options.clear_threshold ?? threshold) : threshold;
}

/** True if a value fulfils the condition. */
export function isOutside({ comparison_operator }: ThresholdCondition, value: number, threshold: number): boolean {
  return compare[comparison_operator](value, threshold);
}

/** Judges an answer against a threshold. Several series (PromQL) are judged one by one, and then combined. */
export function judgeThreshold(
  condition: ThresholdCondition,
  answer: JudgedAnswer,
  selection: DatapointSelection,
  context: JudgementContext,
): Evaluation<ThresholdFindings> {
  const { required } = selection;
  const unanswered = judgeUnanswered(answer, required);
  if (unanswered !== undefined) return unanswered;
  const reason = answer.kind === 'absent' ? answer.reason : selection.withoutValues;
  const series = answer.kind === 'series' ? answer.series : [];
  // A series without a point in the window counts as absent: with a window of the alarm's width, the backend would not
  // have sent it.
  const present = series.filter((points) => points.length > 0);
  const judged = (present.length > 0 ? present : ONE_WITHOUT_POINTS).map((points) =>
    judgeValues(condition, datapointsOf(points, selection), required, context),
  );
  reportToListener(condition, { series, judged }, selection, context);
  const evaluation = judged.length === 1 ? (judged[0] as Evaluation<ThresholdFindings>) : combined(judged);
  if (evaluation.verdict !== 'insufficient data' || present.length > 0 || reason === undefined)
    return withSeries(evaluation, answer, judged);
  const count = answer.kind === 'absent' ? required : (selection.countWithoutValues ?? required);
  return withSeries({ verdict: 'insufficient data', findings: withoutValue(count, reason) }, answer, judged);
}

/** Adds the series to the findings, if they have labels. */
function withSeries(
  evaluation: Evaluation<ThresholdFindings>,
  answer: JudgedAnswer,
  judged: SeriesWithLabels['judged'],
): Evaluation<ThresholdFindings> {
  if (answer.kind !== 'series' || answer.labels === undefined) return evaluation;
  const { series } = answer;
  const labels = series.every((points) => points.length > 0)
    ? answer.labels
    : answer.labels.filter((_, index) => (series[index]?.length ?? 0) > 0);
  return { ...evaluation, findings: { ...evaluation.findings, labelled: { labels, judged } } };
}

function judgeUnanswered(answer: JudgedAnswer, required: number): Evaluation<ThresholdFindings> | undefined {
  if (answer.kind === 'outage')
    return { verdict: 'outage', findings: withoutValue(required, retrievalFailed(answer.reason)) };
  if (answer.kind === 'refused' || answer.kind === 'lasting outage')
    return { verdict: 'insufficient data', findings: withoutValue(required, answer.reason) };
  return undefined;
}

/** Aodh's text for a failed request. */
export function retrievalFailed(reason: string): string {
  return `alarm statistics retrieval failed: ${reason}`;
}

/** The value of a datapoint; undefined or NaN if it is missing. Lists have the oldest first. */
export type OptionalValue = number | undefined;

/**
 * Judges one series by its newest datapoints, at most `required`. If there are fewer, the missing ones are older. See
 * docs/semantics.md for the tables.
 */
export function judgeValues(
  condition: ThresholdCondition,
  datapoints: readonly OptionalValue[],
  required: number,
  context: JudgementContext,
): Evaluation<ThresholdFindings> {
  const values = datapoints.filter(isValue);
  const { datapoints_to_alarm: enough, treat_missing_data: treatment = 'missing' } = context.options;
  const threshold = effectiveThreshold(condition, context);
  const fulfils = compare[condition.comparison_operator];
  const outside = values.reduce((count, value) => (fulfils(value, threshold) ? count + 1 : count), 0);
  const filled = filling(treatment, required - values.length);
  const findings: ThresholdFindings = { values, outside, required, ...(filled && { filled }) };
  const counted = filled?.as === 'alarm' ? outside + filled.count : outside;
  const open = filled ? 0 : required - values.length;
  const decided = enough === undefined ? unanimous(counted, open, required) : enoughOf(counted, open, enough);
  if (decided !== undefined) return { verdict: decided, findings };
  if (open > 0) return { verdict: treatment === 'ignore' ? 'hold' : 'insufficient data', findings };
  const newest = datapoints.at(-1);
  return { verdict: trend(isValue(newest) ? fulfils(newest, threshold) : filled?.as === 'alarm'), findings };
}

const ONE_WITHOUT_POINTS: readonly Series[] = [[]];

/** The newest points, oldest first, with or without a value. Gaps between them are ignored. */
function newestPoints(series: Series, { required, only }: DatapointSelection): readonly Point[] {
  const points = only ? only.points(series) : series;
  return points.length > required ? points.slice(-required) : points;
}

function datapointsOf(points: Series, selection: DatapointSelection): OptionalValue[] {
  return newestPoints(points, selection).map(({ values }) => values[selection.statistic]);
}

function isValue(value: OptionalValue): value is number {
  return value !== undefined && !Number.isNaN(value);
}

function reportToListener(
  condition: ThresholdCondition,
  {
    series,
    judged,
  }: { series: readonly Series[]; /** One for each series that has points. */ judged: readonly Evaluation[] },
  selection: DatapointSelection,
  context: JudgementContext,
): void {
  const { listener } = context;
  if (listener === undefined) return;
  const threshold = effectiveThreshold(condition, context);
  const isAnyDecided = judged.some(isDecided);
  let place = 0;
  for (const [index, points] of series.entries()) {
    if (points.length === 0) continue;
    const evaluation = judged[place]!;
    const stoodAside = isAnyDecided && !isDecided(evaluation);
    place += 1;
    listener.series({ series: index, verdict: evaluation.verdict });
    const whyNot = reasonsAgainst(points, selection, stoodAside);
    for (const point of points) {
      const { at } = point;
      const value = point.values[selection.statistic];
      // The datasource has already reported this point with the value that it got.
      if (value === undefined) continue;
      const leftOut = whyNot(point);
      if (leftOut === undefined)
        listener.point({ series: index, at, value, outside: isOutside(condition, value, threshold) });
      else listener.point({ series: index, at, value, leftOut });
    }
  }
}

/** Makes a function that gives the reason why a point was not compared; undefined if it was. */
function reasonsAgainst(
  points: Series,
  selection: DatapointSelection,
  stoodAside: boolean,
): (point: Point) => string | undefined {
  const { required, statistic, only } = selection;
  const compared = new Set(newestPoints(points, selection));
  const allowed = new Set(only ? only.points(points) : points);
  return (point) => {
    if (!isValue(point.values[statistic])) return 'not a number';
    if (compared.has(point)) return stoodAside ? 'its series has too few datapoints' : undefined;
    return allowed.has(point) ? olderThan(required) : only?.otherwise;
  };
}

function olderThan(required: number): string {
  return required === 1 ? 'older than the last datapoint' : `older than the last ${required} datapoints`;
}

function withoutValue(required: number, unknownReason: string): ThresholdFindings {
  return { values: [], outside: 0, required, unknownReason };
}

function filling(treatment: MissingDataTreatment, missing: number): ThresholdFindings['filled'] {
  return missing > 0 && (treatment === 'ok' || treatment === 'alarm') ? { count: missing, as: treatment } : undefined;
}

/** Aodh's rule: every datapoint must be there, and all must agree. */
function unanimous(outside: number, open: number, required: number): Verdict | undefined {
  if (open > 0) return undefined;
  if (outside === required) return 'alarm';
  return outside === 0 ? 'ok' : undefined;
}

/**
 * Decided as soon as the missing datapoints could not change the verdict. Without missing ones it is always decided.
 */
function enoughOf(outside: number, open: number, enough: number): Verdict | undefined {
  if (outside >= enough) return 'alarm';
  return outside + open < enough ? 'ok' : undefined;
}

function trend(isOutside: boolean): Verdict {
  return isOutside ? 'trending alarm' : 'trending ok';
}

/**
 * Combines series as Aodh does for PromQL: all in alarm, none in alarm, or a trend that follows the last one. Series
 * with too few values are ignored.
 */
function combined(judged: readonly Evaluation<ThresholdFindings>[]): Evaluation<ThresholdFindings> {
  const decided = judged.filter(isDecided);
  const counted = decided.length > 0 ? decided : judged;
  const as = counted.find((one) => one.findings.filled)?.findings.filled?.as;
  const count = counted.reduce((sum, one) => sum + (one.findings.filled?.count ?? 0), 0);
  const findings: ThresholdFindings = {
    values: counted.flatMap((one) => one.findings.values),
    outside: counted.reduce((sum, one) => sum + one.findings.outside, 0),
    required: judged[0]?.findings.required ?? 0,
    ...(as && { filled: { count, as } }),
  };
  const verdicts = new Set(counted.map(({ verdict }) => verdict));
  const [only] = verdicts;
  if (verdicts.size === 1 && only !== undefined) return { verdict: only, findings };
  if (decided.length === 0) return { verdict: 'hold', findings };
  const last = decided.at(-1)?.verdict;
  return { verdict: trend(last === 'alarm' || last === 'trending alarm'), findings };
}

function isDecided({ verdict }: Evaluation): boolean {
  return verdict !== 'insufficient data' && verdict !== 'hold';
}
