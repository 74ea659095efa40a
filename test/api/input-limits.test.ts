import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { combinationBody, startApi, thresholdBody, type Answered, type Asked, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { EVENT_BODY } from '../support/request-bodies.js';

/** Requests that are accepted at each limit and refused one beyond it. */

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

type Json = Record<string, unknown>;

interface Limit {
  /** The thing that is limited, as a noun. */
  what: string;
  limit: number;
  /** The request with `size` of it. */
  request: (size: number) => [method: string, path: string, asked?: Asked];
  /** The smallest size that is refused; `limit + 1` without it. */
  over?: number;
  status?: number;
  fault: RegExp;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const YEAR_S = 365 * 24 * 3_600;

const many = <T>(size: number, member: (index: number) => T): T[] =>
  Array.from({ length: size }, (_, index) => member(index));
const create = (fields: Json): [string, string, Asked] => ['POST', '/v2/alarms', { body: thresholdBody(fields) }];
const withThreshold = (fields: Json): [string, string, Asked] =>
  create({ threshold_rule: { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt', ...fields } });
const ofKind = (type: string, rule: Json): [string, string, Asked] => [
  'POST',
  '/v2/alarms',
  { body: { name: 'a', type, [`${type}_rule`]: rule } },
];
const AGGREGATE = { aggregation_method: 'mean', threshold: 1 };
const byMetrics = (fields: Json): [string, string, Asked] =>
  ofKind('gnocchi_aggregation_by_metrics_threshold', { metrics: ['m'], ...AGGREGATE, ...fields });
const RESOURCE = { metric: 'm', resource_type: 'instance' };
const LEAF = { type: 'gnocchi_resources_threshold', ...RESOURCE, resource_id: 'r', ...AGGREGATE };
const nested = (depth: number): unknown => (depth === 0 ? LEAF : { and: [nested(depth - 1)] });
const CONSTRAINT = { name: 'n', start: '0 0 * * *', duration: 60 };
const constrained = (fields: Json): [string, string, Asked] =>
  create({ time_constraints: [{ ...CONSTRAINT, ...fields }] });
const query = (filter: unknown, orderby?: unknown): [string, string, Asked] => [
  'POST',
  '/v2/query/alarms',
  {
    body: {
      ...(filter !== undefined && { filter: JSON.stringify(filter) }),
      ...(orderby !== undefined && { orderby: JSON.stringify(orderby) }),
    },
  },
];
const TERM = { '=': { name: 'x' } };
const negated = (depth: number): unknown => (depth <= 1 ? TERM : { not: negated(depth - 1) });
const SAMPLE = { counter_type: 'gauge', counter_unit: '%', counter_volume: 1, resource_id: 'r1' };
const samples = (...list: Json[]): [string, string, Asked] => ['POST', '/v2/meters/cpu', { body: list }];
const deep = (levels: number): unknown => (levels === 0 ? 1 : { a: deep(levels - 1) });
/** JSON text of `bytes` bytes with blanks at its end. */
const padded = (value: unknown, bytes: number): string => JSON.stringify(value).padEnd(bytes);
/** JSON text of `bytes` bytes: a list of items with blanks between them. */
const paddedList = (item: unknown, bytes: number): string => {
  const padding = 32 * KIB;
  const items = many(Math.floor(bytes / padding), () => padded(item, padding - 1)).join(',');
  return `[${items}`.padEnd(bytes - 1).slice(0, bytes - 1) + ']';
};
const text = (length: number): string => 'x'.repeat(length);
const TOO_LONG = 'Value should have a maximum character requirement of';
const field = (name: string, problem: string): RegExp =>
  new RegExp(`^Invalid input for field/attribute ${name}\\. Value: '.*'\\. ${problem}$`, 's');

const LIMITS: Limit[] = [
  {
    what: 'bytes of a body',
    limit: 64 * KIB,
    request: (size) => ['POST', '/v2/alarms', { raw: padded(thresholdBody(), size) }],
    status: 413,
    fault: /^The request body is larger than 65536 bytes$/,
  },
  {
    what: 'bytes of samples',
    limit: 16 * MIB,
    request: (size) => ['POST', '/v2/meters/cpu', { raw: paddedList(SAMPLE, size) }],
    status: 413,
    fault: /^The request body is larger than 16777216 bytes$/,
  },
  {
    what: 'bytes of events',
    limit: 16 * MIB,
    request: (size) => ['POST', '/v2/events', { raw: paddedList(EVENT_BODY, size) }],
    status: 413,
    fault: /^The request body is larger than 16777216 bytes$/,
  },
  {
    what: 'characters of a URL',
    limit: 8 * KIB,
    request: (size) => ['GET', '/v2/alarms?q.field=name&q.value='.padEnd(size, 'x')],
    status: 414,
    fault: /^The URL is longer than 8192 characters$/,
  },
  {
    what: 'characters of a header',
    limit: 8 * KIB,
    request: (size) => ['GET', '/v2/alarms', { headers: { 'x-note': text(size) } }],
    status: 431,
    fault: /^The header x-note is longer than 8192 characters$/,
  },
  {
    what: 'KiB of headers',
    limit: 15,
    over: 17,
    request: (size) => [
      'GET',
      '/v2/alarms',
      { headers: Object.fromEntries(many(size, (at) => [`x-${at}`, text(KIB - 20)])) },
    ],
    status: 431,
    fault: /^The headers of the request are larger than 16384 bytes$/,
  },
  {
    what: 'query parameters',
    limit: 100,
    request: (size) => ['GET', `/livez?${many(size, (at) => `a${at}=1`).join('&')}`],
    fault: /^The URL has more than 100 query parameters$/,
  },
  {
    what: 'query conditions',
    limit: 50,
    request: (size) => ['GET', `/v2/meters/cpu?${many(size, (at) => `q.field=metadata.a${at}&q.value=1`).join('&')}`],
    fault: /^The URL has more than 100 query parameters$/,
  },
  {
    what: 'levels of a sample',
    limit: 16,
    request: (size) => samples({ ...SAMPLE, resource_metadata: deep(size - 1) }),
    fault: /^Request is nested deeper than 16 levels$/,
  },
  {
    what: 'values of a sample',
    limit: 5_000,
    request: (size) => samples({ ...SAMPLE, resource_metadata: { a: many(size - 7, () => 1) } }),
    fault: /^Request has more than 5000 values$/,
  },
  {
    what: 'bytes of a sample',
    limit: 64 * KIB,
    request: (size) => ['POST', '/v2/meters/cpu', { raw: `[${JSON.stringify(SAMPLE)},${padded(SAMPLE, size)}]` }],
    status: 413,
    fault: /^Item \[1\] in the request body is larger than 65536 bytes$/,
  },
  {
    what: 'characters of a name',
    limit: 255,
    request: (size) => create({ name: text(size) }),
    fault: field('name', `${TOO_LONG} 255`),
  },
  {
    what: 'characters of a description',
    limit: 2_048,
    request: (size) => create({ description: text(size) }),
    fault: field('description', `${TOO_LONG} 2048`),
  },
  {
    what: 'characters of an action',
    limit: 2_048,
    request: (size) => create({ alarm_actions: ['http://127.0.0.1/'.padEnd(size, 'x')] }),
    fault: field('alarm_actions', `${TOO_LONG} 2048`),
  },
  {
    what: 'time constraints',
    limit: 20,
    request: (size) => create({ time_constraints: many(size, (at) => ({ ...CONSTRAINT, name: `n${at}` })) }),
    fault: field('time_constraints', 'Value should have at most 20 members'),
  },
  {
    what: 'seconds of a time constraint',
    limit: 366 * 24 * 3_600,
    request: (duration) => constrained({ duration }),
    fault: field('duration', 'Value should be lower or equal to 31622400'),
  },
  {
    what: 'characters of a cron expression',
    limit: 100,
    request: (size) => constrained({ start: '0 0 * *  1'.padEnd(size, ',1') }),
    fault: field('start', `${TOO_LONG} 100`),
  },
  {
    what: 'levels of a composite rule',
    limit: 4,
    request: (size) => ofKind('composite', nested(size) as Json),
    fault: field('composite_rule', 'Value should be nested at most 4 levels deep'),
  },
  {
    what: 'rules of a composite rule',
    limit: 20,
    request: (size) => ofKind('composite', { or: many(size, () => LEAF) }),
    fault: field('composite_rule', 'Value should have at most 20 rules'),
  },
  {
    what: 'metrics of a rule',
    limit: 50,
    request: (size) => byMetrics({ metrics: many(size, (at) => `m${at}`) }),
    fault: field('metrics', 'Value should have at most 50 members'),
  },
  {
    what: 'evaluation periods',
    limit: 100,
    request: (size) => withThreshold({ evaluation_periods: size }),
    fault: field('evaluation_periods', 'Value should be lower or equal to 100'),
  },
  {
    what: 'evaluation periods of a rule of Gnocchi',
    limit: 100,
    request: (size) => byMetrics({ evaluation_periods: size }),
    fault: field('evaluation_periods', 'Value should be lower or equal to 100'),
  },
  {
    what: 'seconds of a period',
    limit: YEAR_S,
    request: (period) => withThreshold({ period }),
    fault: field('period', 'Value should be lower or equal to 31536000'),
  },
  {
    what: 'seconds of a granularity',
    limit: YEAR_S,
    request: (granularity) => byMetrics({ granularity }),
    fault: field('granularity', 'Value should be lower or equal to 31536000'),
  },
  {
    what: 'conditions of a rule',
    limit: 50,
    request: (size) => withThreshold({ query: many(size, (at) => ({ field: `metadata.a${at}`, value: 'x' })) }),
    fault: field('query', 'Value should have at most 50 members'),
  },
  {
    what: 'conditions of an event rule',
    limit: 50,
    request: (size) => ofKind('event', { query: many(size, (at) => ({ field: `traits.a${at}`, value: 'x' })) }),
    fault: field('query', 'Value should have at most 50 members'),
  },
  {
    what: 'characters of a PromQL query',
    limit: 4 * KIB,
    request: (size) => ofKind('prometheus', { query: 'up'.padEnd(size), threshold: 1 }),
    fault: field('query', `${TOO_LONG} 4096`),
  },
  {
    what: 'characters of a search in Gnocchi',
    limit: 4 * KIB,
    request: (size) =>
      ofKind('gnocchi_aggregation_by_resources_threshold', {
        ...RESOURCE,
        ...AGGREGATE,
        query: `{"=": {"server_group": "${text(size - 27)}"}}`,
      }),
    fault: field('query', `${TOO_LONG} 4096`),
  },
  {
    what: 'levels of a complex query',
    limit: 8,
    request: (size) => query(negated(size)),
    fault: /^Filter expression not valid: it is nested deeper than 8 levels$/,
  },
  {
    what: 'comparisons of a complex query',
    limit: 100,
    request: (size) => query({ or: many(size, () => TERM) }),
    fault: /^Filter expression not valid: it has more than 100 comparisons$/,
  },
  {
    what: 'characters of a pattern',
    limit: 256,
    request: (size) => query({ like: { name: text(size) } }),
    fault: /^Filter expression not valid: a pattern for name may have at most 256 characters$/,
  },
  {
    what: 'characters of a regular expression',
    limit: 256,
    request: (size) => query({ '=~': { name: text(size) } }),
    fault: /^Filter expression not valid: name: a regular expression may have at most 256 characters$/,
  },
  {
    what: 'values in the lists of a complex query',
    limit: 1_000,
    request: (size) => query({ in: { name: many(size, String) } }),
    fault: /^Filter expression not valid: its lists of in have more than 1000 values$/,
  },
  {
    what: 'sort keys of a complex query',
    limit: 5,
    request: (size) =>
      query(
        undefined,
        many(size, () => ({ name: 'asc' })),
      ),
    fault: /^Order-by expression not valid: it has more than 5 fields$/,
  },
  {
    what: 'notifications of a page',
    limit: 1_000,
    request: (size) => ['GET', `/v1/notifications?limit=${size}`],
    fault: field('limit', 'at most 1000'),
  },
  {
    what: 'API keys of a page',
    limit: 1_000,
    request: (size) => ['GET', `/v1/api-keys?limit=${size}`],
    fault: field('limit', 'at most 1000'),
  },
  {
    what: 'quotas of a request',
    limit: 50,
    request: (size) => [
      'POST',
      '/v2/quotas',
      { body: { project_id: 'p', quotas: many(size, () => ({ resource: 'alarms', limit: 1 })) } },
    ],
    fault: field('quotas', 'Value should have at most 50 members'),
  },
  {
    what: 'events of a request',
    limit: 10_000,
    request: (size) => [
      'POST',
      '/v2/events',
      { body: many(size, (at) => ({ message_id: `m${at}`, event_type: 'e', generated: '2026-01-01T12:00:00' })) },
    ],
    fault: field('body', 'at most 10000 events at once'),
  },
];

const ask = ([method, path, asked]: ReturnType<Limit['request']>): Promise<Answered> => api.ask(method, path, asked);

test.each(LIMITS)('at most $limit $what are accepted', async ({ limit, over = limit + 1, request, ...refusal }) => {
  const accepted = await ask(request(limit));
  expect([accepted.fault, accepted.status < 300]).toEqual([undefined, true]);
  const { status, fault } = await ask(request(over));
  expect(status).toBe(refusal.status ?? 400);
  expect(fault).toMatch(refusal.fault);
});

describe('smallest values', () => {
  test.each<[string, (value: number) => ReturnType<Limit['request']>]>([
    ['evaluation_periods', (value) => withThreshold({ evaluation_periods: value })],
    ['period', (value) => withThreshold({ period: value })],
    ['granularity', (value) => byMetrics({ granularity: value })],
  ])('%s may be 1 and not 0', async (name, request) => {
    expect((await ask(request(1))).status).toBe(201);
    const { status, fault } = await ask(request(0));
    expect([status, fault]).toEqual([400, expect.stringMatching(field(name, 'Value should be greater or equal to 1'))]);
  });
});

test.each([
  ['1e999', '1e999'],
  ['a text of infinity', '"1e999"'],
  ['a text of no number', '"nan"'],
])('a threshold that is %s is refused', async (_, threshold) => {
  for (const rule of [
    { type: 'threshold', rest: '"meter_name": "cpu"' },
    { type: 'prometheus', rest: '"query": "up"' },
  ]) {
    const raw = `{"name": "a", "type": "${rule.type}", "${rule.type}_rule": {"threshold": ${threshold}, ${rule.rest}}}`;
    const { status, fault } = await api.ask('POST', '/v2/alarms', { raw });
    expect([status, fault]).toEqual([400, expect.stringContaining('Invalid input for field/attribute threshold.')]);
  }
});

test.each(['__proto__', 'constructor', 'prototype'])('a key %s is refused at every depth', async (key) => {
  for (const [path, raw] of [
    ['/v2/alarms', `{"${key}": 1}`],
    ['/v2/meters/cpu', `[{"resource_metadata": {"a": {"${key}": {}}}}]`],
    ['/v2/events', `[{"message_id": "m", "${key}": {}}]`],
  ] as const) {
    const { status, fault } = await api.ask('POST', path, { raw });
    expect([status, fault]).toEqual([400, expect.stringMatching(/^Unknown attribute for argument data\b.*: /)]);
    expect(fault).toContain(`: ${key}`);
  }
});

test.each(['q[field]=name&q[value]=x', 'limit[]=1', 'limit[a]=1', 'limit=1&limit=2'])(
  'query parameters hold no objects and no lists: %s',
  async (search) => {
    expect((await api.ask('GET', `/v2/alarms?${search}`)).status).toBe(400);
  },
);

test('combinations have at most 1000 alarms', async () => {
  const over = await api.ask('POST', '/v2/alarms', { body: combinationBody(many(1_001, (at) => `a${at}`)) });
  expect([over.status, over.fault]).toEqual([
    400,
    expect.stringMatching(field('alarm_ids', 'Value should have at most 1000 members')),
  ]);
});

test('the state_reason of an imported alarm has at most 65536 characters', async () => {
  const imported = many(2, (at) => ({ ...thresholdBody(), alarm_id: `a${at}`, state_reason: text(64 * KIB + at) }));
  const answer = await api.ask('POST', '/v1/imports', { body: imported });
  expect(answer.json<Json[]>()).toEqual([
    expect.objectContaining({ outcome: 'created' }),
    expect.objectContaining({
      outcome: 'refused',
      reason: expect.stringMatching(field('state_reason', `${TOO_LONG} 65536`)),
    }),
  ]);
});
