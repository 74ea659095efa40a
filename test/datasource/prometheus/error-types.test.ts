import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import {
  askAbout,
  prometheusAt,
  refusal,
  startPrometheusDouble,
  type PrometheusDouble,
} from '../../support/prometheus-double.js';

const DUPLICATES =
  'found duplicate series for the match group {instance="10.0.0.7:9100"} on the right hand-side of the operation: ' +
  '[{instance="10.0.0.7:9100", zone="a"}, {instance="10.0.0.7:9100", zone="secret"}];' +
  'many-to-many matching not allowed: matching labels must be unique on one side';
const MANY_TO_MANY = 'many-to-many matching not allowed: matching labels must be unique on one side';
const EXPLICIT = 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)';
const TOO_MANY = 'query processing would load too many samples into memory in query execution';
const OWN = 'cpu * on (instance) capacity';
const A_PROJECTS = { promql: OWN, project: 'p1' };

let double: PrometheusDouble;
beforeAll(async () => {
  double = await startPrometheusDouble();
});
afterAll(() => double.close());

/**
 * The texts for the author of a query without a project and of a project's query, and the calls of the backend's
 * observer.
 */
async function told(status: number, type: string, message: string): Promise<[string, string, string]> {
  double.reply = refusal(status, type, message);
  const told: string[] = [];
  let observed = '';
  for (const query of [OWN, A_PROJECTS]) {
    const prometheus = prometheusAt(double.url);
    const [answer] = Object.values(await askAbout(prometheus, [query]));
    if (answer?.kind !== 'refused' && answer?.kind !== 'outage')
      throw new Error(`an answer: ${JSON.stringify(answer)}`);
    told.push(`${answer.kind}: ${answer.reason.replace('alarm statistics retrieval failed: ', '')}`);
    observed = prometheus.outcomes.join(', ');
    prometheus.datasource.close?.();
  }
  return [told[0]!, told[1]!, observed];
}

describe('an error of Prometheus about the query is a refusal, quoted for an author who may query all data', () => {
  test.each<[number, string, string, string, string]>([
    [400, 'bad_data', '1:5: parse error: no', 'bad_data: 1:5: parse error: no', 'bad_data: parse error: no'],
    [
      400,
      'bad_data',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
      'bad_data: exceeded maximum resolution of 11,000 points per ' +
        'timeseries. Try decreasing the query resolution (?step=XX)',
      'bad_data: exceeded maximum resolution of 11,000 points per ' +
        'timeseries. Try decreasing the query resolution (?step=XX)',
    ],
    [
      422,
      'execution',
      DUPLICATES,
      `execution: ${DUPLICATES}`,
      `execution: found duplicate series on the right hand-side of the operation; ${MANY_TO_MANY}`,
    ],
    [422, 'execution', EXPLICIT, `execution: ${EXPLICIT}`, `execution: ${EXPLICIT}`],
    [422, 'execution', TOO_MANY, `execution: ${TOO_MANY}`, `execution: ${TOO_MANY}`],
    [
      422,
      'execution',
      'vector cannot contain metrics with the same labelset',
      'execution: vector cannot contain metrics with the same labelset',
      'execution: vector cannot contain metrics with the same labelset',
    ],
    [
      422,
      'execution',
      'invalid regular expression in label_replace(): {project="p1"}',
      'execution: invalid regular expression in label_replace(): {project="p1"}',
      'execution: invalid regular expression in label_replace()',
    ],
    [
      422,
      'execution',
      'something new about {zone="secret"}',
      'execution: something new about {zone="secret"}',
      'execution: the query cannot be executed',
    ],
    [
      422,
      'execution',
      'Get "http://store-0:10901/": dial tcp 10.0.0.7:10901',
      'execution: the query cannot be executed',
      'execution: the query cannot be executed',
    ],
    [
      422,
      '422',
      'cannot calculate rate: too many points',
      '422: cannot calculate rate: too many points',
      '422: the query cannot be executed',
    ],
  ])('%i %s: %s', async (status, type, message, own, projects) => {
    const suffix = ` (HTTP ${status})`;
    expect(await told(status, type, message)).toEqual([
      `refused: ${own}${suffix}`,
      `refused: ${projects}${suffix}`,
      'ok',
    ]);
  });

  test.each(['x'.repeat(50_000), `{zone="${'x'.repeat(50_000)}"}`])(
    'the end of a long text is quoted too',
    async (long) => {
      const [own] = await told(422, 'execution', `found ${long};${MANY_TO_MANY}`);
      expect(own).toMatch(new RegExp(`^refused: execution: found .{300,400} … x*.*;?${MANY_TO_MANY} \\(HTTP 422\\)$`));
      expect(own.length).toBeLessThan(600);
    },
  );
});

describe('an error of Prometheus that says nothing about the query is an outage, and is not quoted', () => {
  test.each<[number, string, string]>([
    [503, 'canceled', 'it answered with status 503'],
    [499, 'canceled', 'it answered with status 499'],
    [503, 'timeout', 'the query took it too long'],
    [504, 'timeout', 'it answered with status 504'],
    [422, 'timeout', 'it answered with status 422 (timeout)'],
    [500, 'internal', 'it answered with status 500'],
    [422, 'internal', 'it answered with status 422 (internal)'],
    [400, 'not_found', 'it answered with status 400 (not_found)'],
    [503, 'unavailable', 'it answered with status 503'],
    [404, 'not_found', 'it answered with status 404'],
    [406, 'not_acceptable', 'it answered with status 406'],
    [500, 'of {zone="secret"}', 'it answered with status 500'],
    [429, 'too_many_requests', 'it answered with status 429'],
  ])('%i %s', async (status, type, reason) => {
    const [own, projects] = await told(status, type, 'at {zone="secret"}, http://10.0.0.7');
    expect([own, projects]).toEqual([`outage: ${reason}`, `outage: ${reason}`]);
  });
});
