import { PythonFloat, pythonJson } from '../wire/python-json.js';
import { optional, wireEnum, wireFloat, wireInt, wireText } from '../wire/wire-types.js';
import type { EvaluationOptions } from '../evaluation-options.js';
import type { GnocchiQuery, SeriesNeed } from '../series.js';
import type { AlarmType } from './alarm-type.js';
import {
  explainThreshold,
  judgeThreshold,
  type DatapointSelection,
  type ThresholdFindings,
} from './threshold-judgement.js';
import { thresholdOptionProblem } from './option-problems.js';
import { COMPARISON_OPERATORS, type ComparisonOperator } from './threshold/schema.js';

const MAX_GRANULARITY_S = 365 * 24 * 3600;

/** Names and ids of things in other services. */
export const MAX_NAME = 255;

/** The fields that end the rule of each kind that compares aggregates of Gnocchi with a threshold. */
export const GNOCCHI_THRESHOLD_FIELDS = {
  comparison_operator: optional(wireEnum(COMPARISON_OPERATORS), 'eq'),
  threshold: wireFloat(),
  aggregation_method: wireText({ max: MAX_NAME }),
  evaluation_periods: optional(wireInt({ min: 1, max: 100 }), 1),
  granularity: optional(wireInt({ min: 1, max: MAX_GRANULARITY_S }), 60),
};

/** What any rule of those kinds has. */
export interface GnocchiThresholdRule {
  type: string;
  comparison_operator: ComparisonOperator;
  threshold: number;
  aggregation_method: string;
  evaluation_periods: number;
  granularity: number;
}

/**
 * Rules that name resources or metrics by id hold the project that they may look at; it is ours to say, and clients do
 * not see it.
 */
export interface ProjectScope {
  /** Null: everybody's data. Undefined, in what an earlier release stored: nobody's. */
  scope_to_project?: string | null | undefined;
}

/** No project has such an id: a rule that does not say whose data it may look at finds nothing. */
export const NO_SUCH_PROJECT = '';

/** One period more than the rule compares (Aodh's look-back). */
const LOOK_BACK = 1;

/** What those kinds have in common. */
export const gnocchiThreshold = {
  judgedBy: 'series',
  repeatsWhileUnknown: true,
  ruleJson: ({ type: _, ...rule }) => pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) }),
  historyJson: historyGnocchiJson,
  defaultDescription: ({ type }) => `${type} alarm rule`,
  members: () => [],
  backends: () => ['gnocchi'],
  optionProblem: (rule, options) => thresholdOptionProblem(rule, rule.evaluation_periods, options),
  evaluate: (rule, input) => judgeThreshold(rule, input.answers[0]!, selectionOf(rule), input),
  explain: explainThreshold,
} satisfies Omit<AlarmType<GnocchiThresholdRule, ThresholdFindings>, 'schema' | 'scopedTo' | 'seriesNeeded'>;

/** As `ruleJson`, without what is ours. */
export function shownGnocchiJson<Rule extends GnocchiThresholdRule & ProjectScope>({
  type: _,
  scope_to_project: __,
  ...rule
}: Rule): string {
  return pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) });
}

/** The rule as history shows it: keys in the order in which Aodh reads a rule from a request. */
function historyGnocchiJson<Rule extends GnocchiThresholdRule & ProjectScope>(rule: Rule): string {
  const { type: _, scope_to_project: __, granularity, comparison_operator, threshold, ...rest } = rule;
  const { aggregation_method, evaluation_periods, ...own } = rest;
  const common = { granularity, comparison_operator, threshold: new PythonFloat(threshold), aggregation_method };
  return pythonJson({ ...common, evaluation_periods, ...own });
}

/** The question of a rule: the rules that ask it differ only in operator, threshold or number of periods. */
export function gnocchiNeed(rule: GnocchiThresholdRule, query: GnocchiQuery, options: EvaluationOptions): SeriesNeed {
  const { backend = null, ingestion_lag: lagS = 0 } = options;
  const periods = rule.evaluation_periods + LOOK_BACK;
  // The rate of an aggregate has no value for the first row of the window.
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

/** The newest rows of Gnocchi; gaps between them are not looked at. */
function selectionOf({ evaluation_periods: required, granularity }: GnocchiThresholdRule): DatapointSelection {
  return { required, statistic: 'value', withoutValues: `No datapoint for granularity ${granularity}` };
}
