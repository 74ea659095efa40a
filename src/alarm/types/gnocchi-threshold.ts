import { optional, wireEnum, wireFloat, wireInt, wireText } from '../wire/wire-types.js';
import type { EvaluationOptions } from '../evaluation-options.js';
import type { GnocchiQuery, SeriesNeed } from '../series.js';
import type { AlarmType } from './alarm-type.js';
import { COMPARISON_WORDS, GRANULARITY_WORDS, PERIODS_WORDS, THRESHOLD_WORDS } from './field-words.js';
import { shownThresholdJson, storedThresholdJson } from './threshold-json.js';
import { judgeThreshold, type DatapointSelection, type ThresholdFindings } from './threshold-judgement.js';
import { explainThreshold } from './threshold-reason.js';
import { thresholdOptionProblem } from './option-problems.js';
import { COMPARISON_OPERATORS, type ComparisonOperator } from './threshold/schema.js';

const MAX_GRANULARITY_S = 365 * 24 * 3600;

/** Most characters of names and ids in other services. */
export const MAX_NAME = 255;

/** The last fields of the rules that compare aggregates of Gnocchi with a threshold. */
export const GNOCCHI_THRESHOLD_FIELDS = {
  comparison_operator: optional(wireEnum(COMPARISON_OPERATORS), 'eq').meta(COMPARISON_WORDS),
  threshold: wireFloat().meta(THRESHOLD_WORDS),
  aggregation_method: wireText({ max: MAX_NAME }).meta({
    title: 'Aggregation method',
    description: 'One of the archive policy, such as mean, max or rate:mean.',
  }),
  evaluation_periods: optional(wireInt({ min: 1, max: 100 }), 1).meta(PERIODS_WORDS),
  granularity: optional(wireInt({ min: 1, max: MAX_GRANULARITY_S }), 60).meta({
    ...GRANULARITY_WORDS,
    description: 'Time between two datapoints. The archive policy of the metric must have this granularity.',
  }),
};

/** Titles and descriptions of fields that some of these rules have. */
export const METRIC_WORDS = { title: 'Metric', description: 'Name of a metric, such as cpu.' };
export const RESOURCE_TYPE_WORDS = { title: 'Resource type', description: 'Type of the resource, such as instance.' };

/** The fields that all these rules have. */
export interface GnocchiThresholdRule {
  type: string;
  comparison_operator: ComparisonOperator;
  threshold: number;
  aggregation_method: string;
  evaluation_periods: number;
  granularity: number;
}

/**
 * Rules that name resources or metrics by id store the project whose data they may read. The server sets it, and
 * clients do not see it.
 */
export interface ProjectScope {
  /** Null means all projects. Undefined before `scopedTo` has set it: no project. */
  scope_to_project?: string | null | undefined;
}

/** An id that no project has: a rule without a scope finds no data. */
export const NO_SUCH_PROJECT = '';

/** One period more than the rule compares (Aodh's look-back). */
const LOOK_BACK = 1;

/** The common part of these kinds. */
export const gnocchiThreshold = {
  judgedBy: 'series',
  repeatsWhileUnknown: true,
  ruleJson: storedThresholdJson,
  historyJson: historyGnocchiJson,
  defaultDescription: ({ type }) => `${type} alarm rule`,
  members: () => [],
  backends: () => ['gnocchi'],
  optionProblem: (rule, options) => thresholdOptionProblem(rule, rule.evaluation_periods, options),
  evaluate: (rule, input) => judgeThreshold(rule, input.answers[0]!, selectionOf(rule), input),
  explain: explainThreshold,
} satisfies Omit<AlarmType<GnocchiThresholdRule, ThresholdFindings>, 'schema' | 'scopedTo' | 'seriesNeeded'>;

/** The rule in the history: keys in the order of Aodh's request parser. */
function historyGnocchiJson<Rule extends GnocchiThresholdRule & ProjectScope>(rule: Rule): string {
  const { granularity, comparison_operator, threshold, aggregation_method, evaluation_periods, ...ofKind } = rule;
  const common = { granularity, comparison_operator, threshold, aggregation_method, evaluation_periods };
  return shownThresholdJson({ ...common, ...ofKind });
}

/** The need of a rule. Rules that share its key differ only in operator, threshold or number of periods. */
export function gnocchiNeed(rule: GnocchiThresholdRule, query: GnocchiQuery, options: EvaluationOptions): SeriesNeed {
  const { backend = null, ingestion_lag: lagS = 0 } = options;
  const periods = rule.evaluation_periods + LOOK_BACK;
  // The rate of an aggregate has no value for the first row of the window, so it depends on where the window begins.
  const ownWindow = query.kind !== 'resource' && query.method.startsWith('rate:');
  return {
    datasource: 'gnocchi',
    backend,
    key: JSON.stringify(['gnocchi', backend, rule.granularity, lagS, query, ...(ownWindow ? [periods] : [])]),
    query,
    granularityS: rule.granularity,
    periods,
    lagS,
    ...(ownWindow && { ownWindow }),
  };
}

/** The newest rows of Gnocchi count. Gaps between them are ignored. */
function selectionOf({ evaluation_periods: required, granularity }: GnocchiThresholdRule): DatapointSelection {
  return { required, statistic: 'value', withoutValues: `No datapoint for granularity ${granularity}` };
}
