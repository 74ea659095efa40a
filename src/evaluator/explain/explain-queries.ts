import type { AlarmState } from '../../alarm/state.js';
import type { Evaluation, Verdict } from '../../alarm/decide.js';
import type { EvaluationOptions } from '../../alarm/evaluation-options.js';
import { firstCharacters } from '../../alarm/wire/first-characters.js';
import { pythonFloat } from '../../alarm/wire/python-json.js';
import { windowStart, type BackendAnswer, type Point, type PoolMember, type SeriesNeed } from '../../alarm/series.js';
import { evaluatedTypeOf, partsOf, type AlarmRule, type RulePart } from '../../alarm/types/index.js';
import type { JudgedPoint, JudgementListener } from '../../alarm/types/judged-point.js';
import { effectiveThreshold, type ThresholdCondition } from '../../alarm/types/threshold-judgement.js';
import { yieldToEventLoop } from '../../async/event-loop.js';
import { numberedSeries, shownDatapoints, shownSeries, type NumberedSeries } from './explain-series.js';
import type { Datapoint, ExplainedPoolMember, ExplainedQuery } from './explanation.js';
import type { TraceRecorder } from './trace-recorder.js';

/** The input of an evaluation of one alarm. Lists are parallel to `needs`. */
export interface ExplainInput {
  rule: AlarmRule;
  needs: readonly SeriesNeed[];
  options: EvaluationOptions;
  state: AlarmState;
  at: Date;
  /** By the keys of the needs. Windows may be wider than the alarm's. */
  answers: ReadonlyMap<string, BackendAnswer>;
  /** The answers cut to the alarm's windows, as they were judged. */
  answersInWindow: readonly BackendAnswer[];
  /** The evaluation of the whole rule. */
  evaluation: Evaluation;
  recorder: TraceRecorder;
}

/** Each query that was sent for an alarm, with what the judgement did with every datapoint of the answer. */
export async function explainedQueries(input: ExplainInput): Promise<ExplainedQuery[]> {
  const queries: ExplainedQuery[] = [];
  for (const [index, named] of rulesOf(input).entries()) {
    // An answer may be long, and a composite rule may have twenty queries.
    if (index > 0) await yieldToEventLoop();
    queries.push(explained(input, input.needs[index]!, { ...named, answer: input.answersInWindow[index]! }));
  }
  return queries;
}

/** The queries of an alarm whose backends are not all configured: none was sent. */
export function unsentQueries(
  input: Pick<ExplainInput, 'rule' | 'needs' | 'options' | 'at'>,
  isConfigured: (need: SeriesNeed) => boolean,
): ExplainedQuery[] {
  const rules = rulesOf(input);
  return input.needs.map((need, index) =>
    unsentQuery(need, rules[index]!, { at: input.at, configured: isConfigured(need) }),
  );
}

/**
 * The rule behind each query. Each part of a composite rule has one query; for other kinds the rule has all of them.
 */
export function rulesOf({ rule, needs, options }: Pick<ExplainInput, 'rule' | 'needs' | 'options'>): NamedRule[] {
  const parts = partsOf(rule, options);
  if (rule.type !== 'composite') return needs.map(() => ({ ...parts[0]!, name: undefined }));
  return parts.map((part, index) => ({ ...part, name: `rule${index + 1}` }));
}

function unsentQuery(
  need: SeriesNeed,
  named: NamedRule,
  { at, configured }: { at: Date; configured: boolean },
): ExplainedQuery {
  const { rule, options, name } = named;
  return {
    backend: { kind: need.datasource, name: need.backend, configured, reachable: null, outage: null },
    window: windowOf(rule, need, at),
    requests: [],
    refusal: null,
    condition: null,
    compared: 0,
    outside: 0,
    mostRecent: null,
    datapoints: [],
    datapointsNotShown: 0,
    series: null,
    seriesNotShown: 0,
    judgedSeries: null,
    poolMembers: null,
    part: name === undefined ? null : { name, type: rule.type, verdict: null, options },
  };
}

/** A rule with queries: the rule of the alarm, or a named part of a composite rule. */
export interface NamedRule extends RulePart {
  name: string | undefined;
}

/** The rule with the answer to its query. */
export interface AnsweredRule extends NamedRule {
  answer: BackendAnswer;
}

function explained(input: ExplainInput, need: SeriesNeed, part: AnsweredRule): ExplainedQuery {
  const { rule, answer, options } = part;
  const judged = replayJudgement(input, part);
  const { evaluation } = judged;
  const outage = answer.kind === 'outage' ? answer.reason : null;
  const condition = conditionOf(rule);
  const query = unsentQuery(need, part, { at: input.at, configured: true });
  return {
    ...query,
    backend: { ...query.backend, reachable: outage === null, outage },
    requests: input.recorder.requestsOf(need.key),
    refusal: answer.kind === 'absent' || answer.kind === 'refused' ? answer.reason : null,
    condition: condition && {
      comparison_operator: condition.comparison_operator,
      threshold: condition.threshold,
      effectiveThreshold: effectiveThreshold(condition, { state: input.state, options }),
    },
    ...explainedData(input, need, part, judged),
    poolMembers: answer.kind === 'members' ? poolMembersOf(answer.members, evaluation) : null,
    part: query.part && { ...query.part, verdict: evaluation.verdict },
  };
}

/** Repeats the judgement with a listener. The judgement is pure, so the result is the same. */
export function replayJudgement(
  { state, at: now }: Pick<ExplainInput, 'state' | 'at'>,
  { rule, answer, options }: AnsweredRule,
): ReplayedJudgement {
  const points: JudgedPoint[] = [];
  const verdicts = new Map<number, Verdict>();
  const listener: JudgementListener = {
    point: (point) => void points.push(point),
    series: ({ series, verdict }) => void verdicts.set(series, verdict),
  };
  const input = { answers: [answer], memberStates: new Map<string, string>(), state, options, now, listener };
  return { evaluation: evaluatedTypeOf(rule).evaluate(rule, input), points, verdicts };
}

/** The result of a replayed judgement, with what its listener was told. */
export interface ReplayedJudgement {
  evaluation: Evaluation;
  points: JudgedPoint[];
  /** By the numbers of the series. */
  verdicts: ReadonlyMap<number, Verdict>;
}

type ExplainedData = Pick<
  ExplainedQuery,
  | 'compared'
  | 'outside'
  | 'mostRecent'
  | 'datapoints'
  | 'datapointsNotShown'
  | 'series'
  | 'seriesNotShown'
  | 'judgedSeries'
>;

/** The content of the answer, cut to a readable length. */
function explainedData(
  input: ExplainInput,
  need: SeriesNeed,
  part: AnsweredRule,
  { points, verdicts }: ReplayedJudgement,
): ExplainedData {
  const { answers, recorder } = input;
  const numbered = numberedSeries(answers.get(need.key), recorder.labelsOf(need.key), recorder.droppedOf(need.key));
  const datapoints = datapointsOf(input, need, part, { points, numbered });
  const comparison = comparisonFor(part.rule, { state: input.state, options: part.options });
  // Series of Prometheus have labels, even if the set is empty; others have none.
  const hasLabels = need.datasource === 'prometheus' && part.answer.kind === 'series';
  const shown = hasLabels ? shownSeries(numbered.labels, verdicts, datapoints) : undefined;
  const readable = shownDatapoints(datapoints, shown?.byInterest);
  const isOneOfSeveral = numbered.labels.length > 1;
  const mostRecent = datapoints.findLast(({ used }) => used)?.value;
  return {
    compared: datapoints.filter(({ used }) => used).length,
    outside: datapoints.filter(({ outside }) => outside === true).length,
    mostRecent: typeof mostRecent === 'number' ? mostRecent : null,
    // Texts are made only for the datapoints that are shown.
    datapoints: readable.map((point) => ({
      ...point,
      value: shownValue(point.value),
      series: isOneOfSeveral ? point.series : undefined,
      comparison: point.used ? comparison(point.value) : undefined,
    })),
    datapointsNotShown: datapoints.length - readable.length,
    series: shown?.series ?? null,
    seriesNotShown: shown ? numbered.labels.length - shown.series.length : 0,
    judgedSeries: shown?.judged ?? null,
  };
}

function windowOf(rule: AlarmRule, need: SeriesNeed, at: Date): ExplainedQuery['window'] {
  const evaluationPeriods = 'evaluation_periods' in rule ? (rule.evaluation_periods ?? 1) : 1;
  return {
    start: new Date(windowStart(need, at.getTime())),
    stop: new Date(at.getTime() - need.lagS * 1000),
    granularityS: need.granularityS,
    evaluationPeriods,
    lagS: need.lagS,
  };
}

/** The condition of a rule; null for rules that compare nothing with a threshold. */
export function conditionOf(rule: AlarmRule): ThresholdCondition | null {
  return 'threshold' in rule ? rule : null;
}

/**
 * Datapoints that were judged, those outside the window, and those that were dropped as invalid; ordered by series,
 * oldest first.
 */
function datapointsOf(
  { answers, recorder }: ExplainInput,
  need: SeriesNeed,
  { rule, answer }: AnsweredRule,
  { points: judged, numbered }: { points: readonly JudgedPoint[]; numbered: NumberedSeries },
): Datapoint[] {
  const uncut = answers.get(need.key);
  const datapoints = judged.map((point): Datapoint => {
    const { series, at, value } = point;
    if ('leftOut' in point) return unused({ at: new Date(at), value, series }, point.leftOut);
    return {
      at: new Date(at),
      value,
      series,
      used: true,
      why: undefined,
      comparison: undefined,
      outside: point.outside,
    };
  });
  for (const [series, points] of (uncut?.kind === 'series' ? uncut.series : []).entries()) {
    for (const point of cutOff(points, answer, series)) {
      const value = valueOf(point, rule);
      // A datapoint without a number is already among the dropped points.
      if (value === undefined) continue;
      datapoints.push(unused({ at: new Date(point.at), value, series }, 'outside the window'));
    }
  }
  for (const { at, value, why, labels } of recorder.droppedOf(need.key)) {
    const series = numbered.numberOf(labels);
    datapoints.push(unused({ at: at === null ? null : new Date(at), value: shownValue(value), series }, why));
  }
  return datapoints.sort(bySeriesAndTime);
}

function unused(shown: Pick<Datapoint, 'at' | 'value' | 'series'>, why: string): Datapoint {
  const { at, value, series } = shown;
  return { at, value, series, used: false, why, comparison: undefined, outside: undefined };
}

/** Points of a wider answer that are outside the alarm's window. */
function cutOff(points: readonly Point[], answerInWindow: BackendAnswer, series: number): readonly Point[] {
  const kept = new Set(answerInWindow.kind === 'series' ? answerInWindow.series[series] : []);
  return points.filter((point) => !kept.has(point));
}

function valueOf({ values }: Point, rule: AlarmRule): number | undefined {
  return values['statistic' in rule ? rule.statistic : 'value'];
}

const MOST_CHARACTERS = 100;

/**
 * NaN and infinite values become texts, since JSON has no form for them. Infinite ones are spelled as in Python and in
 * `comparison`.
 */
function shownValue(value: unknown): number | string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') return firstCharacters(value, MOST_CHARACTERS);
  if (typeof value !== 'number') return typeof value === 'boolean' ? String(value) : `of type ${typeof value}`;
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : pythonFloat(value);
}

const SIGNS = { gt: '>', ge: '>=', lt: '<', le: '<=', eq: '==', ne: '!=' } as const;

function comparisonFor(
  rule: AlarmRule,
  circumstances: { state: AlarmState; options: EvaluationOptions },
): (value: Datapoint['value']) => string | undefined {
  const condition = conditionOf(rule);
  if (condition === null) return () => undefined;
  const right = `${SIGNS[condition.comparison_operator]} ${pythonFloat(effectiveThreshold(condition, circumstances))}`;
  return (value) => (typeof value === 'number' ? `${pythonFloat(value)} ${right}` : undefined);
}

function bySeriesAndTime(a: Datapoint, b: Datapoint): number {
  return (a.series ?? 0) - (b.series ?? 0) || (a.at?.getTime() ?? 0) - (b.at?.getTime() ?? 0);
}

/** The members of a pool; `unhealthy` are those that the evaluation counted. */
export function poolMembersOf(members: readonly PoolMember[], { findings }: Evaluation): ExplainedPoolMember[] {
  const { unhealthy = [] } = findings as { unhealthy?: readonly PoolMember[] };
  const counted = new Set(unhealthy);
  return members.map((member) => ({ member, unhealthy: counted.has(member) }));
}
