import type { Schemas } from '../requests/client.js';

export type ShownType = Schemas['Alarm']['type'];

/** Types of alarms, as the API names them, with the titles that the forms have from `GET /v1/alarm-schema`. */
export const TYPE_WORDS: Readonly<Record<ShownType, string>> = {
  threshold: 'Threshold on built-in meters',
  prometheus: 'Prometheus',
  gnocchi_resources_threshold: 'Gnocchi: one resource',
  gnocchi_aggregation_by_metrics_threshold: 'Gnocchi: several metrics',
  gnocchi_aggregation_by_resources_threshold: 'Gnocchi: resources of a query',
  event: 'Event',
  composite: 'Composite',
  combination: 'Combination',
  loadbalancer_member_health: 'Load balancer',
};
export const TYPES = Object.keys(TYPE_WORDS) as ShownType[];
/** For a choice of a type. */
export const TYPE_OPTIONS = TYPES.map((type) => [type, TYPE_WORDS[type]] as const);
