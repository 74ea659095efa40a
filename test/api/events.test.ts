import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, type Answered, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await embeddedDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

function event(id: string, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    message_id: id,
    event_type: 'compute.instance.update',
    generated: '2015-01-01T00:00:00.123456',
    traits: [['project_id', 1, 'p1'], ['state', 1, 'error']], // prettier-ignore
    raw: {},
    message_signature: 'abc',
    ...fields,
  };
}

const post = (body: unknown, as: Caller = MEMBER): Promise<Answered> => api.ask('POST', '/v2/events', { as, body });
const stored = async (): Promise<number> => (await db.query('select 1 from events')).rows.length;

function alarmBody(fields: Record<string, unknown> = {}): Record<string, unknown> {
  const event_rule = {
    event_type: 'compute.*',
    query: [{ field: 'traits.state', value: 'error', op: 'eq', type: 'string' }],
  };
  return { name: 'failed', type: 'event', event_rule, alarm_actions: ['http://127.0.0.1:9/x'], ...fields };
}

describe('an event alarm', () => {
  test('is created and shown as by Aodh', async () => {
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: alarmBody() });
    expect(answer.status).toBe(201);
    expect(answer.json()).toMatchObject({
      description: 'Alarm when compute.* event occurred.',
      state: 'insufficient data',
    });
    expect(answer.text).toContain(
      '"event_rule": {"event_type": "compute.*", "query": [{"field": ' +
        '"traits.state", "op": "eq", "value": "error", "type": "string"}]}',
    );
  });

  test.each([
    ['zz', { zz: 1 }, 'Unknown attribute for argument data.event_rule: zz'],
    [
      'zz of a condition',
      { query: [{ field: 'a', value: 'b', zz: 1 }] },
      'Unknown attribute for argument data.event_rule.query: zz',
    ],
    [
      'a value',
      { query: [{ field: 'a', type: 'integer', value: 'b' }] },
      'Unable to convert the value b to the expected data type integer.',
    ],
    [
      'a query of the command line that was not parsed',
      { query: 'traits.a=b' },
      "Invalid input for field/attribute query. Value: 'traits.a=b'. Value not a valid list: traits.a=b",
    ],
  ])('is refused for %s', async (_, event_rule, fault) => {
    // prettier-ignore
    const answer = await api.ask('POST', '/v2/alarms', { body: alarmBody({ event_rule }) });
    expect([answer.status, answer.fault]).toEqual([400, fault]);
  });

  test('fires, is set back, and fires again; its history says so', async () => {
    const id = await api.create(alarmBody(), MEMBER);
    const before = api.wokenFor();
    expect((await post(event('m1'))).json()).toEqual({
      received: 1,
      duplicates: 0,
      alarms_fired: 1,
      alarms_waiting: 0,
    });
    expect((await post(event('m2'))).json()).toEqual({
      received: 1,
      duplicates: 0,
      alarms_fired: 0,
      alarms_waiting: 0,
    });
    await api.ask('PUT', `/v2/alarms/${id}/state`, { as: MEMBER, body: 'ok' });
    expect((await post([event('m2'), event('m3')])).json()).toEqual({
      received: 2,
      duplicates: 1,
      alarms_fired: 1,
      alarms_waiting: 0,
    });
    expect(api.wokenFor() - before).toBe(2);
    const alarm = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    expect(alarm).toMatchObject({ state: 'alarm', state_reason: expect.stringContaining('<id=m3,') });
    const { rows } = await db.query(
      `select previous_state, state_version from alarm_history where type = 'state transition' order by state_version`,
    );
    expect(rows).toEqual([
      { previous_state: 'insufficient data', state_version: 1 },
      { previous_state: 'alarm', state_version: 2 },
      { previous_state: 'ok', state_version: 3 },
    ]);
  });

  test('hands the whole event on to its receivers', async () => {
    await api.create(alarmBody(), MEMBER);
    const sent = event('m1', { more: { deep: [1, 'é', null] } });
    await post(sent);
    const { rows } = await db.query<{ body: string }>('select body from notification_bodies');
    const body = JSON.parse(rows[0]?.body ?? '') as { reason_data: unknown };
    expect(body.reason_data).toEqual({ type: 'event', event: sent });
  });
});

describe('POST /v2/events', () => {
  test('takes a list or a single event, and an empty list', async () => {
    expect((await post([event('m1'), event('m2'), event('m1')])).json()).toEqual({
      received: 3,
      duplicates: 1,
      alarms_fired: 0,
      alarms_waiting: 0,
    });
    expect((await post(event('m3'))).json()).toEqual({
      received: 1,
      duplicates: 0,
      alarms_fired: 0,
      alarms_waiting: 0,
    });
    expect((await post([])).json()).toEqual({ received: 0, duplicates: 0, alarms_fired: 0, alarms_waiting: 0 });
    expect(await stored()).toBe(3);
  });

  test('takes more than one transaction holds, in the order of the list', async () => {
    const id = await api.create(alarmBody({ repeat_actions: true }), MEMBER);
    const many = Array.from({ length: 1_201 }, (_, index) => event(`m${index}`));
    expect((await post(many)).json()).toEqual({
      received: 1_201,
      duplicates: 0,
      alarms_fired: 1_201,
      alarms_waiting: 0,
    });
    const { rows } = await db.query<{ state_reason: string; state_version: number }>(
      'select * from alarms where id = $1',
      [id],
    );
    expect(rows[0]).toMatchObject({ state_version: 1_201, state_reason: expect.stringContaining('<id=m1200,') });
  });

  const list = (bad: unknown): unknown[] => [event('m1'), event('m2'), event('m3'), bad];
  const field = (name: string, value: string, text: string): string =>
    `Invalid input for field/attribute ${name}. Value: '${value}'. ${text}`;
  test.each([
    [
      'a member without id',
      list(event('m4', { message_id: undefined })),
      field('body[3].message_id', 'None', 'Mandatory field missing.'),
    ],
    ['an empty id', list(event('')), field('body[3].message_id', '', 'Mandatory field missing.')],
    [
      'a member without type',
      list(event('m4', { event_type: null })),
      field('body[3].event_type', 'None', 'Mandatory field missing.'),
    ],
    [
      'a type that is no text',
      list(event('m4', { event_type: 5 })),
      field('body[3].event_type', '5', "Wrong type. Expected '<class 'str'>', got '<class 'int'>'"),
    ],
    [
      'a bad time',
      list(event('m4', { generated: 'noon' })),
      field('body[3].generated', 'noon', 'Unknown string format: noon'),
    ],
    [
      'traits that are no list',
      list(event('m4', { traits: 'x' })),
      field('body[3].traits', 'x', 'Value not a valid list: x'),
    ],
    [
      'a trait of two',
      list(event('m4', { traits: [['x', 1]] })),
      field('body[3].traits', "[['x', 1]]", 'A trait should be a list of name, type and value'),
    ],
    [
      'a trait that is not of its type',
      list(event('m4', { traits: [['x', 2, 'five']] })),
      field('body[3].traits', "[['x', 2, 'five']]", 'Unable to convert the value of trait x to its data type'),
    ],
    ['what is no object', list(7), field('body[3]', '7', 'Wrong type. Expected an object, got number')],
    [
      'a list in the list',
      list([event('m4')]),
      /^Invalid input for field\/attribute body\[3\]\..*Expected an object, got a list$/,
    ],
    ['a single bad one', event('m1', { event_type: '' }), field('body.event_type', '', 'Mandatory field missing.')],
    ['text', 'x', field('body', 'x', 'Wrong type. Expected an object, got string')],
    [
      'an event that is too long',
      list(event('m4', { raw: 'x'.repeat(65_536) })),
      field('body[3]', 'm4', 'An event has at most 65536 characters'),
    ],
    [
      'too many events',
      Array.from({ length: 10_001 }, () => ({})),
      field('body', '10001 events', 'at most 10000 events at once'),
    ],
    ['nothing', undefined, 'Missing argument: "body"'],
  ])('refuses %s and stores none of them', async (_, body, fault) => {
    // prettier-ignore
    const answer = await post(body);
    expect([answer.status, answer.fault]).toEqual([
      400,
      typeof fault === 'string' ? fault : expect.stringMatching(fault),
    ]);
    expect(await stored()).toBe(0);
  });

  const own = event('m1');
  const foreign = event('m2', { traits: [['tenant_id', 1, 'p2']] });
  const ownerless = event('m3', { traits: [] });
  test.each<[string, Caller, unknown, number, string | undefined]>([
    ['an admin events of any project', ADMIN, [own, foreign, ownerless], 200, undefined],
    ['a member events of the own project', MEMBER, [own], 200, undefined],
    ['a member no events of another project', MEMBER, [own, foreign], 401, 'Not Authorized to access project p2'],
    ['a member no events of no project', MEMBER, [own, ownerless], 401, 'Not Authorized to access project '],
    ['a stranger no events of mine', STRANGER, own, 401, 'Not Authorized to access project p1'],
    ['a reader none', READER, own, 403, 'RBAC Authorization Failed'],
  ])('lets %s', async (_, as, body, status, fault) => {
    const answer = await post(body, as);
    expect([answer.status, answer.fault]).toEqual([status, fault]);
    expect(await stored()).toBe(status === 200 ? (body as unknown[]).length : 0);
  });

  test('is the only method', async () => {
    expect((await api.ask('GET', '/v2/events')).status).toBe(405);
  });
});
