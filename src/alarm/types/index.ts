import type { EvaluationOptions } from '../evaluation-options.js';
import type { DatasourceKind } from '../series.js';
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

/** The rule of any alarm; `type` tells the kind. */
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
/** The name of a kind: the `type` of an alarm. */
export type AlarmKind = AlarmRule['type'];

/** All kinds of alarm. The compiler reports a missing one. */
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

/** The names of all kinds. */
export const ALARM_KINDS = Object.keys(alarmTypes) as AlarmKind[];
const KINDS_BY_NAME = new Map(ALARM_KINDS.map((kind) => [kind, kind]));

/** The kind of a rule, typed for any rule: the table guarantees that kind and rule belong together. */
export function typeOf(rule: AlarmRule): AlarmKindDefinition<AlarmRule> {
  return alarmTypes[rule.type];
}

/**
 * The kind of a rule that an evaluator is about to judge.
 * @throws Error for kinds that evaluators do not judge. They never hold an alarm of such a kind.
 */
export function evaluatedTypeOf(rule: AlarmRule): AlarmType<AlarmRule, unknown> {
  const kind = typeOf(rule);
  if (!isEvaluated(kind)) throw new Error(`alarms of type ${rule.type} cannot be evaluated`);
  return kind;
}

/** The kinds of backends that each rule of a type needs. None for composite rules: their inner rules have backends. */
export function backendsOfType(type: AlarmKind): readonly DatasourceKind[] {
  if (type === 'composite') return [];
  // Only of a composite rule do the backends depend on more than the type.
  return typeOf({ type } as AlarmRule).backends({ type } as AlarmRule);
}

function isEvaluated(kind: AlarmKindDefinition<AlarmRule>): kind is AlarmType<AlarmRule, unknown> {
  return 'evaluate' in kind;
}

/** A rule with the options that it is queried and judged by. */
export interface RulePart {
  rule: AlarmRule;
  options: EvaluationOptions;
}

/**
 * The rules within a composite one with their own options, in the order of the tree. For other kinds the rule itself,
 * with the alarm's options.
 */
export function partsOf(rule: AlarmRule, options: EvaluationOptions): RulePart[] {
  if (rule.type !== 'composite') return [{ rule, options }];
  return leavesOf(rule.tree).map((leaf) => ({ rule: leaf, options: optionsOf(leaf) }));
}

/** A rule with its stored text, which clients read back. Made by the two functions below only, so that they agree. */
export interface StoredRule {
  rule: AlarmRule;
  ruleJson: string;
}

/** A new rule with the text to store. */
export function storedRule(rule: AlarmRule): StoredRule {
  return { rule, ruleJson: typeOf(rule).ruleJson(rule) };
}

/** The rule of a stored text. The text stays as it is, also if it is of an earlier release. */
export function readStoredRule(kind: AlarmKind, ruleJson: string): StoredRule {
  return { rule: parseStoredRule(kind, ruleJson), ruleJson };
}

/** Parses a stored rule. `ruleJson` was written by the kind itself, so it is not validated again. */
export function parseStoredRule(kind: AlarmKind, ruleJson: string): AlarmRule {
  const stored: unknown = JSON.parse(ruleJson);
  // One string object for each kind instead of one for each row: every judgement looks up a table by it.
  const type = KINDS_BY_NAME.get(kind) ?? kind;
  const definition: AlarmKindDefinition<AlarmRule> = alarmTypes[type];
  return definition.fromStored?.(stored) ?? ({ ...(stored as object), type } as AlarmRule);
}
