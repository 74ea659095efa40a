interface Aggregation {
  aggregation_method: string;
}

export interface ResourcesRule extends Aggregation {
  type: 'gnocchi_resources_threshold';
  resource_id: string;
}

export interface ByMetricsRule extends Aggregation {
  type: 'gnocchi_aggregation_by_metrics_threshold';
  metrics: readonly string[];
}

export interface ByResourcesRule extends Aggregation {
  type: 'gnocchi_aggregation_by_resources_threshold';
  metric: string;
  /** A search of Gnocchi's as JSON text. */
  query: string;
  resource_type: string;
}

/** What of a rule on Gnocchi's metrics Gnocchi can judge. */
export type GnocchiRule = ResourcesRule | ByMetricsRule | ByResourcesRule;

const KINDS: ReadonlySet<unknown> = new Set<GnocchiRule['type']>([
  'gnocchi_resources_threshold',
  'gnocchi_aggregation_by_metrics_threshold',
  'gnocchi_aggregation_by_resources_threshold',
]);

/** The rule itself, or the leaves of a composite one, that ask Gnocchi; in the order in which they are written. */
export function gnocchiRulesIn(rule: unknown): GnocchiRule[] {
  if (typeof rule !== 'object' || rule === null) return [];
  if ('type' in rule && KINDS.has(rule.type)) return [rule as GnocchiRule];
  return Object.values(rule).flatMap(gnocchiRulesIn);
}
