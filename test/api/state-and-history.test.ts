import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, STRANGER, startApi, thresholdBody, type Caller, type TestApi } from '../support/api.js';
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

interface Entry {
  event_id: string;
  type: string;
  detail: string;
  timestamp: string;
}

async function historyOf(id: string, query = '', as: Caller = ADMIN): Promise<Entry[]> {
  const answer = await api.ask('GET', `/v2/alarms/${id}/history${query}`, { as });
  expect([answer.status, answer.fault]).toEqual([200, undefined]);
  return answer.json();
}

function now(): string {
  return api.clock.now().toISOString().slice(0, 19);
}

describe('the state of an alarm', () => {
  test('is read and set as a JSON string', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    expect((await api.ask('GET', `/v2/alarms/${id}/state`, { as: READER })).text).toBe('"insufficient data"');
    const set = await api.ask('PUT', `/v2/alarms/${id}/state/`, { as: MEMBER, body: 'alarm' });
    expect([set.status, set.text, set.headers['content-type']]).toEqual([200, '"alarm"', 'application/json']);
    expect((await api.ask('GET', `/v2/alarms/${id}/state`, { as: READER })).text).toBe('"alarm"');
  });

  test('set by hand is new in moment and reason, and the definition stays as old as it was', async () => {
    const id = await api.create(thresholdBody());
    const created = now();
    await api.clock.advance(1_000);
    await api.ask('PUT', `/v2/alarms/${id}/state?state=ok`);
    expect((await api.ask('GET', `/v2/alarms/${id}`)).json()).toMatchObject({
      state: 'ok',
      state_timestamp: now(),
      state_reason: 'Manually set via API',
      timestamp: created,
    });
  });

  test('set to the same state is recorded and runs no action', async () => {
    const id = await api.create(thresholdBody({ state: 'ok', ok_actions: ['http://h/'] }));
    for (let time = 0; time < 2; time += 1) {
      await api.clock.advance(1_000);
      expect((await api.ask('PUT', `/v2/alarms/${id}/state`, { body: 'ok' })).status).toBe(200);
    }
    const transitions = await historyOf(id, '?q.field=type&q.value=state%20transition');
    expect(transitions.map(({ detail }) => detail)).toEqual([
      '{"state": "ok", "state_reason": "Manually set via API"}',
      '{"state": "ok", "state_reason": "Manually set via API"}',
    ]);
    expect((await api.ask('GET', '/v1/notifications')).text).toBe('[]');
  });

  test.each(['OK', '', 'unknown', null, {}, ['ok'], 1])('cannot be set to %j', async (body) => {
    const id = await api.create(thresholdBody());
    const answer = await api.ask('PUT', `/v2/alarms/${id}/state`, { body });
    expect([answer.status, answer.fault]).toEqual([400, 'state invalid']);
    expect(await historyOf(id)).toHaveLength(1);
  });
});

describe('the history of an alarm', () => {
  test('begins with the whole alarm, byte for byte', async () => {
    const body = thresholdBody({
      name: 'Lärm',
      severity: 'critical',
      ok_actions: ['log://'],
      alarm_actions: null,
      time_constraints: [{ name: 'n', start: '0 0 * * *', duration: 60 }],
    });
    const at = now();
    const id = await api.create(body);
    const [entry, ...more] = await historyOf(id);
    expect(more).toEqual([]);
    expect(entry).toEqual({
      event_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      alarm_id: id,
      type: 'creation',
      detail:
        `{"alarm_id": "${id}", "type": "threshold", "enabled": true, "name": "L\\u00e4rm", ` +
        `"description": "Alarm when cpu is gt a avg of 80.0 over 60 seconds", ` +
        `"timestamp": "${at}", "user_id": "root", ` +
        `"project_id": "ops", "state": "insufficient data", "state_timestamp": ` +
        `"${at}", "state_reason": "Not evaluated yet", ` +
        '"ok_actions": ["log://"], "alarm_actions": null, "insufficient_data_actions": [], "repeat_actions": false, ' +
        '"time_constraints": [{"name": "n", "description": "Time constraint at 0 0 * * * lasting for 60 seconds", ' +
        '"start": "0 0 * * *", "duration": 60, "timezone": ""}], "severity": "critical", "rule": {"period": 60, ' +
        '"comparison_operator": "gt", "threshold": 80.0, "statistic": ' +
        '"avg", "evaluation_periods": 1, "meter_name": "cpu", ' +
        '"exclude_outliers": false, "query": []}}',
      project_id: 'ops',
      user_id: 'root',
      on_behalf_of: 'ops',
      timestamp: at,
    });
    expect(Object.keys(entry ?? {})).toEqual([
      'event_id',
      'alarm_id',
      'type',
      'detail',
      'project_id',
      'user_id',
      'on_behalf_of',
      'timestamp',
    ]);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ severity: 'moderate' }, '{"severity": "moderate"}'],
    [{ name: 'x', repeat_actions: true }, '{"name": "x", "repeat_actions": true}'],
    [{ state: 'ok' }, '{"state": "ok", "state_reason": "Manually set via API"}'],
    [{ alarm_actions: null }, '{"alarm_actions": null}'],
    [{ tocsin: { delivery_policy: 'every' } }, '{"tocsin": {"delivery_policy": "every"}}'],
    [
      { description: 'd', threshold_rule: { meter_name: 'cpu', threshold: 81, comparison_operator: 'gt' } },
      '{"rule": {"period": 60, "comparison_operator": "gt", "threshold": ' +
        '81.0, "statistic": "avg", "evaluation_periods": 1, ' +
        '"meter_name": "cpu", "exclude_outliers": false, "query": []}}',
    ],
  ])('has only the changed fields for a change to %j', async (fields, detail) => {
    const keep = 'description' in fields ? { description: 'd' } : {};
    const id = await api.create(thresholdBody(keep));
    await api.clock.advance(1_000);
    await api.ask('PUT', `/v2/alarms/${id}`, { body: thresholdBody({ ...keep, ...fields }) });
    const [entry] = await historyOf(id);
    expect([entry?.type, entry?.detail]).toEqual(['rule change', detail]);
  });

  test('shows the caller and the owner of the alarm', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    await api.clock.advance(1_000);
    await api.ask('PUT', `/v2/alarms/${id}/state`, { body: 'ok' });
    expect((await historyOf(id, '', MEMBER))[0]).toMatchObject({
      type: 'state transition',
      detail: '{"state": "ok", "state_reason": "Manually set via API"}',
      user_id: 'root',
      project_id: 'ops',
      on_behalf_of: 'p1',
    });
  });

  test('is shown to others than admins only as far as it was on their behalf', async () => {
    const id = await api.create(thresholdBody({ project_id: 'p1' }));
    await api.clock.advance(1_000);
    await api.ask('PUT', `/v2/alarms/${id}/state`, { body: 'ok' });
    expect((await historyOf(id)).map(({ type }) => type)).toEqual(['state transition', 'creation']);
    expect((await historyOf(id, '', MEMBER)).map(({ type }) => type)).toEqual(['state transition']);
  });
});

describe('a part of the history', () => {
  let id: string;
  beforeEach(async () => {
    id = await api.create(thresholdBody(), MEMBER);
    start = api.clock.now();
    for (const severity of ['moderate', 'critical', 'low']) {
      await api.clock.advance(60_000);
      await api.ask('PUT', `/v2/alarms/${id}`, { as: MEMBER, body: thresholdBody({ severity }) });
    }
    await api.clock.advance(60_000);
    await api.ask('PUT', `/v2/alarms/${id}/state`, { body: 'ok' });
  });
  let start: Date;

  /** Entries as minutes after the creation. */
  async function minutes(query: string): Promise<number[]> {
    const entries = await historyOf(id, `?${query.replace(/@(\d)/g, (_, minute) => at(Number(minute)))}`);
    return entries.map(({ timestamp }) => (new Date(`${timestamp}Z`).getTime() - start.getTime()) / 60_000);
  }
  const at = (minute: number): string => new Date(start.getTime() + minute * 60_000).toISOString();

  test.each<[string, number[]]>([
    ['', [4, 3, 2, 1, 0]],
    ['limit=2', [4, 3]],
    ['sort=timestamp', [0, 1, 2, 3, 4]],
    ['sort=type&sort=timestamp:desc', [0, 3, 2, 1, 4]],
    ['q.field=type&q.value=rule%20change', [3, 2, 1]],
    ['q.field=type&q.value=nonsense', []],
    ['q.field=severity&q.value=critical', [2]],
    ['q.field=severity&q.value=low', [3, 0]],
    ['q.field=user&q.value=root', [4]],
    ['q.field=user_id&q.value=u1&limit=1', [3]],
    ['q.field=project&q.value=p1', [3, 2, 1, 0]],
    ['q.field=project_id&q.value=ops', [4]],
    ['q.field=timestamp&q.op=gt&q.value=@2', [4, 3]],
    ['q.field=timestamp&q.op=ge&q.value=@2', [4, 3, 2]],
    ['q.field=timestamp&q.op=lt&q.value=@2', [1, 0]],
    ['q.field=timestamp&q.op=le&q.value=@2', [2, 1, 0]],
    ['q.field=timestamp&q.op=gt&q.value=@0&q.field=timestamp&q.op=lt&q.value=@3', [2, 1]],
    ['q.field=timestamp&q.op=gt&q.value=@2&q.field=search_offset&q.op=eq&q.value=2', [4, 3, 2, 1]],
    ['q.field=timestamp&q.op=lt&q.value=@2&q.field=search_offset&q.op=eq&q.value=1', [2, 1, 0]],
  ])('with the query %j is %j', async (query, expected) => {
    expect(await minutes(query)).toEqual(expected);
  });

  test.each(['', '&sort=type', '&sort=severity:desc', '&sort=user_id&sort=timestamp'])(
    'in pages%s is the whole',
    async (sort) => {
      const all = (await historyOf(id, `?${sort}`)).map(({ event_id }) => event_id);
      const paged: string[] = [];
      for (let marker = ''; ;) {
        const page = await historyOf(id, `?limit=2${sort}${marker && `&marker=${marker}`}`);
        paged.push(...page.map(({ event_id }) => event_id));
        if (page.length < 2) break;
        marker = page.at(-1)?.event_id ?? '';
      }
      expect(paged).toEqual(all);
    },
  );

  test.each([
    [
      'q.field=timestamp&q.op=gt&q.value=bad',
      "Invalid input for field/attribute timestamp. Value: 'bad'. invalid timestamp format",
    ],
    [
      'q.field=timestamp&q.op=eq&q.value=2026-01-01',
      "Invalid input for field/attribute op. Value: 'eq'. unimplemented operator for timestamp",
    ],
    [
      'q.field=timestamp&q.op=gt&q.value=2026-01-01&q.field=search_offset&q.op=gt&q.value=1',
      "Invalid input for field/attribute op. Value: 'gt'. unimplemented operator for search_offset",
    ],
    [
      'q.field=search_offset&q.value=1',
      "Invalid input for field/attribute field. Value: 'search_offset'. search_offset cannot be used without timestamp",
    ],
    [
      'q.field=alarm_id&q.value=x',
      `Unknown argument: "alarm_id": unrecognized field in query: [<Query 'alarm_id' eq 'x' Unset>], ` +
        `valid keys: ['project', 'search_offset', 'severity', 'timestamp', 'type', 'user']`,
    ],
    [
      'q.field=type&q.op=ne&q.value=x',
      "Invalid input for field/attribute op. Value: 'ne'. unimplemented operator for type",
    ],
    ['marker=nope', 'Marker nope not found.'],
    ['limit=-1', "Invalid input for field/attribute limit. Value: '-1'. it should be a positive integer."],
  ])('with the query %s is refused', async (query, fault) => {
    const answer = await api.ask('GET', `/v2/alarms/${id}/history?${query}`);
    expect([answer.status, answer.fault]).toEqual([400, fault]);
  });
});

describe('the history of an alarm that was deleted', () => {
  test('stays, with the deletion as its last entry', async () => {
    const id = await api.create(thresholdBody({ severity: 'critical' }), MEMBER);
    await api.ask('PUT', `/v2/alarms/${id}/state`, { as: MEMBER, body: 'ok' });
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: MEMBER });
    const entries = await historyOf(id, '', READER);
    expect(entries.map(({ type }) => type).sort()).toEqual(['creation', 'deletion', 'state transition']);
    expect(entries.find(({ type }) => type === 'deletion')).toMatchObject({
      detail: '{"state": "ok"}',
      user_id: 'u1',
      project_id: 'p1',
      on_behalf_of: 'p1',
    });
  });

  test('of an alarm that an admin deleted is visible to its owner and to no other project', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: ADMIN });
    const deletion = (await historyOf(id, '?q.field=type&q.value=deletion', READER))[0];
    expect(deletion).toMatchObject({ project_id: 'ops', on_behalf_of: 'p1' });
    expect((await api.ask('GET', `/v2/alarms/${id}/history`, { as: STRANGER })).fault).toBe(`Alarm ${id} not found`);
  });
});
