import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Silence } from '../../src/alarm/silence/silence.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, STRANGER, thresholdBody, type Caller, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeAlarms, thresholdRule, type StoredAlarm } from '../support/stored-alarms.js';
import { storeNotifications } from '../support/stored-notifications.js';
import { aSilence, storeSilence } from '../support/stored-silences.js';

interface Listed {
  alarms: { alarm_id: string; name: string; [field: string]: unknown }[];
  next: string | null;
}

const FIVE: readonly (StoredAlarm & { severity: string; name: string })[] = [
  ['a1', 'cpu of web 1', 'alarm', 'low', 1],
  ['a2', 'CPU of web 2', 'ok', 'critical', 2],
  ['a3', 'disk of db 1', 'insufficient data', 'moderate', 3],
  ['a4', 'disk of db 2', 'alarm', 'critical', 4],
  ['a5', 'memory', 'ok', 'low', 5],
].map(([id, name, state, severity, minute]) => ({
  id: id as string,
  name: name as string,
  severity: severity as string,
  projectId: 'p1',
  rule: thresholdRule(),
  state: state as string,
  enabled: id !== 'a5',
  at: new Date(NOON.getTime() + Number(minute) * 60_000),
}));

/** A cursor of the order of a key and the id, with this value of the key. */
function cursorText(key: string, value: string): string {
  return Buffer.from(JSON.stringify({ order: `${key},alarm_id`, values: [value, 'b'] })).toString('base64url');
}

describe('lists of alarms in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('lists of alarms in PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let api: TestApi;
  beforeAll(async () => {
    db = await open();
    api = await startApi(db);
  });
  beforeEach(() => empty(db));
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  async function fiveAlarms(): Promise<void> {
    await storeAlarms(db, FIVE);
    for (const { id, name, severity } of FIVE)
      await db.query('update alarms set name = $2, severity = $3 where id = $1', [id, name, severity]);
    // Counts are kept for some seconds, also from the test before.
    await api.clock.advance(5_000);
  }

  const listed = async (search = '', as: Caller = MEMBER): Promise<Listed> => {
    const answer = await api.ask('GET', `/v1/alarms${search}`, { as });
    expect(answer.status).toBe(200);
    return answer.json<Listed>();
  };
  const idsIn = ({ alarms }: Listed): string => alarms.map(({ alarm_id }) => alarm_id).join(' ');

  test('GET /v1/alarms shows what a table shows of an alarm', async () => {
    const id = await api.create(thresholdBody({ name: 'cpu high', severity: 'critical' }), MEMBER);
    const { alarms, next } = await listed();
    expect(next).toBeNull();
    expect(alarms).toEqual([
      {
        alarm_id: id,
        name: 'cpu high',
        type: 'threshold',
        severity: 'critical',
        enabled: true,
        muted: false,
        project_id: 'p1',
        state: 'insufficient data',
        state_since: expect.stringMatching(/Z$/),
        state_reason: 'Not evaluated yet',
        condition: expect.stringMatching(/^average of cpu\w* over \d+ s is greater than \d/),
        comparison_operator: expect.any(String),
        threshold: expect.any(Number),
        clear_threshold: null,
        effective_threshold: expect.any(Number),
        last_notification: null,
        silences: [],
      },
    ]);
  });

  test('an alarm whose rule has no threshold is listed without one', async () => {
    await api.create({ name: 'e', type: 'event', event_rule: { event_type: 'compute.*' } }, MEMBER);
    expect((await listed()).alarms).toMatchObject([
      { type: 'event', threshold: null, comparison_operator: null, effective_threshold: null },
    ]);
  });

  test('in state alarm the clear threshold is the one that latest values are compared with', async () => {
    const id = await api.create(
      thresholdBody({
        threshold_rule: { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt' },
        tocsin: { clear_threshold: 60 },
      }),
      MEMBER,
    );
    expect((await listed()).alarms).toMatchObject([{ threshold: 80, clear_threshold: 60, effective_threshold: 80 }]);
    await api.ask('PUT', `/v2/alarms/${id}/state`, { as: MEMBER, body: 'alarm' });
    expect((await listed()).alarms).toMatchObject([{ threshold: 80, clear_threshold: 60, effective_threshold: 60 }]);
  });

  test.each([
    ['sort=name', 'a2 a1 a3 a4 a5'],
    ['sort=name:desc', 'a5 a4 a3 a1 a2'],
    ['sort=state', 'a1 a4 a3 a2 a5'],
    ['sort=state:desc', 'a5 a2 a3 a4 a1'],
    ['sort=severity:desc&sort=name', 'a2 a4 a3 a1 a5'],
    ['sort=severity', 'a1 a5 a3 a2 a4'],
    ['sort=state_since:desc', 'a5 a4 a3 a2 a1'],
    ['sort=state_since', 'a1 a2 a3 a4 a5'],
    ['sort=type:desc', 'a5 a4 a3 a2 a1'],
    ['sort=alarm_id', 'a1 a2 a3 a4 a5'],
  ])('GET /v1/alarms?%s has this order, also in pages of one and of two', async (search, expected) => {
    await fiveAlarms();
    expect(idsIn(await listed(`?${search}`))).toBe(expected);
    for (const limit of [1, 2]) {
      const pages: string[] = [];
      let next: string | null = '';
      while (next !== null) {
        const page = await listed(`?${search}&limit=${limit}${next && `&cursor=${next}`}`);
        pages.push(idsIn(page));
        next = page.next;
      }
      expect(pages.join(' ')).toBe(expected);
      expect(pages).toHaveLength(Math.ceil(5 / limit));
    }
  });

  test.each([
    ['state=alarm', 'a1 a4'],
    ['state=insufficient%20data', 'a3'],
    ['severity=critical', 'a2 a4'],
    ['state=alarm&severity=critical', 'a4'],
    ['type=threshold&enabled=false', 'a5'],
    ['enabled=true&sort=alarm_id', 'a1 a2 a3 a4'],
    ['type=event', ''],
    ['search=cpu', 'a2 a1'],
    ['search=WEB%201', 'a1'],
    ['search=a4', 'a4'],
    ['search=%25', ''],
    ['search=', 'a2 a1 a3 a4 a5'],
    ['project_id=p1', 'a2 a1 a3 a4 a5'],
    ['project_id=p2', ''],
  ])('GET /v1/alarms?%s lists [%s], and its counts have as many alarms', async (search, expected) => {
    await fiveAlarms();
    expect(idsIn(await listed(`?${search}`))).toBe(expected);
    const filters = search.replace(/&sort=\w+/, '');
    const counts = (await api.ask('GET', `/v1/alarms/counts?${filters}`, { as: MEMBER })).json<{ total: number }>();
    expect(counts.total).toBe(expected === '' ? 0 : expected.split(' ').length);
  });

  test('a page has 100 alarms at most, and names the next page only if there is one', async () => {
    await storeAlarms(
      db,
      Array.from({ length: 101 }, (_, n) => ({
        id: `a${String(n).padStart(3, '0')}`,
        projectId: 'p1',
        rule: thresholdRule(),
      })),
    );
    const first = await listed('?sort=alarm_id&limit=100');
    expect(first.alarms).toHaveLength(100);
    expect(idsIn(await listed(`?sort=alarm_id&limit=100&cursor=${first.next}`))).toBe('a100');
    await db.query("delete from alarms where id = 'a100'");
    expect((await listed('?sort=alarm_id&limit=100')).next).toBeNull();
    expect((await listed()).alarms).toHaveLength(50);
  });

  test('a cursor stays valid when its alarm is deleted', async () => {
    await fiveAlarms();
    const { next } = await listed('?sort=severity&limit=3');
    await api.ask('DELETE', '/v2/alarms/a3', { as: MEMBER });
    expect(idsIn(await listed(`?sort=severity&cursor=${next}`))).toBe('a2 a4');
  });

  test.each([
    ['limit=101', 'limit'],
    ['state=broken', 'state'],
    ['type=none', 'type'],
    ['severity=high', 'severity'],
    ['enabled=maybe', 'enabled'],
    ['sort=rule', 'sort'],
    ['cursor=x', 'cursor'],
    [`cursor=${cursorText('name', 'a\0')}`, 'cursor'],
    [`sort=state_since&cursor=${cursorText('state_since', 'z')}`, 'cursor'],
    [`search=${'x'.repeat(256)}`, 'search'],
  ])('GET /v1/alarms?%s is refused, and the error names %s', async (search, field) => {
    const answer = await api.ask('GET', `/v1/alarms?${search}`, { as: MEMBER });
    expect(answer.status).toBe(400);
    expect(answer.fault).toContain(`field/attribute ${field}.`);
  });

  test('a cursor of another sort is refused', async () => {
    await fiveAlarms();
    const { next } = await listed('?sort=state&limit=2');
    const answer = await api.ask('GET', `/v1/alarms?sort=name&cursor=${next}`, { as: MEMBER });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining('cursor')]);
  });

  test('the counts are by state, type, severity and enabled, with zeros', async () => {
    await fiveAlarms();
    const answer = await api.ask('GET', '/v1/alarms/counts', { as: MEMBER });
    expect(answer.json()).toMatchObject({
      total: 5,
      by_state: { ok: 2, alarm: 2, 'insufficient data': 1 },
      by_type: { threshold: 5, event: 0 },
      by_severity: { low: 2, moderate: 1, critical: 2 },
      enabled: 4,
      disabled: 1,
      is_complete: true,
    });
  });

  test('counts are kept for 5 seconds, for each scope and filter', async () => {
    await fiveAlarms();
    const total = async (search: string, as: Caller): Promise<number> =>
      (await api.ask('GET', `/v1/alarms/counts${search}`, { as })).json<{ total: number }>().total;
    const all = (): Promise<number[]> =>
      Promise.all([total('', MEMBER), total('', STRANGER), total('', ADMIN), total('?state=ok', MEMBER)]);
    expect(await all()).toEqual([5, 0, 5, 2]);
    await db.query("delete from alarms where id in ('a1', 'a2')");
    expect(await all()).toEqual([5, 0, 5, 2]);
    await api.clock.advance(5_000);
    expect(await all()).toEqual([3, 0, 3, 1]);
  });

  test('another project sees neither the alarms nor their number, also with a cursor of theirs', async () => {
    await fiveAlarms();
    const { next } = await listed('?limit=2');
    for (const search of ['', `?cursor=${next}`, '?project_id=p1', '?search=a1'])
      expect(await listed(search, STRANGER)).toEqual({ alarms: [], next: null });
    const counts = await api.ask('GET', '/v1/alarms/counts?project_id=p1', { as: STRANGER });
    expect(counts.json()).toMatchObject({ total: 0 });
  });

  test('admins see the alarms of all projects, and those without one, or of the project that they name', async () => {
    await fiveAlarms();
    await storeAlarms(db, [{ id: 'b1', projectId: 'p2', rule: thresholdRule() }]);
    await storeAlarms(db, [{ id: 'b2', projectId: 'none', rule: thresholdRule() }]);
    await db.query("update alarms set project_id = null where id = 'b2'");
    expect(idsIn(await listed('?sort=alarm_id', ADMIN))).toBe('a1 a2 a3 a4 a5 b1 b2');
    expect(idsIn(await listed('?project_id=p2', ADMIN))).toBe('b1');
    expect(idsIn(await listed('?project_id=', ADMIN))).toBe('');
  });

  const minutes = (count: number): Date => new Date(NOON.getTime() + count * 60_000);

  test.each([
    [
      'the newest notification',
      [
        { id: 'n1', createdAt: minutes(1) },
        { id: 'n2', createdAt: minutes(2) },
      ],
      'n2',
    ],
    [
      'the action that failed among those of one transition',
      [
        { id: 'n1', status: 'delivered', createdAt: minutes(1), finishedAt: minutes(2) },
        { id: 'n2', status: 'dead', createdAt: minutes(1), finishedAt: minutes(2) },
        { id: 'n3', status: 'delivered', createdAt: minutes(1), finishedAt: minutes(2) },
      ],
      'n2',
    ],
    [
      'a delivered notification that is newer than a dead one',
      [
        { id: 'n1', status: 'dead', createdAt: minutes(1), finishedAt: minutes(2) },
        { id: 'n2', status: 'delivered', createdAt: minutes(3), finishedAt: minutes(4) },
      ],
      'n2',
    ],
    ['no notification of another project', [{ id: 'n1', projectId: 'p2' }], undefined],
  ])('last_notification shows %s', async (_, stored, expected) => {
    await fiveAlarms();
    await storeNotifications(
      db,
      stored.map((one, index) => ({ alarmId: 'a1', projectId: 'p1', sequence: index + 1, ...one })),
    );
    const { alarms } = await listed('?search=a1');
    expect(alarms[0]?.['last_notification']).toEqual(
      expected === undefined ? null : expect.objectContaining({ notification_id: expected }),
    );
  });

  test('an alarm is listed with the silences that hold it now', async () => {
    await fiveAlarms();
    const at = api.clock.now();
    const past = new Date(at.getTime() - 1);
    const held = (value: string): Partial<Silence> => ({ projects: ['p1'], matchers: [{ field: 'alarm_id', value }] });
    await storeSilence(db, aSilence(at, { id: 's1', ...held('a1'), owner: 'web team' }));
    await storeSilence(db, aSilence(past, { id: 's2', ...held('a2'), endsAt: at }));
    await storeSilence(db, aSilence(at, { id: 's3', ...held('a2'), startsAt: new Date(at.getTime() + 1) }));
    await storeSilence(db, aSilence(at, { id: 's4', ...held('a3'), projects: ['p2'] }));
    const { alarms } = await listed();
    const silenced = alarms.filter(({ silences }) => (silences as unknown[]).length > 0);
    expect(silenced.map(({ alarm_id, silences }) => ({ alarm_id, silences }))).toEqual([
      {
        alarm_id: 'a1',
        silences: [{ id: 's1', reason: 'maintenance', owner: 'web team', ends_at: expect.stringMatching(/Z$/) }],
      },
    ]);
  });

  test('last_notification has the outcome; only admins see what a port speaks that is not HTTP', async () => {
    await fiveAlarms();
    await storeNotifications(db, [
      { id: 'n1', alarmId: 'a1', projectId: 'p1', status: 'dead', attempt: 2, finishedAt: minutes(9), createdAt: NOON },
    ]);
    await db.query("update notifications set last_error = 'unreadable_answer: it is HTTP/2' where id = 'n1'");
    await db.query(
      `insert into attempts (notification_id, attempt, started_at, duration_ms, outcome, http_status, error)
       values ('n1', 1, $1, 5, 'retry', 503, 'http_status'), ('n1', 2, $1, 5, 'dead', null, 'unreadable_answer')`,
      [NOON],
    );
    const shownTo = async (as: Caller): Promise<unknown> =>
      (await listed('?search=a1', as)).alarms[0]?.['last_notification'];
    const shown = {
      notification_id: 'n1',
      kind: 'transition',
      status: 'dead',
      at: '2026-01-01T12:09:00Z',
      host: 'receiver:80',
      attempts: 2,
      last_http_status: null,
    };
    expect(await shownTo(MEMBER)).toEqual({ ...shown, last_error: 'connect_failed' });
    expect(await shownTo(ADMIN)).toEqual({ ...shown, last_error: 'unreadable_answer: it is HTTP/2' });
  });
}
