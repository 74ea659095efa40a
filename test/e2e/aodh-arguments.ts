import { expect } from '@jest/globals';

const LEAF = { type: 'gnocchi_resources_threshold', metric: 'cpu', resource_id: 'r1', resource_type: 'instance' };
export const LEAF_RULE = { ...LEAF, threshold: 2, aggregation_method: 'mean', comparison_operator: 'gt' };
/** What Aodh's command does not know, and passes on. */
export const LEAF_OPTIONS = { treat_missing_data: 'ignore', clear_threshold: 1.5, ingestion_lag: 30 };

/** How the aodh command is told of an alarm of each type, and what is stored then. */
export const EVERY_TYPE: { type: string; args: string[]; rule: Record<string, unknown> }[] = [
  {
    type: 'threshold',
    args: ['-m', 'cpu', '--threshold', '80', '--period', '120', '--statistic', 'max', '--query', 'resource_id=r1'],
    rule: {
      meter_name: 'cpu',
      threshold: 80,
      period: 120,
      statistic: 'max',
      query: [
        { field: 'resource_id', op: 'eq', value: 'r1' },
        { field: 'project_id', op: 'eq', value: 'p1' },
      ],
    },
  },
  {
    type: 'event',
    args: ['--event-type', 'compute.*', '--query', 'traits.state=string::error;traits.mem>integer::5'],
    rule: {
      event_type: 'compute.*',
      query: [
        { field: 'traits.state', op: 'eq', type: 'string', value: 'error' },
        { field: 'traits.mem', op: 'gt', type: 'integer', value: '5' },
      ],
    },
  },
  {
    type: 'gnocchi_resources_threshold',
    args: [
      ...['--metric', 'cpu', '--resource-id', 'r1', '--resource-type', 'instance', '--aggregation-method', 'mean'],
      ...['--threshold', '50', '--comparison-operator', 'gt', '--granularity', '300', '--evaluation-periods', '2'],
    ],
    rule: {
      metric: 'cpu',
      resource_id: 'r1',
      resource_type: 'instance',
      aggregation_method: 'mean',
      threshold: 50,
      comparison_operator: 'gt',
      granularity: 300,
      evaluation_periods: 2,
    },
  },
  {
    type: 'gnocchi_aggregation_by_metrics_threshold',
    args: ['--metric', 'm1', '--metric', 'm2', '--aggregation-method', 'mean', '--threshold', '0.5'],
    rule: {
      metrics: ['m1', 'm2'],
      aggregation_method: 'mean',
      threshold: 0.5,
      comparison_operator: 'eq',
      granularity: 60,
    },
  },
  {
    type: 'gnocchi_aggregation_by_resources_threshold',
    args: [
      ...['--metric', 'cpu', '--resource-type', 'instance', '--aggregation-method', 'rate:mean', '--threshold', '1'],
      ...['--query', '{"=": {"server_group": "g1"}}'],
    ],
    rule: {
      metric: 'cpu',
      resource_type: 'instance',
      aggregation_method: 'rate:mean',
      threshold: 1,
      query: expect.stringContaining('{"=": {"server_group": "g1"}}'),
    },
  },
  {
    type: 'composite',
    args: [
      '--composite-rule',
      JSON.stringify({ or: [{ ...LEAF_RULE, tocsin: LEAF_OPTIONS }, { and: [LEAF_RULE, LEAF_RULE] }] }),
    ],
    rule: {
      or: [
        expect.objectContaining({ ...LEAF_RULE, tocsin: LEAF_OPTIONS }),
        { and: [expect.objectContaining(LEAF), expect.objectContaining(LEAF)] },
      ],
    },
  },
  {
    type: 'loadbalancer_member_health',
    args: ['--stack-id', 's1', '--pool-id', 'pool1', '--autoscaling-group-id', 'g1'],
    rule: { stack_id: 's1', pool_id: 'pool1', autoscaling_group_id: 'g1' },
  },
];
