import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  combinationBody,
  MEMBER,
  startApi,
  thresholdBody,
  type Answered,
  type TestApi,
} from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

let db: Database;
let api: TestApi;
let alarmId: string;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { queueActions: true });
  alarmId = await api.create(thresholdBody(), MEMBER);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const RUNS = 200;
const text = fc.string({
  unit: fc.constantFrom('a', '1', '.', '/', '%', "'", '\0', '\n', 'é', '🚨', '-', ':', ' ', '\\', '*', '['),
});
const awkward = fc.constantFrom<unknown>(
  null, true, -1, 0, 1.5, 1e308, -1e308, 5e-324, 2 ** 53, 1e21, '', 'x', '\0', '\ud800', '1e999', 'NaN', [],
  [null], {}, { a: 1 },
  '9999-12-31T23:59:59.999999Z', '0001-01-01T00:00:00+14:00', '2026-02-30', 'http://[::1', 'queue://x',
  '* * * * *', '0 0 31 2 *',
); // prettier-ignore
const anything = fc.oneof(awkward, fc.jsonValue({ maxDepth: 3 }), text);

/** A good body, in which some fields, at any depth, are something else. */
function spoilt(good: Record<string, unknown>): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.keys(good);
  return fc
    .dictionary(fc.oneof(fc.constantFrom(...fields), text), anything, { maxKeys: 2 })
    .map((wrong) => ({ ...good, ...wrong }));
}

const RULE = {
  meter_name: 'cpu',
  threshold: 1,
  period: 60,
  query: [],
  statistic: 'avg',
  evaluation_periods: 1,
  exclude_outliers: false,
};
const CONSTRAINT = { name: 'n', start: '0 0 * * *', duration: 1, timezone: 'UTC' };
const SAMPLE = {
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 1,
  resource_id: 'r',
  timestamp: '2026-01-01T00:00:00',
  user_id: 'u',
};
const ALARM = thresholdBody({
  enabled: true,
  state: 'ok',
  severity: 'low',
  description: '',
  alarm_actions: [],
  time_constraints: [],
});

const bodies = fc.oneof(
  anything,
  spoilt(ALARM),
  spoilt(RULE).map((rule) => thresholdBody({ threshold_rule: rule })),
  spoilt({ field: 'metadata.x', value: 'y', op: 'eq', type: 'string' }).map((item) =>
    thresholdBody({ threshold_rule: { ...RULE, query: [item] } }),
  ),
  spoilt(CONSTRAINT).map((constraint) => thresholdBody({ time_constraints: [constraint] })),
  fc.array(text).map((ids) => combinationBody(ids)),
  fc.array(spoilt(SAMPLE), { maxLength: 3 }),
  fc.array(text).map((alarm_actions) => thresholdBody({ alarm_actions })),
);

const queries = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom(
          'q.field',
          'q.value',
          'q.op',
          'q.type',
          'q[0].field',
          'q[0].value',
          'sort',
          'limit',
          'marker',
          'period',
          'groupby',
          'status',
          'alarm_id',
          'state',
        ),
        text,
      ),
      fc.oneof(
        fc.constantFrom(
          'name',
          'timestamp',
          'project_id',
          'search_offset',
          'metadata.a..b',
          'enabled',
          'eq',
          'gt',
          'integer',
          'datetime',
          'severity:desc',
          'resource_id',
        ),
        fc.constantFrom(
          '0',
          '1',
          '-1',
          '60',
          '999999999',
          '2026-01-01',
          '0001-01-01',
          '9999-12-31T23:59:59Z',
          'dead',
          '1e3',
          'ok',
        ),
        text,
      ),
    ),
    { maxLength: 5 },
  )
  .map((pairs) => new URLSearchParams(pairs).toString());

/** Query strings that are well formed as far as names go, so that their values reach the database. */
const conditions = fc
  .tuple(
    fc.constantFrom('timestamp', 'metadata.a', 'resource_id', 'name', 'type', 'user_id', 'severity', 'source'),
    fc.constantFrom('eq', 'gt', 'le'),
    fc.oneof(text, fc.constantFrom('0001-01-01', '9999-12-31T23:59:59.999Z', '2026-01-01T00:00:00+14:00')),
    fc.constantFrom(
      '',
      '&limit=3',
      '&period=1',
      '&period=31622400',
      '&groupby=source&period=7',
      '&sort=timestamp',
      '&sort=severity:desc',
    ),
  )
  .map(
    ([field, op, value, more]) =>
      `${new URLSearchParams({ 'q.field': field, 'q.op': op, 'q.value': value }).toString()}${more}`,
  );

const segment = fc.oneof(fc.constantFrom('cpu', 'nope', '%00', '%zz', '..%2f..', '*'), text.map(encodeURIComponent));
const paths = fc.oneof(
  fc.constantFrom(
    '/v2/alarms',
    '/v2/alarms/:id',
    '/v2/alarms/:id/state',
    '/v2/alarms/:id/history',
    '/v2/meters',
    '/v2/meters/cpu',
  ),
  fc.constantFrom(
    '/v2/meters/cpu/statistics',
    '/v2/resources',
    '/v1/notifications',
    '/v1/notifications/replay',
    '/v1/delivery-pauses',
    '/v1/silences',
    '/v1/silences/preview',
  ),
  segment.map((id) => `/v2/alarms/${id}`),
  segment.map((name) => `/v2/meters/${name}`),
  segment.map((id) => `/v2/resources/${id}`),
  segment.map((id) => `/v1/notifications/${id}`),
  segment.map((id) => `/v1/notifications/${id}/attempts`),
  segment.map((project) => `/v1/delivery-pauses/${project}`),
  segment.map((id) => `/v1/silences/${id}`),
);

/** Checks an answer: no internal error, and each refusal has a reason. */
function expectSane({ status, text: body, fault }: Answered): void {
  expect(status).toBeLessThan(500);
  if (status < 400) return;
  expect(body).toMatch(/^\{"error_message": \{"faultcode": "Client", "faultstring": ".+", "debuginfo": null\}\}$/s);
  expect(fault).not.toBe('');
}

test('random bodies are answered with success or with a refusal that has a reason', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom('POST', 'PUT'),
    paths,
    bodies,
    fc.constantFrom(ADMIN, MEMBER),
    async (method, path, body, as) => {
      expectSane(await api.ask(method, path.replace(':id', alarmId), { as, body }));
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});

test.each([
  ['POST', '/v2/alarms'],
  ['PUT', '/v2/alarms/:id'],
  ['POST', '/v2/meters/cpu'],
])('%s %s answers random bodies without an internal error', async (method, path) => {
  const property = fc.asyncProperty(bodies, async (body) =>
    expectSane(await api.ask(method, path.replace(':id', alarmId), { as: MEMBER, body })),
  );
  await fc.assert(property, { numRuns: RUNS });
});

test('random queries are answered with success or with a refusal that has a reason', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom('GET', 'GET', 'DELETE', 'PATCH', 'HEAD'),
    paths,
    fc.oneof(queries, conditions),
    async (method, path, query) => {
      const answer = await api.ask(method, `${path.replace(':id', method === 'DELETE' ? 'none' : alarmId)}?${query}`, {
        as: MEMBER,
      });
      if (method === 'HEAD') expect(answer.status).toBeLessThan(500);
      else expectSane(answer);
    },
  );
  await fc.assert(property, { numRuns: RUNS });
});

test.each(['/v2/alarms', '/v2/alarms/:id/history', '/v2/meters/cpu', '/v2/meters/cpu/statistics', '/v2/resources'])(
  '%s answers any conditions with data or a 4xx',
  async (path) => {
    const property = fc.asyncProperty(conditions, async (query) =>
      expectSane(await api.ask('GET', `${path.replace(':id', alarmId)}?${query}`)),
    );
    await fc.assert(property, { numRuns: 60 });
  },
);

test('a body cut short or mixed up is refused', async () => {
  const whole = JSON.stringify(ALARM);
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: whole.length - 1 }),
    fc.uint8Array({ maxLength: 4 }),
    async (at, noise) => {
      const raw = Buffer.concat([
        Buffer.from(whole.slice(0, at)),
        noise,
        Buffer.from(whole.slice(at + noise.length + 1)),
      ]);
      expectSane(await api.ask('POST', '/v2/alarms', { raw }));
    },
  );
  await fc.assert(property, { numRuns: 100 });
});
