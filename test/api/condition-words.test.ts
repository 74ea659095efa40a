import { expect, test } from '@jest/globals';

import { conditionWords } from '../../src/api/answers/condition-words.js';
import { AlarmRequest } from '../../src/api/schema/alarm-request.js';

const words = (type: string, rule: unknown): string =>
  conditionWords(AlarmRequest.parse({ name: 'n', type, [`${type}_rule`]: rule }).rule);
const gnocchi = { threshold: 5, aggregation_method: 'mean', granularity: 300 };

test.each<[type: string, rule: unknown, expected: string]>([
  ['threshold', { meter_name: 'cpu', threshold: 80 }, 'average of cpu over 60 s is equal to 80'],
  [
    'threshold',
    { meter_name: 'cpu', threshold: 0.5, comparison_operator: 'le', statistic: 'max', period: 300 },
    'maximum of cpu over 300 s is at most 0.5',
  ],
  ['prometheus', { query: 'up', threshold: 1, comparison_operator: 'lt' }, 'up is less than 1'],
  [
    'gnocchi_resources_threshold',
    { ...gnocchi, metric: 'cpu', resource_type: 'instance', resource_id: 'i', comparison_operator: 'gt' },
    'average of cpu of instance i over 300 s is greater than 5',
  ],
  [
    'gnocchi_aggregation_by_metrics_threshold',
    { ...gnocchi, metrics: ['a'], comparison_operator: 'ge' },
    'average of 1 metric over 300 s is at least 5',
  ],
  [
    'gnocchi_aggregation_by_metrics_threshold',
    { ...gnocchi, metrics: ['a', 'b'], comparison_operator: 'ne' },
    'average of 2 metrics over 300 s is not equal to 5',
  ],
  ['event', { event_type: 'compute.*' }, 'an event compute.* is received'],
  ['event', {}, 'any event is received'],
])('an alarm of type %s with the rule %j fires when %s', (type, rule, expected) => {
  expect(words(type, rule)).toBe(expected);
});
