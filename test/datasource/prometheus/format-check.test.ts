import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { alarmTypes, typeOf, type AlarmRule } from '../../../src/alarm/types/index.js';
import { createFormatCheck } from '../../../src/datasource/prometheus/format-check.js';
import type { Tenancy } from '../../../src/datasource/prometheus/tenancy.js';
import { createPrometheusClient, type PrometheusClient } from '../../../src/datasource/prometheus/prometheus-client.js';
import { AppError } from '../../../src/errors.js';
import { PATIENCE_MS } from '../../support/patience.js';
import {
  refusal,
  startPrometheusDouble,
  type PrometheusDouble,
  type PrometheusReply,
} from '../../support/prometheus-double.js';
import { startPrometheus } from '../../support/prometheus.js';
import { describeWith } from '../../support/servers.js';
import { freePort } from '../../support/service-process.js';

const NONE: Tenancy = { kind: 'none' };
const LABEL: Tenancy = { kind: 'label', label: 'project' };
const HEADER: Tenancy = { kind: 'header', header: 'X-Scope-OrgID', adminTenant: 'infra' };
const PARSED: PrometheusReply = [200, { status: 'success', data: 'up' }];
const VALUE = "Invalid input for field/attribute query. Value: 'rate(up'. Prometheus says: bad_data:";

const clients: PrometheusClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

function promql(query: string, fields: object = {}): AlarmRule {
  return alarmTypes.prometheus.schema.parse({ query, threshold: 1, ...fields });
}

function within(project: string | null, rule: AlarmRule): AlarmRule {
  return typeOf(rule).scopedTo(rule, { projectId: project });
}

/** `accepted`, the reason why the rule was not checked, or the text of the refusal. */
async function outcome(
  url: string,
  rule: AlarmRule,
  tenancy: Tenancy = NONE,
  timeoutMs = PATIENCE_MS,
): Promise<string> {
  const client = createPrometheusClient({ url, auth: { kind: 'none' }, timeoutMs });
  clients.push(client);
  try {
    return (await createFormatCheck({ client, tenancy })(rule)) ?? 'accepted';
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'invalid_request') return thrown.message;
    throw thrown;
  }
}

describe('a server that answers as Prometheus does', () => {
  let double: PrometheusDouble;
  beforeEach(async () => {
    double = await startPrometheusDouble();
    double.reply = PARSED;
  });
  afterEach(() => double.close());

  test('is requested to parse each query once, as it will be sent, and to run nothing', async () => {
    const leaf = (query: string): object => ({ type: 'prometheus', query, threshold: 1 });
    const rule = alarmTypes.composite.schema.parse({ or: [leaf('up'), { and: [leaf('down')] }] });
    expect(await outcome(double.url, within('p1', rule), LABEL)).toBe('accepted');
    expect(double.asked.map(({ target, form }) => [target, form['query']])).toEqual([
      ['/api/v1/format_query', 'up{project="p1"}'],
      ['/api/v1/format_query', 'down{project="p1"}'],
    ]);
  });

  test.each([
    ['p1', 'p1'],
    [null, 'infra'],
  ])('is queried in the name of the tenant: %s', async (project, tenant) => {
    expect(await outcome(double.url, within(project, promql('up')), HEADER)).toBe('accepted');
    expect(double.asked[0]?.headers['x-scope-orgid']).toBe(tenant);
  });

  test('is quoted to the author of a query that it refuses', async () => {
    double.reply = refusal(400, 'bad_data', 'invalid parameter "query": 1:8: parse error: unclosed left parenthesis');
    const place = '1:8: ';
    const words = (at: string): string =>
      `${VALUE} invalid parameter "query": ${at}parse error: unclosed left parenthesis (HTTP 400)`;
    expect(await outcome(double.url, promql('rate(up'))).toBe(words(place));
    expect(await outcome(double.url, within('p1', promql('rate(up')), HEADER)).toBe(words(place));
  });

  test('is not quoted to a tenant about the label that was added to the query', async () => {
    double.reply = refusal(400, 'bad_data', 'unexpected "p-secret" in {project="p-secret"}');
    expect(await outcome(double.url, within('p-secret', promql('up')), LABEL)).toBe(
      "Invalid input for field/attribute query. Value: 'up'. Prometheus " +
        'says: bad_data: the query is not valid (HTTP 400)',
    );
  });

  test.each<[string, PrometheusReply, string]>([
    ['does not know the path', [404, 'not found'], 'cannot check queries: it answered with status 404'],
    ['does not take the method', [405, ''], 'cannot check queries: it answered with status 405'],
    ['wants a login', [401, ''], 'cannot check queries: it answered with status 401'],
    [
      'is a proxy with a page of its own',
      [200, '<html>'],
      'cannot check queries: its answer is not of the form expected',
    ],
    ['refuses the request, not the query', [400, 'Bad Request'], 'cannot check queries: it answered with status 400'],
    [
      'has another type of error',
      refusal(400, '400', 'unsupported path'),
      'cannot check queries: it answered with status 400',
    ],
    ['fails', [500, 'oops'], 'cannot check queries: it answered with status 500'],
    ['is unavailable', refusal(503, 'unavailable', 'later'), 'cannot check queries: it answered with status 503'],
    ['has too much to do', [429, ''], 'cannot check queries: it answered with status 429'],
    ['sends elsewhere', [302, ''], 'cannot check queries: it answered with status 302'],
    ['answers with much', [200, { status: 'success', data: 'x'.repeat(200_000) }], 'accepted'],
  ])('refuses no rule if it %s', async (_, reply, told) => {
    double.reply = reply;
    expect(await outcome(double.url, promql('rate(up'))).toBe(told);
  });

  test('refuses no rule if it does not answer in time', async () => {
    double.reply = () => undefined;
    expect(await outcome(double.url, promql('rate(up'), NONE, 1_000)).toBe('cannot be asked: no answer in time');
  });

  test('is not queried a second time for a rule that it did not check', async () => {
    double.reply = [404, ''];
    const leaf = { type: 'prometheus', query: 'up', threshold: 1 };
    await outcome(double.url, alarmTypes.composite.schema.parse({ or: [leaf, leaf, leaf] }));
    expect(double.asked.length).toBe(1);
  });

  test('is not queried about rules that do not use Prometheus, nor about queries that may not be sent', async () => {
    const meters = alarmTypes.threshold.schema.parse({ meter_name: 'cpu', threshold: 1 });
    expect(await outcome(double.url, meters)).toBe('accepted');
    expect(await outcome(double.url, within('p1', promql('up')), NONE)).toBe('accepted');
    expect(double.asked.length).toBe(0);
  });
});

test('a server that cannot be reached refuses no rule', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  expect(await outcome(url, promql('rate(up'))).toBe('cannot be asked: connection refused');
});

describeWith(['prometheus'], 'a real Prometheus', () => {
  let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
  beforeAll(async () => {
    prometheus = await startPrometheus();
  });
  afterAll(() => prometheus.stop());

  const RANGE = { evaluation_periods: 3 };
  test.each<[string, string, object, RegExp]>([
    ['of one moment', 'rate(up', {}, /1:8: parse error: unclosed left parenthesis/],
    ['with an unknown function', 'foo(up)', {}, /unknown function with name "foo"/],
    ['with an argument of another type', 'rate(up)', {}, /expected type range vector in call to function "rate"/],
    ['that aggregates a number', 'sum(5)', {}, /expected type instant vector in aggregation expression/],
    ['of no selector', '{}', {}, /at least one non-empty matcher/],
    ['with a bad regular expression', 'up{a=~"("}', {}, /error parsing regexp/],
    ['over a range that is malformed', 'up{', RANGE, /unexpected end of input inside braces/],
    ['over a range that gives a range vector', 'up[5m]', RANGE, /must give an instant vector or a scalar/],
    ['over a range that gives a text', '"up"', RANGE, /must give an instant vector or a scalar/],
  ])('refuses a query %s, and so does the check', async (_, query, fields, problem) => {
    expect(await outcome(prometheus.url, promql(query, fields))).toMatch(problem);
    const path = fields === RANGE ? 'query_range?start=0&end=60&step=60' : 'query?';
    const answer = await fetch(`${prometheus.url}/api/v1/${path}&query=${encodeURIComponent(query)}`);
    expect(answer.status).toBe(400);
  });

  test.each<[string, object]>([
    ['up', {}],
    ['sum by (job) (rate(up[5m] offset 1m)) # a comment', {}],
    ['sum by (job) (rate(up[5m] offset 1m)) # a comment', RANGE],
    ['vector(1)', RANGE],
    ['1 + 1', RANGE],
    ['holt_winters(up[5m], 0.5, 0.5)', RANGE],
    ['max_over_time(up[5m:1m] @ end())', {}],
    // These are answered, and the alarm tells what they give.
    ['up[5m]', {}],
    ['1', {}],
  ])('parses %s, and so does the check, with %j', async (query, fields) => {
    expect(await outcome(prometheus.url, promql(query, fields))).toBe('accepted');
  });
});
