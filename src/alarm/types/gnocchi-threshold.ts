import { PythonFloat, pythonJson } from '../python-json.js';
import { optional, wireEnum, wireFloat, wireInt, wireText } from '../wire-types.js';
import type { AlarmKindDefinition } from './alarm-type.js';
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

/** What those kinds have in common. Evaluators cannot ask Gnocchi yet, so that no series is needed. */
export const gnocchiThreshold = {
  judgedBy: 'series',
  ruleJson: ({ type: _, ...rule }) => pythonJson({ ...rule, threshold: new PythonFloat(rule.threshold) }),
  defaultDescription: ({ type }) => `${type} alarm rule`,
  members: () => [],
  backends: () => ['gnocchi'],
  seriesNeeded: () => undefined,
} satisfies Omit<AlarmKindDefinition<GnocchiThresholdRule>, 'schema' | 'scopedTo'>;
