import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';

let db: Database;
let api: TestApi;
beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { alarmMaxActions: 2 });
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const withRule = (fields: Record<string, unknown>): Record<string, unknown> =>
  thresholdBody({ threshold_rule: { meter_name: 'cpu', threshold: 80, ...fields } });
const PROMETHEUS = { type: 'prometheus', query: 'up', threshold: 1 };
const composite = (rule: unknown): Record<string, unknown> => ({ name: 'n', type: 'composite', composite_rule: rule });

test.each<[string, unknown, string | undefined]>([
  ['of the alarm', thresholdBody({ name: 1 }), '/name'],
  ['of its rule', withRule({ period: 0 }), '/threshold_rule/period'],
  ['of a condition', withRule({ query: [{ field: 'user', value: 3 }] }), '/threshold_rule/query/0/value'],
  [
    'of a condition, with a text of its own',
    withRule({ query: [{ field: 'x', value: '3' }] }),
    '/threshold_rule/query/0/field',
  ],
  ['of an option', thresholdBody({ tocsin: { ingestion_lag: -1 } }), '/tocsin/ingestion_lag'],
  [
    'of an option that does not fit the rule',
    thresholdBody({ tocsin: { datapoints_to_alarm: 9 } }),
    '/tocsin/datapoints_to_alarm',
  ],
  [
    'of a rule within a composite one',
    composite({ or: [PROMETHEUS, { ...PROMETHEUS, threshold: 'x' }] }),
    '/composite_rule/or/1/threshold',
  ],
  ['that is an action', thresholdBody({ ok_actions: ['http://a/', 3] }), '/ok_actions/1'],
  ['that is unknown', thresholdBody({ 'a/b~é': 1 }), '/a~1b~0%C3%A9'],
  [
    'that is unknown, up to the character of two units at which its name is cut',
    thresholdBody({ [`${'a'.repeat(63)}😀`]: 1 }),
    `/${'a'.repeat(63)}`,
  ],
  [
    'that is a list with too many actions',
    thresholdBody({ ok_actions: ['http://a/', 'http://b/', 'http://c/'] }),
    '/ok_actions',
  ],
  ['but not the body itself', [], undefined],
])('a refusal names the field %s in the header Tocsin-Field', async (_, body, field) => {
  const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body });
  expect([answer.status, answer.headers['tocsin-field']]).toEqual([400, field]);
});

const EVENT = { message_id: 'm', event_type: 'e', generated: '2026-01-01T12:00:00', traits: [] };
const SAMPLE = {
  counter_name: 'cpu',
  counter_type: 'gauge',
  counter_unit: '%',
  counter_volume: 1,
  resource_id: 'r',
};

test.each<[string, string, unknown, string | undefined]>([
  ['an event of a list', '/v2/events', [EVENT, { ...EVENT, event_type: 3 }], '/1/event_type'],
  ['an event of a list that cannot be stored', '/v2/events', [EVENT, { ...EVENT, event_type: '\0' }], '/1/event_type'],
  ['a single event', '/v2/events', { ...EVENT, event_type: 3 }, '/event_type'],
  ['a sample of a list', '/v2/meters/cpu', [SAMPLE, { ...SAMPLE, counter_volume: 'x' }], '/1/counter_volume'],
  ['a sample of another meter', '/v2/meters/cpu', [SAMPLE, { ...SAMPLE, counter_name: 'disk' }], '/1/counter_name'],
])('a refusal of %s names its place in the body', async (_, path, body, field) => {
  const answer = await api.ask('POST', path, { as: ADMIN, body });
  expect([answer.status, answer.headers['tocsin-field']]).toEqual([400, field]);
});

const SILENCE = { matchers: [{ field: 'name', value: '*' }], reason: 'r', owner: 'o' };

test.each<[string, string, string, unknown, string]>([
  ['a silence that is over', 'POST', '/v1/silences', { ...SILENCE, ends_at: '2020-01-01T00:00:00Z' }, '/ends_at'],
  [
    'a silence that ends before it begins',
    'POST',
    '/v1/silences',
    { ...SILENCE, starts_at: '2027-01-02T00:00:00Z', ends_at: '2027-01-01T00:00:00Z' },
    '/ends_at',
  ],
  [
    'a silence of a project with a reserved name',
    'POST',
    '/v1/silences',
    { ...SILENCE, project_ids: ['*'], ends_at: '2027-01-01T00:00:00Z' },
    '/project_ids',
  ],
  [
    'a pause that is over',
    'PUT',
    '/v1/delivery-pauses/p1',
    { reason: 'r', ends_at: '2020-01-01T00:00:00Z' },
    '/ends_at',
  ],
])('a refusal of %s names the field', async (_, method, path, body, field) => {
  const answer = await api.ask(method, path, { as: ADMIN, body });
  expect([answer.status, answer.headers['tocsin-field']]).toEqual([400, field]);
});
