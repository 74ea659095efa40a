import { pythonFloat } from '../../wire/python-json.js';
import type { AlarmType } from '../alarm-type.js';
import { shownThresholdJson, storedThresholdJson } from '../threshold-json.js';
import { type ThresholdFindings } from '../threshold-judgement.js';
import { explainThreshold } from '../threshold-reason.js';
import { thresholdOptionProblem } from '../option-problems.js';
import { evaluateThreshold } from './evaluate.js';
import { scopedTo, seriesNeeded } from './meter-query.js';
import { ThresholdRule } from './schema.js';

export const threshold: AlarmType<ThresholdRule, ThresholdFindings> = {
  schema: ThresholdRule,
  judgedBy: 'series',
  repeatsWhileUnknown: true,
  ruleJson: storedThresholdJson,
  shownJson: shownThresholdJson,
  // The order in which Aodh's request parser reads the keys of a condition.
  historyJson: ({ query, ...rule }) => {
    const conditions = query.map(({ field, op, type, value }) => ({ field, op, type, value }));
    return shownThresholdJson({ ...rule, query: conditions });
  },
  defaultDescription: (rule) =>
    `Alarm when ${rule.meter_name} is ${rule.comparison_operator} a ${rule.statistic} of ` +
    `${pythonFloat(rule.threshold)} over ${rule.period} seconds`,
  members: () => [],
  scopedTo,
  backends: () => ['meters'],
  seriesNeeded,
  optionProblem: (rule, options) => thresholdOptionProblem(rule, rule.evaluation_periods, options),
  evaluate: evaluateThreshold,
  explain: explainThreshold,
};
