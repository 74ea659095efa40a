import type { Caller } from '../../support/api.js';
import type { GnocchiResource } from './backends.js';

/** Values of every wave that alarms are made for: far from `THRESHOLD` on both sides. */
export const LOW = 10;
export const HIGH = 90;
const THRESHOLD = 50;

const CONDITION = { comparison_operator: 'gt', threshold: THRESHOLD };

/** What the alarms look at. */
export interface Things {
  resources: readonly [GnocchiResource, GnocchiResource];
  /** A metric of Prometheus. */
  metric: string;
}

/** A kind of alarm on a wave that is low, then high, then over. */
export interface Kind {
  title: string;
  body(things: Things): Record<string, unknown>;
  /** Why it is ok, in alarm, and unknown again. */
  reasons: readonly [ok: string, alarm: string, unknown: string];
  /** What the requests about it have in them, question by question. */
  requests(things: Things): string[];
  /** How many datapoints are compared, question by question. */
  compared: number[];
  as?: Caller;
}

const ONE_LOW = 'Transition to ok due to 1 samples inside threshold, most recent: 10.0';
const ONE_HIGH = 'Transition to alarm due to 1 samples outside threshold, most recent: 90.0';
const NO_ROWS = 'No datapoint for granularity 1';

const IN_GNOCCHI = { ...CONDITION, aggregation_method: 'mean', granularity: 1 };

function resourceRule({ resources: [{ id }] }: Things): Record<string, unknown> {
  return { ...IN_GNOCCHI, metric: 'cpu', resource_id: id, resource_type: 'generic' };
}

function promql({ metric }: Things): string {
  return `sum(${metric}) / 1`;
}

function composed(operator: string): Pick<Kind, 'body' | 'requests' | 'compared'> {
  return {
    body: (things) => ({
      type: 'composite',
      composite_rule: {
        [operator]: [
          { type: 'gnocchi_resources_threshold', ...resourceRule(things) },
          { type: 'prometheus', ...CONDITION, query: promql(things) },
        ],
      },
    }),
    requests: ({ resources: [{ metric }], metric: ofPrometheus }) => [metric, ofPrometheus],
    compared: [1, 1],
  };
}

function composedReason(form: string, to: string, rules: string, tail: string): string {
  return `Composite rule alarm with composition form: (${form}) transition to ${to}, due to rules: ${rules} ${tail}`;
}

export const KINDS: readonly Kind[] = [
  {
    title: 'gnocchi_resources_threshold',
    body: (things) => ({ type: 'gnocchi_resources_threshold', gnocchi_resources_threshold_rule: resourceRule(things) }),
    reasons: [ONE_LOW, ONE_HIGH, NO_ROWS],
    requests: ({ resources: [{ metric }] }) => [metric],
    compared: [1],
  },
  {
    title: 'gnocchi_resources_threshold over two periods',
    body: (things) => ({
      type: 'gnocchi_resources_threshold',
      gnocchi_resources_threshold_rule: { ...resourceRule(things), evaluation_periods: 2 },
    }),
    reasons: [
      'Transition to ok due to 2 samples inside threshold, most recent: 10.0',
      'Transition to alarm due to 2 samples outside threshold, most recent: 90.0',
      '2 datapoints are unknown',
    ],
    requests: ({ resources: [{ metric }] }) => [metric],
    compared: [2],
  },
  {
    title: 'gnocchi_aggregation_by_metrics_threshold',
    body: ({ resources }) => ({
      type: 'gnocchi_aggregation_by_metrics_threshold',
      gnocchi_aggregation_by_metrics_threshold_rule: { ...IN_GNOCCHI, metrics: resources.map(({ metric }) => metric) },
    }),
    reasons: [ONE_LOW, ONE_HIGH, NO_ROWS],
    requests: ({ resources: [, { metric }] }) => [metric],
    compared: [1],
  },
  {
    title: 'gnocchi_aggregation_by_resources_threshold',
    body: ({ resources }) => ({
      type: 'gnocchi_aggregation_by_resources_threshold',
      gnocchi_aggregation_by_resources_threshold_rule: {
        ...IN_GNOCCHI,
        metric: 'cpu',
        resource_type: 'generic',
        query: JSON.stringify({ in: { id: resources.map(({ id }) => id) } }),
      },
    }),
    reasons: [ONE_LOW, ONE_HIGH, NO_ROWS],
    requests: ({ resources: [{ id }] }) => [id],
    compared: [1],
  },
  {
    title: 'prometheus at one moment',
    body: (things) => ({ type: 'prometheus', prometheus_rule: { ...CONDITION, query: promql(things) } }),
    reasons: [ONE_LOW, ONE_HIGH, 'datapoints are unknown'],
    requests: ({ metric }) => [`POST /api/v1/query query=sum(${metric}) / 1`],
    compared: [1],
  },
  {
    title: 'prometheus over a range',
    body: ({ metric }) => ({
      type: 'prometheus',
      prometheus_rule: { ...CONDITION, query: metric, evaluation_periods: 3, granularity: 1 },
    }),
    reasons: [
      'Transition to ok due to 3 samples inside threshold, most recent: 10.0',
      'Transition to alarm due to 3 samples outside threshold, most recent: 90.0',
      '3 datapoints are unknown',
    ],
    requests: ({ metric }) => [`POST /api/v1/query_range query=${metric}`],
    compared: [3],
  },
  {
    title: 'composite, both',
    ...composed('and'),
    reasons: [
      composedReason('rule1 and rule2', 'ok', 'rule1', 'inside their threshold.'),
      composedReason('rule1 and rule2', 'alarm', 'rule1, rule2', 'outside their threshold.'),
      composedReason('rule1 and rule2', 'insufficient data', 'rule2', 'state evaluated to unknown.'),
    ],
  },
  {
    title: 'composite, either',
    ...composed('or'),
    reasons: [
      composedReason('rule1 or rule2', 'ok', 'rule1, rule2', 'inside their threshold.'),
      composedReason('rule1 or rule2', 'alarm', 'rule1', 'outside their threshold.'),
      composedReason('rule1 or rule2', 'insufficient data', 'rule1, rule2', 'state evaluated to unknown.'),
    ],
  },
];
