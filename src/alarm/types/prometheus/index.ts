import type { PrometheusNeed } from '../../series.js';
import type { EvaluationOptions } from '../../evaluation-options.js';
import type { AlarmType } from '../alarm-type.js';
import { shownThresholdJson, storedThresholdJson } from '../threshold-json.js';
import { judgeThreshold, type DatapointSelection, type ThresholdFindings } from '../threshold-judgement.js';
import { explainThreshold } from '../threshold-reason.js';
import { thresholdOptionProblem } from '../option-problems.js';
import { PrometheusRule } from './schema.js';

const DEFAULT_GRANULARITY_S = 60;

export const prometheus: AlarmType<PrometheusRule, ThresholdFindings> = {
  schema: PrometheusRule,
  judgedBy: 'series',
  repeatsWhileUnknown: true,
  ruleJson: storedThresholdJson,
  shownJson: shownThresholdJson,
  historyJson: storedThresholdJson,
  defaultDescription: () => 'prometheus alarm rule',
  members: () => [],
  scopedTo: (rule, { projectId }) => ({ ...rule, scope_to_project: projectId }),
  backends: () => ['prometheus'],
  seriesNeeded: (rule, options) => [needOf(rule, options)],
  mergeGroup: mergeGroupOf,
  optionProblem: (rule, options) => thresholdOptionProblem(rule, rule.evaluation_periods ?? 1, options),
  evaluate: (rule, input) => judgeThreshold(rule, input.answers[0]!, selectionOf(rule), input),
  explain: explainThreshold,
};

function needOf(rule: PrometheusRule, options: EvaluationOptions): PrometheusNeed {
  const { backend, ingestion_lag: lagS = 0 } = options;
  const granularityS = isRange(rule) ? (rule.granularity ?? DEFAULT_GRANULARITY_S) : 0;
  const query = { promql: rule.query, project: rule.scope_to_project };
  const periods = rule.evaluation_periods ?? 1;
  const ownWindow = granularityS > 0 && NAMES_WINDOW.test(rule.query);
  const of = ['prometheus', backend ?? null, granularityS, lagS, query, ...(ownWindow ? [periods] : [])];
  return {
    datasource: 'prometheus',
    backend: backend ?? null,
    key: JSON.stringify(of),
    query,
    granularityS,
    periods,
    lagS,
    ...(ownWindow && { ownWindow }),
  };
}

/** `@ start()` and `@ end()` are the ends of the window of a range query. */
const NAMES_WINDOW = /@\s*(?:start|end)\s*\(/;
const QUOTED = /"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|`[^`]*`/g;

/** Queries that differ only in quoted texts, such as label values. These are most of those that can be merged. */
function mergeGroupOf(rule: PrometheusRule, options: EvaluationOptions): string {
  const { backend, granularityS, lagS, query } = needOf(rule, options);
  return JSON.stringify(['prometheus', backend, granularityS, lagS, query.project, query.promql.replace(QUOTED, '""')]);
}

/** Rules with these fields are range queries. Aodh has instant queries only. */
function isRange({ granularity, evaluation_periods }: PrometheusRule): boolean {
  return granularity !== undefined || evaluation_periods !== undefined;
}

const OF_ONE_MOMENT: DatapointSelection = {
  required: 1,
  statistic: 'value',
  withoutValues: 'datapoints are unknown',
  countWithoutValues: 0,
};

function selectionOf(rule: PrometheusRule): DatapointSelection {
  return isRange(rule) ? { required: rule.evaluation_periods ?? 1, statistic: 'value' } : OF_ONE_MOMENT;
}
