import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, thresholdBody, type TestApi } from '../support/api.js';
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

const PLAIN = (id: string, at: string): string =>
  `{"alarm_id": "${id}", "name": "cpu high", "description": "Alarm when cpu is gt a avg of 80.0 over 60 seconds", ` +
  '"enabled": true, "ok_actions": [], "alarm_actions": [], "insufficient_data_actions": [], "repeat_actions": false, ' +
  '"type": "threshold", "time_constraints": [], "project_id": "ops", "user_id": "root", ' +
  `"timestamp": "${at}", "state": "insufficient data", "state_timestamp": ` +
  `"${at}", "state_reason": "Not evaluated yet", ` +
  `"severity": "low", "evaluate_timestamp": "${at}", "threshold_rule": {"period": 60, "comparison_operator": "gt", ` +
  '"threshold": 80.0, "statistic": "avg", "evaluation_periods": 1, ' +
  '"meter_name": "cpu", "exclude_outliers": false, "query": []}}';

function naive(date: Date): string {
  const text = date.toISOString();
  return text.endsWith('.000Z') ? text.slice(0, 19) : `${text.slice(0, -1)}000`;
}

async function names(query: string, as = ADMIN): Promise<unknown[]> {
  const answer = await api.ask('GET', `/v2/alarms${query}`, { as });
  expect(answer.status).toBe(200);
  return answer.json<{ name: string }[]>().map(({ name }) => name);
}

async function historyOf(id: string, as = ADMIN): Promise<{ type: string; detail: string }[]> {
  return (await api.ask('GET', `/v2/alarms/${id}/history`, { as })).json();
}

describe('an alarm', () => {
  test('is created with every default, in the order of keys that clients know', async () => {
    const at = naive(api.clock.now());
    const created = await api.ask('POST', '/v2/alarms', { body: thresholdBody() });
    const id = created.json<{ alarm_id: string }>().alarm_id;
    expect(created.status).toBe(201);
    expect(created.text).toBe(PLAIN(id, at));
    expect(created.headers).toMatchObject({
      'content-type': 'application/json',
      location: `${api.url}/v2/alarms/${id}`,
    });
    expect(created.headers['x-openstack-request-id']).toMatch(/^req-[0-9a-f-]{36}$/);
  });

  test('whose time constraints never open says so in state_reason until they are replaced', async () => {
    const constraint = (name: string, start: string): object => ({ name, start, duration: 60 });
    const [never, later, noon] = [
      constraint('backup', '0 0 31 2 *'),
      constraint('b', '0 0 31 4,6 *'),
      constraint('noon', '0 12 * * *'),
    ];
    const id = await api.create(thresholdBody({ time_constraints: [never] }));
    const reasonWith = async (time_constraints: object[]): Promise<unknown> => {
      const answer = await api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody({ time_constraints }) });
      expect(answer.status).toBe(200);
      return (await api.ask('GET', `/v2/alarms/${id}`)).json()['state_reason'];
    };
    expect((await api.ask('GET', `/v2/alarms/${id}`)).json()['state_reason']).toBe(
      'time constraint backup never opens',
    );
    expect(await reasonWith([never, later])).toBe('time constraint backup never opens; time constraint b never opens');
    expect(await reasonWith([never, noon])).toBe('Not evaluated yet');
    expect(await reasonWith([])).toBe('Not evaluated yet');
    expect(await reasonWith([later])).toBe('time constraint b never opens');
  });

  test('reads the same when it is shown and listed', async () => {
    const at = naive(api.clock.now());
    const id = await api.create(thresholdBody());
    expect((await api.ask('GET', `/v2/alarms/${id}`)).text).toBe(PLAIN(id, at));
    expect((await api.ask('GET', `/v2/alarms/${id}/`)).text).toBe(PLAIN(id, at));
    expect((await api.ask('GET', '/v2/alarms')).text).toBe(`[${PLAIN(id, at)}]`);
  });

  test('shows fractions of a second as microseconds', async () => {
    await api.clock.advance(125);
    const id = await api.create(thresholdBody());
    await api.clock.advance(875);
    expect((await api.ask('GET', `/v2/alarms/${id}`)).json()['timestamp']).toMatch(/^2026-01-01T12:00:\d\d\.125000$/);
  });

  test('is gone after its deletion, and cannot be deleted twice; its history stays', async () => {
    const id = await api.create(thresholdBody());
    const deleted = await api.ask('DELETE', `/v2/alarms/${id}`);
    expect([deleted.status, deleted.text]).toEqual([204, '']);
    for (const method of ['GET', 'DELETE']) {
      const again = await api.ask(method, `/v2/alarms/${id}`);
      expect([again.status, again.fault]).toEqual([404, `Alarm ${id} not found`]);
    }
    expect((await api.ask('GET', `/v2/alarms/${id}/history`)).status).toBe(200);
    expect(await names('')).toEqual([]);
  });

  test('of a member belongs to the member’s project, and its rule reads data of that project only', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    expect((await api.ask('GET', `/v2/alarms/${id}`, { as: READER })).json()).toMatchObject({
      project_id: 'p1',
      user_id: 'u1',
      threshold_rule: { query: [{ field: 'project_id', op: 'eq', value: 'p1', type: '' }] },
    });
  });

  test('of an admin may be for another project, and its rule then reads data of that project only', async () => {
    const id = await api.create(thresholdBody({ project_id: 'p2', user_id: null }));
    const shown = await api.ask('GET', `/v2/alarms/${id}`, { as: STRANGER });
    expect(shown.json()).toMatchObject({
      project_id: 'p2',
      user_id: null,
      threshold_rule: { query: [{ field: 'project_id', value: 'p2' }] },
    });
  });

  test.each([
    [{ user_id: 'u2' }, 'Not Authorized to access user u2'],
    [{ project_id: 'p2' }, 'Not Authorized to access project p2'],
    [{ user_id: null }, 'Not Authorized to access user None'],
    [{ project_id: null }, 'Not Authorized to access project None'],
    [{ user_id: 'u2', project_id: 'p2' }, 'Not Authorized to access user u2'],
    [
      { threshold_rule: { meter_name: 'm', threshold: 1, query: [{ field: 'project', value: 'p2' }] } },
      'Not Authorized to access project p2',
    ],
  ])('is refused when a member sends %j', async (fields, fault) => {
    const answer = await api.ask('POST', '/v2/alarms', { as: MEMBER, body: thresholdBody(fields) });
    expect([answer.status, answer.fault]).toEqual([401, fault]);
  });

  test('carries its delivery policy only when one was set', async () => {
    const id = await api.create(thresholdBody({ tocsin: { delivery_policy: 'every' } }));
    expect((await api.ask('GET', `/v2/alarms/${id}`)).text).toMatch(/, "tocsin": \{"delivery_policy": "every"\}\}$/);
  });

  test('ignores fields that the server sets', async () => {
    const old = '2001-01-01T00:00:00Z';
    const owned = {
      alarm_id: 'mine',
      timestamp: old,
      state_timestamp: old,
      evaluate_timestamp: old,
      state_reason: 'said so',
    };
    const at = naive(api.clock.now());
    const id = await api.create(thresholdBody(owned));
    expect(id).not.toBe('mine');
    expect((await api.ask('GET', `/v2/alarms/${id}`)).text).toBe(PLAIN(id, at));
  });
});

describe('a replacement', () => {
  const FULL = {
    description: 'mine',
    enabled: false,
    ok_actions: ['http://a/'],
    alarm_actions: ['http://b/'],
    insufficient_data_actions: null,
    repeat_actions: true,
    severity: 'critical',
    time_constraints: [{ name: 'n', start: '0 0 * * *', duration: '300' }],
    state: 'alarm',
    tocsin: { delivery_policy: 'every' },
  };

  test('resets missing fields to their defaults, also the state', async () => {
    const id = await api.create(thresholdBody(FULL));
    await api.clock.advance(60_000);
    const at = naive(api.clock.now());
    const replaced = await api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody() });
    expect(replaced.status).toBe(200);
    const created = naive(new Date(api.clock.now().getTime() - 60_000));
    const expected = PLAIN(id, at)
      .replace('Not evaluated yet', 'Manually set via API')
      .replace(`"evaluate_timestamp": "${at}"`, `"evaluate_timestamp": "${created}"`);
    expect(replaced.text).toBe(expected);
    expect((await api.ask('GET', `/v2/alarms/${id}`)).text).toBe(expected);
  });

  test('with the same state keeps state_timestamp and state_reason', async () => {
    const id = await api.create(thresholdBody({ state: 'ok' }));
    const created = naive(api.clock.now());
    await api.clock.advance(1_000);
    const replaced = await api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody({ name: 'other', state: 'ok' }) });
    expect(replaced.json()).toMatchObject({
      state: 'ok',
      state_timestamp: created,
      state_reason: 'Not evaluated yet',
      timestamp: naive(api.clock.now()),
    });
  });

  test('with the body that was read changes nothing and writes no history', async () => {
    const id = await api.create(thresholdBody(FULL));
    const read = (await api.ask('GET', `/v2/alarms/${id}`)).json();
    await api.clock.advance(1_000);
    const replaced = await api.ask('PUT', `/v2/alarms/${id}`, { body: read });
    expect(replaced.json()).toEqual({ ...read, timestamp: naive(api.clock.now()) });
    expect((await historyOf(id)).map(({ type }) => type)).toEqual(['creation']);
  });

  test('by a member of an alarm read and sent back does not grow its rule', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    const read = (await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json();
    await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: read });
    expect((await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).json()['threshold_rule']).toEqual(
      read['threshold_rule'],
    );
    expect(await historyOf(id, MEMBER)).toHaveLength(1);
  });

  test('by a member ignores owners in the body; by an admin it moves the alarm', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    const body = thresholdBody({ project_id: 'p2', user_id: 'u2' });
    const ignored = await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body });
    expect(ignored.json()).toMatchObject({ project_id: 'p1', user_id: 'u1' });
    const kept = await api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody() });
    expect(kept.json()).toMatchObject({ project_id: 'p1', user_id: 'u1' });
    const moved = await api.ask('PUT', `/v2/alarms/${id}`, { body });
    expect(moved.json()).toMatchObject({ project_id: 'p2', user_id: 'u2' });
    expect((await api.ask('GET', `/v2/alarms/${id}`, { as: MEMBER })).status).toBe(404);
  });

  test('may change the type', async () => {
    const [a, b] = [await api.create(thresholdBody()), await api.create(thresholdBody())];
    const id = await api.create(thresholdBody());
    const body = { name: 'c', type: 'combination', combination_rule: { operator: 'or', alarm_ids: [a, b, a] } };
    const replaced = await api.ask('PUT', `/v2/alarms/${id}`, { body });
    expect(replaced.json()).toMatchObject({
      type: 'combination',
      description: `Combined state of alarms ${a} or ${b}`,
      combination_rule: { operator: 'or', alarm_ids: [a, b] },
    });
    expect(replaced.json()).not.toHaveProperty('threshold_rule');
  });

  test('of a missing alarm is refused after its body was checked', async () => {
    const absent = await api.ask('PUT', '/v2/alarms/nope', { body: thresholdBody() });
    expect([absent.status, absent.fault]).toEqual([404, 'Alarm nope not found']);
    expect((await api.ask('PUT', '/v2/alarms/nope', { body: { name: 'x' } })).status).toBe(400);
  });
});
