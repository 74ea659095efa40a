import type { EvaluationOptions } from '../evaluation-options.js';
import type { AlarmKindDefinition, AlarmType } from './alarm-type.js';
import { combination } from './combination/index.js';
import type { CombinationRule } from './combination/schema.js';
import { composite } from './composite/index.js';
import type { CompositeRule } from './composite/schema.js';
import { leavesOf, optionsOf } from './composite/tree.js';
import { event } from './event/index.js';
import type { EventRule } from './event/schema.js';
import { gnocchiAggregationByMetricsThreshold } from './gnocchi-aggregation-by-metrics-threshold/index.js';
import type { GnocchiAggregationByMetricsThresholdRule } from './gnocchi-aggregation-by-metrics-threshold/schema.js';
import { gnocchiAggregationByResourcesThreshold } from './gnocchi-aggregation-by-resources-threshold/index.js';
import type { GnocchiAggregationByResourcesThresholdRule } from './gnocchi-aggregation-by-resources-threshold/schema.js';
import { gnocchiResourcesThreshold } from './gnocchi-resources-threshold/index.js';
import type { GnocchiResourcesThresholdRule } from './gnocchi-resources-threshold/schema.js';
import { loadbalancerMemberHealth } from './loadbalancer-member-health/index.js';
import type { LoadbalancerMemberHealthRule } from './loadbalancer-member-health/schema.js';
import { prometheus } from './prometheus/index.js';
import type { PrometheusRule } from './prometheus/schema.js';
import { threshold } from './threshold/index.js';
import type { ThresholdRule } from './threshold/schema.js';

export type AlarmRule =
  | ThresholdRule
  | CombinationRule
  | GnocchiResourcesThresholdRule
  | GnocchiAggregationByMetricsThresholdRule
  | GnocchiAggregationByResourcesThresholdRule
  | PrometheusRule
  | CompositeRule
  | LoadbalancerMemberHealthRule
  | EventRule;
export type AlarmKind = AlarmRule['type'];

/** Every kind of alarm, one line each; the compiler notices a missing one. */
export const alarmTypes = {
  threshold,
  combination,
  gnocchi_resources_threshold: gnocchiResourcesThreshold,
  gnocchi_aggregation_by_metrics_threshold: gnocchiAggregationByMetricsThreshold,
  gnocchi_aggregation_by_resources_threshold: gnocchiAggregationByResourcesThreshold,
  prometheus,
  composite,
  loadbalancer_member_health: loadbalancerMemberHealth,
  event,
} satisfies { [Kind in AlarmKind]: AlarmKindDefinition<Extract<AlarmRule, { type: Kind }>> };

export const ALARM_KINDS = Object.keys(alarmTypes) as AlarmKind[];
const KINDS_BY_NAME = new Map(ALARM_KINDS.map((kind) => [kind, kind]));

/** The kind of a rule, seen as one that takes any rule: the registry guarantees that the two belong together. */
export function typeOf(rule: AlarmRule): AlarmKindDefinition<AlarmRule> {
  return alarmTypes[rule.type];
}

/**
 * The kind of a rule that an evaluator is about to judge.
 * @throws Error for kinds that evaluators cannot judge; they hold no alarm of such a kind.
 */
export function evaluatedTypeOf(rule: AlarmRule): AlarmType<AlarmRule, unknown> {
  const kind = typeOf(rule);
  if (!isEvaluated(kind)) throw new Error(`alarms of type ${rule.type} cannot be evaluated`);
  return kind;
}

function isEvaluated(kind: AlarmKindDefinition<AlarmRule>): kind is AlarmType<AlarmRule, unknown> {
  return 'evaluate' in kind;
}

/** A rule with what it is asked and judged by. */
export interface RulePart {
  rule: AlarmRule;
  options: EvaluationOptions;
}

/**
 * The rules within a composite one, each with options of its own, in the order of the tree; of other kinds the rule
 * itself, with the alarm's.
 */
export function partsOf(rule: AlarmRule, options: EvaluationOptions): RulePart[] {
  if (rule.type !== 'composite') return [{ rule, options }];
  return leavesOf(rule.tree).map((leaf) => ({ rule: leaf, options: optionsOf(leaf) }));
}

/** A stored rule back as a value. `ruleJson` was written by the kind itself, so it needs no second validation. */
export function parseStoredRule(kind: AlarmKind, ruleJson: string): AlarmRule {
  const stored: unknown = JSON.parse(ruleJson);
  // The one string of our own for each kind, not one from each row: looking things up by it is what every judgement
  // does.
  const type = KINDS_BY_NAME.get(kind) ?? kind;
  const definition: AlarmKindDefinition<AlarmRule> = alarmTypes[type];
  return definition.fromStored?.(stored) ?? ({ ...(stored as object), type } as AlarmRule);
}
