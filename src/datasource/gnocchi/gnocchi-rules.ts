import { leavesOf } from '../../alarm/types/composite/tree.js';
import type { GnocchiAggregationByMetricsThresholdRule } from '../../alarm/types/gnocchi-aggregation-by-metrics-threshold/schema.js';
import type { GnocchiAggregationByResourcesThresholdRule } from '../../alarm/types/gnocchi-aggregation-by-resources-threshold/schema.js';
import type { GnocchiResourcesThresholdRule } from '../../alarm/types/gnocchi-resources-threshold/schema.js';
import type { AlarmRule } from '../../alarm/types/index.js';

/** A rule on Gnocchi's metrics: an alarm's own, or a leaf of a composite rule. */
export type GnocchiRule =
  GnocchiResourcesThresholdRule | GnocchiAggregationByMetricsThresholdRule | GnocchiAggregationByResourcesThresholdRule;

const KINDS: Record<GnocchiRule['type'], true> = {
  gnocchi_resources_threshold: true,
  gnocchi_aggregation_by_metrics_threshold: true,
  gnocchi_aggregation_by_resources_threshold: true,
};

/**
 * The rules that use Gnocchi: the rule itself, or the leaves of a composite rule in the order in which they are
 * written.
 */
export function gnocchiRulesIn(rule: AlarmRule): GnocchiRule[] {
  return (rule.type === 'composite' ? leavesOf(rule.tree) : [rule]).filter(asksGnocchi);
}

function asksGnocchi(rule: AlarmRule): rule is GnocchiRule {
  return rule.type in KINDS;
}
