import type { Schemas } from '../requests/client.js';

export type ShownType = Schemas['Alarm']['type'];

/** Types of alarms, as the API names them, with words for a reader. */
export const TYPE_WORDS: Readonly<Record<ShownType, string>> = {
  threshold: 'meter',
  prometheus: 'Prometheus',
  gnocchi_resources_threshold: 'Gnocchi resource',
  gnocchi_aggregation_by_metrics_threshold: 'Gnocchi metrics',
  gnocchi_aggregation_by_resources_threshold: 'Gnocchi resources',
  event: 'event',
  composite: 'composite',
  combination: 'combination',
  loadbalancer_member_health: 'load balancer',
};
export const TYPES = Object.keys(TYPE_WORDS) as ShownType[];
/** For a choice of a type. */
export const TYPE_OPTIONS = TYPES.map((type) => [type, TYPE_WORDS[type]] as const);
