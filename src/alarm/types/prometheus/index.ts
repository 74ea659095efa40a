import { PythonFloat, pythonJson } from '../../python-json.js';
import type { SeriesNeed } from '../../series.js';
import type { EvaluationOptions } from '../../evaluation-options.js';
import type { AlarmType } from '../alarm-type.js';
import {
  explainThreshold,
  judgeThreshold,
  thresholdOptionProblem,
  type Reading,
  type ThresholdFindings,
} from '../threshold-judgement.js';
import { PrometheusRule } from './schema.js';

const DEFAULT_GRANULARITY_S = 60;

export const prometheus: AlarmType<PrometheusRule, ThresholdFindings> = {
  schema: PrometheusRule,
  judgedBy: 'series',
  repeatsWhileUnknown: true,
  ruleJson: storedJson,
  shownJson: ({ type: _, scope_to_project: __, ...rule }) => pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) }),
  historyJson: storedJson,
  defaultDescription: () => 'prometheus alarm rule',
  members: () => [],
  scopedTo: (rule, { projectId }) => ({ ...rule, scope_to_project: projectId }),
  backends: () => ['prometheus'],
  seriesNeeded: (rule, options) => [needOf(rule, options)],
  optionProblem: (rule, options) => thresholdOptionProblem(rule, rule.evaluation_periods ?? 1, options),
  evaluate: (rule, input) => judgeThreshold(rule, input.answers[0]!, readingOf(rule), input),
  explain: explainThreshold,
};

function storedJson({ type: _, ...rule }: PrometheusRule): string {
  return pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) });
}

function needOf(rule: PrometheusRule, options: EvaluationOptions): SeriesNeed {
  const { backend, ingestion_lag: lagS = 0 } = options;
  const granularityS = isRange(rule) ? (rule.granularity ?? DEFAULT_GRANULARITY_S) : 0;
  const query = { promql: rule.query, project: rule.scope_to_project };
  const key = JSON.stringify(['prometheus', backend ?? null, granularityS, lagS, query]);
  return {
    datasource: 'prometheus',
    backend: backend ?? null,
    key,
    query,
    granularityS,
    periods: rule.evaluation_periods ?? 1,
    lagS,
  };
}

/** Aodh knows no others than questions about one moment. */
function isRange({ granularity, evaluation_periods }: PrometheusRule): boolean {
  return granularity !== undefined || evaluation_periods !== undefined;
}

function readingOf(rule: PrometheusRule): Reading {
  const required = rule.evaluation_periods ?? 1;
  return {
    required,
    statistic: 'value',
    ...(isRange(rule) ? {} : { withoutValues: 'datapoints are unknown', countWithoutValues: 0 }),
  };
}
