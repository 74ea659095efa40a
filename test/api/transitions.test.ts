import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createTransitionListStore } from '../../src/storage/alarms/transition-list-store.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, STRANGER, type Caller, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeAlarms, thresholdRule } from '../support/stored-alarms.js';

interface Listed {
  transitions: { event_id: string; [field: string]: unknown }[];
  next: string | null;
}

const minutes = (count: number): Date => new Date(NOON.getTime() + count * 60_000);

describe('transitions in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('transitions in PostgreSQL', () => contract(serverDatabase));

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

  /** Transitions e1 to e4 of a1 and a2, each a minute later; e5 is one of another project, e0 is no transition. */
  async function fiveTransitions(): Promise<void> {
    await storeAlarms(db, [
      { id: 'a1', projectId: 'p1', rule: thresholdRule() },
      { id: 'a2', projectId: 'p1', rule: { type: 'event', event_type: '*', query: [] } as never },
      { id: 'b1', projectId: 'p2', rule: thresholdRule() },
    ]);
    const rows = [
      ['e0', 'a1', 'rule change', 'ok', 'p1', null, 0],
      ['e1', 'a1', 'state transition', 'alarm', 'p1', 'critical', 1],
      ['e2', 'a2', 'state transition', 'alarm', 'p1', 'low', 2],
      ['e3', 'a1', 'state transition', 'ok', 'p1', 'critical', 3],
      ['e4', 'a2', 'state transition', 'insufficient data', 'p1', 'low', 3],
      ['e5', 'b1', 'state transition', 'alarm', 'p2', 'low', 5],
    ] as const;
    for (const [id, alarm, type, state, project, severity, minute] of rows)
      await db.query(
        `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, severity, timestamp, state_version,
           previous_state) values ($1, $2, $3, $4, $5, $6, $7, $8, 'insufficient data')`,
        [
          id,
          alarm,
          type,
          JSON.stringify({ state, transition_reason: 'because' }).replaceAll('":', '": '),
          project,
          severity,
          minutes(minute),
          minute + 1,
        ],
      );
  }

  const listed = async (search = '', as: Caller = MEMBER): Promise<Listed> => {
    const answer = await api.ask('GET', `/v1/transitions${search}`, { as });
    expect(answer.status).toBe(200);
    return answer.json<Listed>();
  };
  const idsIn = ({ transitions }: Listed): string => transitions.map(({ event_id }) => event_id).join(' ');

  test('GET /v1/transitions shows what changed, with the name of the alarm', async () => {
    await fiveTransitions();
    expect((await listed('?alarm_id=a1&limit=1')).transitions).toEqual([
      {
        event_id: 'e3',
        alarm_id: 'a1',
        alarm_name: 'alarm a1',
        type: 'threshold',
        severity: 'critical',
        project_id: 'p1',
        at: '2026-01-01T12:03:00Z',
        from: 'insufficient data',
        to: 'ok',
        reason: 'because',
        state_version: 4,
        series: null,
        user_id: null,
      },
    ]);
  });

  test('a state that a user set is a transition with the user, and the severity of the alarm', async () => {
    await storeAlarms(db, [{ id: 'a1', projectId: 'p1', rule: thresholdRule() }]);
    await api.ask('PUT', '/v2/alarms/a1/state', { as: MEMBER, body: 'alarm' });
    expect((await listed('?severity=low')).transitions).toMatchObject([
      {
        from: 'insufficient data',
        to: 'alarm',
        user_id: 'u1',
        severity: 'low',
        reason: expect.stringContaining('API'),
      },
    ]);
  });

  test.each([
    ['', 'e4 e3 e2 e1'],
    ['since=2026-01-01T12:02:00Z', 'e4 e3 e2'],
    ['until=2026-01-01T12:02:00Z', 'e1'],
    ['since=2026-01-01T12:02:00Z&until=2026-01-01T12:03:00Z', 'e2'],
    ['state=alarm', 'e2 e1'],
    ['state=insufficient%20data', 'e4'],
    ['state=alarm&since=2026-01-01T12:01:30Z', 'e2'],
    ['type=event', 'e4 e2'],
    ['severity=critical', 'e3 e1'],
    ['alarm_id=a2', 'e4 e2'],
    ['alarm_id=b1', ''],
    ['project_id=p1', 'e4 e3 e2 e1'],
    ['project_id=p2', ''],
  ])('GET /v1/transitions?%s lists [%s], also page by page', async (search, expected) => {
    await fiveTransitions();
    expect(idsIn(await listed(`?${search}`))).toBe(expected);
    const pages: string[] = [];
    let next: string | null = '';
    while (next !== null) {
      const page = await listed(`?${search}&limit=1${next && `&cursor=${next}`}`);
      pages.push(idsIn(page));
      next = page.next;
    }
    expect(pages.join(' ')).toBe(expected);
  });

  test.each([
    ['since=yesterday', 'since'],
    ['until=x', 'until'],
    ['state=broken', 'state'],
    ['type=none', 'type'],
    ['severity=high', 'severity'],
    ['limit=101', 'limit'],
    ['cursor=x', 'cursor'],
  ])('GET /v1/transitions?%s is refused, and the error names %s', async (search, field) => {
    const answer = await api.ask('GET', `/v1/transitions?${search}`, { as: MEMBER });
    expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(`field/attribute ${field}.`)]);
  });

  test('another project sees only its own transitions; admins see those of all', async () => {
    await fiveTransitions();
    const { next } = await listed('?limit=1');
    expect(idsIn(await listed('', STRANGER))).toBe('e5');
    expect(idsIn(await listed(`?cursor=${next}`, STRANGER))).toBe('');
    expect(idsIn(await listed('?alarm_id=a1', STRANGER))).toBe('');
    expect(idsIn(await listed('', ADMIN))).toBe('e5 e4 e3 e2 e1');
    expect(idsIn(await listed('?project_id=p2', ADMIN))).toBe('e5');
  });

  test('the project that owned an alarm does not see the name that the alarm got in another project', async () => {
    await fiveTransitions();
    await db.query("update alarms set project_id = 'p2', name = 'secret' where id = 'a1'");
    expect((await listed('?alarm_id=a1')).transitions).toMatchObject([{ alarm_name: null }, { alarm_name: null }]);
  });

  test('a transition stays in the list when its alarm is gone', async () => {
    await fiveTransitions();
    await db.query("delete from alarms where id = 'a1'");
    expect((await listed('?limit=2')).transitions).toMatchObject([
      { event_id: 'e4', alarm_name: 'alarm a2' },
      { event_id: 'e3', alarm_name: null, type: null },
    ]);
  });

  test('pages of one transition show each of those that came within a millisecond, newest first', async () => {
    await fiveTransitions();
    for (const [id, fraction] of [
      ['e1', '1234'],
      ['e2', '123'],
      ['e3', '1231'],
      ['e4', '12'],
    ])
      await db.query('update alarm_history set timestamp = $2::timestamptz where event_id = $1', [
        id,
        `2026-01-01T12:00:00.${fraction}Z`,
      ]);
    const seen: string[] = [];
    for (let cursor = ''; seen.length < 9;) {
      const page = await listed(`?limit=1${cursor}`);
      seen.push(idsIn(page));
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    expect(seen).toEqual(['e1', 'e3', 'e2', 'e4']);
  });

  test.each(['0000-01-01T00:00:00Z', '2026-02-30T00:00:00Z', `2026-01-01T00:00:00.${'1'.repeat(200)}Z`, '2026-01-01'])(
    'a cursor with the time %s is refused',
    async (at) => {
      const values = { order: 'at:desc,event_id:desc', values: [at, 'x'] };
      const cursor = Buffer.from(JSON.stringify(values)).toString('base64url');
      const answer = await api.ask('GET', `/v1/transitions?cursor=${cursor}`, { as: MEMBER });
      expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining('field/attribute cursor.')]);
    },
  );

  test('a client that has left before the first read gets no error', async () => {
    await fiveTransitions();
    const query = { filter: {}, limit: 10, signal: AbortSignal.abort() };
    const page = await createTransitionListStore(db).page({ all: true }, query);
    expect(page).toEqual({ transitions: [], next: undefined });
  });

  test('a transition behind thousands of other entries is found, also behind an empty page', async () => {
    await fiveTransitions();
    await db.query(`
      insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp)
      select 'c' || n, 'a1', 'rule change', '{}', 'p1', '2026-01-02'::timestamptz + n * interval '1 microsecond'
        from generate_series(1, 4000) n`);
    const first = await listed('?state=ok');
    expect([first.transitions, first.next]).toEqual([[], expect.any(String)]);
    const second = await listed(`?state=ok&cursor=${first.next}`);
    expect([idsIn(second), second.next]).toEqual(['e3', null]);
  });
}
