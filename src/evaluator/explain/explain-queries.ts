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
import type { Datapoint, ExplainedPoolMember, ExplainedQuestion } from './explanation.js';
import type { Overheard } from './trace-recorder.js';

/** What a look at an alarm got to see; parallel to its needs. */
export interface Look {
  rule: AlarmRule;
  needs: readonly SeriesNeed[];
  options: EvaluationOptions;
  state: AlarmState;
  at: Date;
  /** By the keys of the needs, over windows that may be wider than the alarm's. */
  answers: ReadonlyMap<string, BackendAnswer>;
  /** Cut to the alarm's windows, as they were judged. */
  own: readonly BackendAnswer[];
  /** Of the whole rule. */
  evaluation: Evaluation;
  overheard: Overheard;
}

/** Each question of an alarm that was put to its backend, with what became of every datapoint of the answer. */
export async function explainedQuestions(look: Look): Promise<ExplainedQuestion[]> {
  const questions: ExplainedQuestion[] = [];
  for (const [index, asker] of askersOf(look).entries()) {
    // An answer may be long, and a composite rule may ask twenty.
    if (index > 0) await yieldToEventLoop();
    questions.push(explained(look, look.needs[index]!, { ...asker, answer: look.own[index]! }));
  }
  return questions;
}

/** The same of an alarm whose backends are not all configured: nobody was asked. */
export function unaskedQuestions(
  look: Pick<Look, 'rule' | 'needs' | 'options' | 'at'>,
  isConfigured: (need: SeriesNeed) => boolean,
): ExplainedQuestion[] {
  const asking = askersOf(look);
  return look.needs.map((need, index) =>
    unasked(need, asking[index]!, { at: look.at, configured: isConfigured(need) }),
  );
}

/** Who asks each question: each part of a composite rule asks one, other rules ask all. */
function askersOf({ rule, needs, options }: Pick<Look, 'rule' | 'needs' | 'options'>): Asker[] {
  const parts = partsOf(rule, options);
  if (rule.type !== 'composite') return needs.map(() => ({ ...parts[0]!, name: undefined }));
  return parts.map((part, index) => ({ ...part, name: `rule${index + 1}` }));
}

function unasked(
  need: SeriesNeed,
  asker: Asker,
  { at, configured }: { at: Date; configured: boolean },
): ExplainedQuestion {
  const { rule, options, name } = asker;
  return {
    backend: { kind: need.datasource, name: need.backend, configured, reachable: null, trouble: null },
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

/** A rule that asks: of the whole alarm, or a part of a composite one, which has a name. */
interface Asker extends RulePart {
  name: string | undefined;
}

/** With the one answer that is its own. */
interface Part extends Asker {
  answer: BackendAnswer;
}

function explained(look: Look, need: SeriesNeed, part: Part): ExplainedQuestion {
  const { rule, answer, options } = part;
  const judged = judgedAgain(look, part);
  const { evaluation } = judged;
  const trouble = answer.kind === 'trouble' ? answer.reason : null;
  const condition = conditionOf(rule);
  const question = unasked(need, part, { at: look.at, configured: true });
  return {
    ...question,
    backend: { ...question.backend, reachable: trouble === null, trouble },
    requests: look.overheard.requestsOf(need.key),
    refusal: answer.kind === 'absent' || answer.kind === 'refused' ? answer.reason : null,
    condition: condition && {
      comparison_operator: condition.comparison_operator,
      threshold: condition.threshold,
      effectiveThreshold: effectiveThreshold(condition, { state: look.state, options }),
    },
    ...explainedData(look, need, part, judged),
    poolMembers: answer.kind === 'members' ? poolMembersOf(answer.members, evaluation) : null,
    part: question.part && { ...question.part, verdict: evaluation.verdict },
  };
}

/** The judgement is pure: made again with somebody who listens, it comes out the same. */
function judgedAgain({ state, at: now }: Look, { rule, answer, options }: Part): Judged {
  const points: JudgedPoint[] = [];
  const verdicts = new Map<number, Verdict>();
  const listener: JudgementListener = {
    point: (point) => void points.push(point),
    series: ({ series, verdict }) => void verdicts.set(series, verdict),
  };
  const input = { answers: [answer], memberStates: new Map<string, string>(), state, options, now, listener };
  return { evaluation: evaluatedTypeOf(rule).evaluate(rule, input), points, verdicts };
}

interface Judged {
  evaluation: Evaluation;
  points: JudgedPoint[];
  /** Of series by their numbers. */
  verdicts: ReadonlyMap<number, Verdict>;
}

type ExplainedData = Pick<
  ExplainedQuestion,
  | 'compared'
  | 'outside'
  | 'mostRecent'
  | 'datapoints'
  | 'datapointsNotShown'
  | 'series'
  | 'seriesNotShown'
  | 'judgedSeries'
>;

/** What the answer was made of, as much of it as can be read. */
function explainedData(look: Look, need: SeriesNeed, part: Part, { points, verdicts }: Judged): ExplainedData {
  const { answers, overheard } = look;
  const numbered = numberedSeries(answers.get(need.key), overheard.labelsOf(need.key), overheard.droppedOf(need.key));
  const datapoints = datapointsOf(look, need, part, { points, numbered });
  const comparison = comparisonFor(part.rule, { state: look.state, options: part.options });
  // Only Prometheus' series have labels, be it none.
  const hasLabels = need.datasource === 'prometheus' && part.answer.kind === 'series';
  const shown = hasLabels ? shownSeries(numbered.labels, verdicts, datapoints) : undefined;
  const readable = shownDatapoints(datapoints, shown?.byInterest);
  const isOneOfSeveral = numbered.labels.length > 1;
  const mostRecent = datapoints.findLast(({ used }) => used)?.value;
  return {
    compared: datapoints.filter(({ used }) => used).length,
    outside: datapoints.filter(({ outside }) => outside === true).length,
    mostRecent: typeof mostRecent === 'number' ? mostRecent : null,
    // Words are made for those alone that are read.
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

function windowOf(rule: AlarmRule, need: SeriesNeed, at: Date): ExplainedQuestion['window'] {
  const evaluationPeriods = 'evaluation_periods' in rule ? (rule.evaluation_periods ?? 1) : 1;
  return {
    start: new Date(windowStart(need, at.getTime())),
    stop: new Date(at.getTime() - need.lagS * 1000),
    granularityS: need.granularityS,
    evaluationPeriods,
    lagS: need.lagS,
  };
}

function conditionOf(rule: AlarmRule): ThresholdCondition | null {
  return 'threshold' in rule ? rule : null;
}

/**
 * What was judged, what was cut off before that, and what the backend sent and nobody believed: series by series,
 * oldest first.
 */
function datapointsOf(
  { answers, overheard }: Look,
  need: SeriesNeed,
  { rule, answer }: Part,
  { points: judged, numbered }: { points: readonly JudgedPoint[]; numbered: NumberedSeries },
): Datapoint[] {
  const whole = answers.get(need.key);
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
  for (const [series, points] of (whole?.kind === 'series' ? whole.series : []).entries()) {
    for (const point of cutOff(points, answer, series)) {
      const value = valueOf(point, rule);
      // A datapoint without a number is already among the dropped points.
      if (value === undefined) continue;
      datapoints.push(unused({ at: new Date(point.at), value, series }, 'outside the window'));
    }
  }
  for (const { at, value, why, labels } of overheard.droppedOf(need.key)) {
    const series = numbered.numberOf(labels);
    datapoints.push(unused({ at: at === null ? null : new Date(at), value: shownValue(value), series }, why));
  }
  return datapoints.sort(bySeriesAndTime);
}

function unused(shown: Pick<Datapoint, 'at' | 'value' | 'series'>, why: string): Datapoint {
  const { at, value, series } = shown;
  return { at, value, series, used: false, why, comparison: undefined, outside: undefined };
}

/** Points of a widened answer that the alarm did not get to see. */
function cutOff(points: readonly Point[], own: BackendAnswer, series: number): readonly Point[] {
  const kept = new Set(own.kind === 'series' ? own.series[series] : []);
  return points.filter((point) => !kept.has(point));
}

function valueOf({ values }: Point, rule: AlarmRule): number | undefined {
  return values['statistic' in rule ? rule.statistic : 'value'];
}

const MOST_CHARACTERS = 100;

/**
 * NaN and infinite numbers are texts, since JSON does not have them. Infinite ones are spelled as in Python and in the
 * comparison.
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

function poolMembersOf(members: readonly PoolMember[], { findings }: Evaluation): ExplainedPoolMember[] {
  const { unhealthy = [] } = findings as { unhealthy?: readonly PoolMember[] };
  const counted = new Set(unhealthy);
  return members.map((member) => ({ member, unhealthy: counted.has(member) }));
}
