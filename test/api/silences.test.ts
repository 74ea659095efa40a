import { beforeAll, describe, expect, test } from '@jest/globals';

import { MOST_SILENCES } from '../../src/storage/silences/silence-store.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, READER, STRANGER, thresholdBody, type TestApi } from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { NOON, SILENCE_BODY as BODY, silencesRig } from '../support/silences-rig.js';
import { storeNotification } from '../support/stored-notifications.js';
import { storeManySilences } from '../support/stored-silences.js';

type Json = Record<string, unknown>;

describe('/v1/silences on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('/v1/silences on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  const { database, api: theApi, setClock, post, get, send, make, pages, idsIn } = silencesRig(open);
  let db: Database;
  let api: TestApi;
  beforeAll(() => {
    [db, api] = [database(), theApi()];
  });

  test('a silence is shown as it was made, with who made it', async () => {
    const id = await make();
    const expected = {
      id,
      status: 'active',
      project_ids: ['p1'],
      all_projects: false,
      ...BODY,
      recurrence: null,
      opening: { starts_at: BODY.starts_at, ends_at: BODY.ends_at },
      created_at: '2026-01-01T12:00:00Z',
      ended_at: null,
      may_change: true,
    };
    expect((await get('/v1/silences')).json()).toEqual({ silences: [expected], next: null });
    expect((await send('GET', id)).json()).toEqual({
      ...expected,
      changes: [
        { kind: 'created', at: '2026-01-01T12:00:00Z', user_id: MEMBER['x-user-id'], project_id: 'p1', changed: [] },
      ],
    });
    expect((await send('GET', id, READER)).json()).toMatchObject({ may_change: false });
  });

  test('a silence starts now unless it names a start', async () => {
    const { starts_at: _, ...body } = BODY;
    expect((await post(body)).json()).toMatchObject({ starts_at: '2026-01-01T12:00:00Z', status: 'active' });
  });

  test('a silence that recurs has no last day, and shows its next opening', async () => {
    const { ends_at: _, ...body } = BODY;
    const recurrence = { cron: '0 2 * * *', duration: 3_600, timezone: 'Europe/Berlin' };
    expect((await post({ ...body, recurrence })).json()).toMatchObject({
      status: 'planned',
      ends_at: null,
      recurrence,
      opening: { starts_at: '2026-01-02T01:00:00Z', ends_at: '2026-01-02T02:00:00Z' },
    });
    setClock(new Date('2026-01-02T01:30:00Z'));
    expect((await get('/v1/silences')).json()).toMatchObject({ silences: [{ status: 'active' }] });
  });

  const faultOf = (field: string, value: string, message: string): string =>
    `Invalid input for field/attribute ${field}. Value: '${value}'. ${message}`;
  const FIELDS = 'Value should be one of: alarm_id, name, type, severity';
  test.each<[string, Json, string]>([
    ['an empty list of matchers', { matchers: [] }, faultOf('matchers', '[]', 'Value should have at least 1 member')],
    ['no matchers', { matchers: undefined }, faultOf('matchers', 'None', 'Mandatory field missing.')],
    ['an unknown field', { matchers: [{ field: 'state', value: 'ok' }] }, faultOf('field', 'state', FIELDS)],
    [
      'an unknown member of a matcher',
      { matchers: [{ field: 'name', value: 'x', regex: true }] },
      'Unknown attribute for argument data.matchers: regex',
    ],
    [
      'an unknown severity',
      { matchers: [{ field: 'severity', value: 'high' }] },
      faultOf('value', 'high', 'Value should be one of: low, moderate, critical'),
    ],
    ['an empty value', { matchers: [{ field: 'name', value: '' }] }, faultOf('value', '', 'Value should not be empty')],
    [
      'an end before the start',
      { ends_at: '2026-01-01T11:00:00Z' },
      faultOf('ends_at', '2026-01-01T11:00:00Z', 'It must be after starts_at.'),
    ],
    [
      'an end in the past',
      { ends_at: '2026-01-01T11:30:00Z' },
      faultOf('ends_at', '2026-01-01T11:30:00Z', 'It must be in the future.'),
    ],
    ['no end', { ends_at: undefined }, faultOf('ends_at', 'None', 'Mandatory field missing.')],
    ['an end that is no time', { ends_at: 'soon' }, faultOf('ends_at', 'soon', 'Unknown string format: soon')],
    ['no reason', { reason: undefined }, faultOf('reason', 'None', 'Mandatory field missing.')],
    ['an empty owner', { owner: ' ' }, faultOf('owner', ' ', 'Value should not be empty')],
    [
      'a recurrence without a zone',
      { recurrence: { cron: '0 2 * * *', duration: 60 } },
      faultOf('timezone', 'None', 'Mandatory field missing.'),
    ],
    [
      'an unknown zone',
      { recurrence: { cron: '0 2 * * *', duration: 60, timezone: 'Mars' } },
      'Timezone Mars is not valid',
    ],
    [
      'a bad cron expression',
      { recurrence: { cron: 'daily', duration: 60, timezone: 'UTC' } },
      faultOf('cron', 'daily', 'Exactly 5 or 6 columns has to be specified for iterator expression.'),
    ],
    [
      'a cron expression that never opens',
      { recurrence: { cron: '0 0 31 2 *', duration: 60, timezone: 'UTC' } },
      faultOf('cron', '0 0 31 2 *', 'It never opens'),
    ],
    [
      'openings of no length',
      { recurrence: { cron: '0 2 * * *', duration: 0, timezone: 'UTC' } },
      faultOf('duration', '0', 'Value should be greater or equal to 1'),
    ],
    ['an unknown member', { author: 'me' }, 'Unknown attribute for argument data: author'],
  ])('%s is refused', async (_, fields, fault) => {
    for (const path of ['/v1/silences', '/v1/silences/preview']) {
      const answer = await api.ask('POST', path, { as: MEMBER, body: { ...BODY, ...fields } });
      expect([answer.status, answer.fault]).toEqual([400, fault]);
    }
    const id = await make();
    const replaced = await send('PUT', id, MEMBER, { ...BODY, ...fields });
    expect([replaced.status, replaced.fault]).toEqual([400, fault]);
  });

  test('a replacement says what was changed and by whom, and keeps the start', async () => {
    const id = await make();
    const { starts_at: _, ...body } = BODY;
    const next = { ...body, reason: 'two updates', ends_at: '2026-01-01T14:00:00Z' };
    const replaced = await send('PUT', id, ADMIN, next);
    expect(replaced.json()).toMatchObject({ ...next, starts_at: BODY.starts_at });
    expect((await send('GET', id)).json<{ changes: unknown[] }>().changes.slice(1)).toMatchObject([
      { kind: 'changed', user_id: ADMIN['x-user-id'], changed: ['ends_at', 'reason'] },
    ]);
    await send('PUT', id, ADMIN, next);
    expect((await send('GET', id)).json<{ changes: unknown[] }>().changes).toHaveLength(2);
  });

  test('a silence is ended once, can still be read, and cannot be changed any more', async () => {
    const id = await make();
    for (let count = 0; count < 2; count += 1) expect((await send('DELETE', id)).status).toBe(204);
    expect((await send('GET', id)).json()).toMatchObject({
      status: 'ended',
      ended_at: '2026-01-01T12:00:00Z',
      opening: null,
      changes: [{ kind: 'created' }, { kind: 'ended', user_id: MEMBER['x-user-id'] }],
    });
    const replaced = await send('PUT', id, MEMBER, BODY);
    expect([replaced.status, replaced.fault]).toEqual([
      409,
      `Silence ${id} has ended: make a new one with POST /v1/silences`,
    ]);
  });

  test('a list has the silences of a status, newest first, in pages', async () => {
    const made: Record<string, string> = {};
    for (const [name, fields] of Object.entries({
      active: {},
      planned: { starts_at: '2026-01-01T12:30:00Z' },
      ended: {},
      expired: { ends_at: '2026-01-01T12:00:05Z' },
    })) {
      made[name] = await make(fields);
      setClock(new Date(api.clock.now().getTime() + 1_000));
    }
    await send('DELETE', made['ended']!);
    setClock(new Date('2026-01-01T12:00:05Z'));
    const { active, planned, ended, expired } = made;
    expect(await idsIn()).toEqual([expired, ended, planned, active]);
    expect(await idsIn('?status=active')).toEqual([active]);
    expect(await idsIn('?status=planned')).toEqual([planned]);
    expect(await idsIn('?status=ended')).toEqual([expired, ended]);
    const [first, second] = await pages('limit=2');
    expect(first?.silences.map(({ id }) => id)).toEqual([expired, ended]);
    expect(second?.silences.map(({ id }) => id)).toEqual([planned, active]);
    expect(second?.next).toBeNull();
    expect((await get('/v1/silences?status=over')).status).toBe(400);
    expect((await get('/v1/silences?cursor=none')).status).toBe(400);
  });

  test('a list of one alarm has the silences that hold it now or later, of its project and of all', async () => {
    const id = await api.create(thresholdBody({ name: 'web-1' }), MEMBER);
    const byName = await make();
    const later = await make({ starts_at: '2026-01-01T12:30:00Z', matchers: [{ field: 'alarm_id', value: id }] });
    const ofAll = await make({ all_projects: true, matchers: [{ field: 'type', value: 'threshold' }] }, ADMIN);
    const ended = await make();
    await send('DELETE', ended);
    await make({ matchers: [{ field: 'name', value: 'db-*' }] });
    await make({}, STRANGER);
    const sorted = async (search: string, as = MEMBER): Promise<string[]> => (await idsIn(search, as)).sort();
    expect(await sorted(`?alarm_id=${id}`)).toEqual([byName, later, ofAll].sort());
    expect(await sorted(`?alarm_id=${id}`, ADMIN)).toEqual([byName, later, ofAll].sort());
    expect(await sorted(`?alarm_id=${id}&status=active`)).toEqual([byName, ofAll].sort());
    expect(await sorted(`?alarm_id=${id}&status=ended`)).toEqual([ended]);
    const foreign = await get(`/v1/silences?alarm_id=${id}`, STRANGER);
    expect([foreign.status, foreign.fault]).toEqual([404, `Alarm ${id} not found`]);
  });

  describe('whose alarms it holds', () => {
    test('a member names no other project, and not all of them', async () => {
      expect((await post({ ...BODY, project_ids: ['p2'] })).status).toBe(404);
      expect((await post({ ...BODY, project_ids: ['p1', 'p2'] })).status).toBe(404);
      expect((await post({ ...BODY, all_projects: true })).status).toBe(403);
      expect((await post({ ...BODY, project_ids: ['p1', '*'] }, ADMIN)).status).toBe(400);
      const asterisk = { ...MEMBER, 'x-project-id': '*' };
      expect((await post(BODY, asterisk)).status).toBe(400);
    });

    test('nobody of another project sees it, changes it or ends it', async () => {
      const id = await make();
      expect(await idsIn('', STRANGER)).toEqual([]);
      expect((await get('/v1/silences?project_id=p1', STRANGER)).status).toBe(404);
      for (const method of ['GET', 'PUT', 'DELETE'])
        expect((await send(method, id, STRANGER, method === 'PUT' ? BODY : undefined)).status).toBe(404);
      expect((await send('GET', id)).json()).toMatchObject({ status: 'active' });
    });

    test.each<[string, Json]>([
      ['of its project by an admin of another one', { project_ids: ['p1'] }],
      ['of all projects', { all_projects: true }],
    ])('a member reads a silence %s, and cannot change or end it', async (_, fields) => {
      const id = await make(fields, { ...ADMIN, 'x-project-id': 'ops' });
      expect(await idsIn()).toEqual([id]);
      expect((await send('GET', id)).json()).toMatchObject({ id, may_change: false, ...fields });
      expect((await send('PUT', id, MEMBER, BODY)).status).toBe(403);
      expect((await send('DELETE', id)).status).toBe(403);
      expect((await send('DELETE', id, ADMIN)).status).toBe(204);
    });

    test('an admin lists the silences of all projects, or those that hold the alarms of one', async () => {
      const [own, other, all] = [await make(), await make({}, STRANGER), await make({ all_projects: true }, ADMIN)];
      expect((await idsIn('', ADMIN)).sort()).toEqual([own, other, all].sort());
      expect((await idsIn('?project_id=p1', ADMIN)).sort()).toEqual([own, all].sort());
    });

    test('a silence stays with its project', async () => {
      const id = await make();
      expect((await send('PUT', id, ADMIN, { ...BODY, project_ids: ['p2'] })).status).toBe(400);
      expect((await send('PUT', id, ADMIN, { ...BODY, project_ids: ['p1', 'p2'] })).status).toBe(400);
      expect((await send('PUT', id, ADMIN, { ...BODY, all_projects: true })).status).toBe(400);
      expect((await send('PUT', id, ADMIN, { ...BODY, project_ids: ['p1'] })).status).toBe(200);
    });
  });

  test(`a project has at most ${MOST_SILENCES} silences that are not over`, async () => {
    await storeManySilences(db, { projects: ['p1'], count: MOST_SILENCES - 1, isOver: false, at: NOON });
    const id = await make();
    const refused = await post(BODY);
    expect(refused.status).toBe(403);
    expect(refused.fault).toMatch(/^The project has 1000 active and planned silences/);
    expect((await post(BODY, STRANGER)).status).toBe(201);
    await send('DELETE', id);
    expect((await post(BODY)).status).toBe(201);
  });

  describe('a preview', () => {
    const preview = async (fields: Json, as = MEMBER): Promise<Json> => {
      const answer = await api.ask('POST', '/v1/silences/preview', { as, body: { ...BODY, ...fields } });
      expect(answer.status).toBe(200);
      return answer.json<Json>();
    };

    test('counts the alarms that a silence would hold and their waiting notifications, and makes nothing', async () => {
      const id = await api.create(thresholdBody({ name: 'web-1', severity: 'critical' }), MEMBER);
      await api.create(thresholdBody({ name: 'db-1' }), MEMBER);
      await api.create(thresholdBody({ name: 'web-2' }), STRANGER);
      for (const [n, status] of ['pending', 'in_flight', 'delivered'].entries())
        await storeNotification(db, { id: `n${n}`, alarmId: id, projectId: 'p1', status, sequence: n });
      const web = { alarm_id: id, name: 'web-1', type: 'threshold', severity: 'critical', project_id: 'p1' };
      const expected = { count: 1, alarms: [{ ...web, state: 'insufficient data' }], waiting_notifications: 2 };
      expect(await preview({})).toEqual(expected);
      expect(await preview({ matchers: [{ field: 'alarm_id', value: id }] })).toEqual(expected);
      expect(await preview({ matchers: [{ field: 'severity', value: 'critical' }] }, READER)).toEqual(expected);
      expect(await preview({ matchers: [{ field: 'name', value: '*' }] })).toMatchObject({ count: 2 });
      expect(await preview({ matchers: [{ field: 'alarm_id', value: id }] }, STRANGER)).toMatchObject({ count: 0 });
      expect(await preview({ all_projects: true }, ADMIN)).toMatchObject({ count: 2 });
      expect(await idsIn()).toEqual([]);
    });

    test('shows a hundred alarms and counts all', async () => {
      for (let n = 0; n < 12; n += 1) await api.create(thresholdBody({ name: `web-${n}` }), MEMBER);
      await db.query(`
        insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, repeat_actions, severity,
                            time_constraints, timestamp, created_at, state, state_reason, state_timestamp, query_key,
                            partition)
        select a.id || n, project_id, user_id, type, name, description, enabled, rule, repeat_actions, severity,
               time_constraints, timestamp, created_at, state, state_reason, state_timestamp, query_key, partition
          from alarms a, generate_series(1, 99) n`);
      const found = await preview({});
      expect(found['count']).toBe(1_200);
      expect(found['alarms']).toHaveLength(100);
    });
  });

  test('explain names the silences that hold an alarm now', async () => {
    const alarmId = await api.create(thresholdBody({ name: 'web-1' }), MEMBER);
    const id = await make();
    await make({ matchers: [{ field: 'name', value: 'db-*' }] });
    const explained = (await get(`/v2/alarms/${alarmId}/explain`)).json<Json>();
    expect(explained['silences']).toEqual([
      { id, reason: 'kernel update', owner: 'web team', ends_at: '2026-01-01T13:00:00' },
    ]);
    expect(explained['notes']).toContain(
      `Silence ${id} holds its notifications until 2026-01-01T13:00:00Z, for web team: kernel update`,
    );
    const past = (await get(`/v2/alarms/${alarmId}/explain?at=2026-01-01T11:59:00`)).json<Json>();
    expect(past['silences']).toEqual([]);
  });
}
