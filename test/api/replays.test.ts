import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';

import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createNotificationAdminStore } from '../../src/storage/notifications/notification-admin-store.js';
import { ADMIN, MEMBER, startApi, STRANGER, type Answered, type Caller, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { describeWithPostgres } from '../support/servers.js';
import { statuses, storeNotifications } from '../support/stored-notifications.js';

describe('POST /v1/notifications/replay on the embedded database', () => contract({} as Opened, embeddedDatabase));
describeWithPostgres('POST /v1/notifications/replay on PostgreSQL', () => {
  const opened = {} as Opened;
  contract(opened, serverDatabase);
  besideLocks(opened);
});

/** Opened before each test. */
interface Opened {
  db: Database;
  api: TestApi;
}

interface ReplayedBody {
  replayed: number;
  has_more: boolean;
  ended_before: string;
}

const BEFORE_NOON = new Date(NOON.getTime() - 1);
const AT_NOON = { ended_before: '2026-01-01T12:00:00Z' };

const replay = ({ api }: Opened, as: Caller, one = '', search = ''): Promise<Answered> =>
  api.ask('POST', `/v1/notifications${one}/replay${search}`, { as });

function dead({ db }: Opened, ids: readonly string[], projectId: string): Promise<void> {
  const ended = { status: 'dead', attempt: 11, finishedAt: BEFORE_NOON };
  return storeNotifications(
    db,
    ids.map((id) => ({ id, alarmId: id, projectId, ...ended })),
  );
}

const many = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, n) => `${prefix}${n}`);

/** The entries of the audit trail about replays. */
async function audited({ api }: Opened): Promise<{ project: string; outcome: string }[]> {
  const trail = await api.ask('GET', '/v1/audit?action=notification.replay', { as: ADMIN });
  const entries = trail.json<{ project_id: string; outcome: string }[]>();
  return entries
    .map(({ project_id, outcome }) => ({ project: project_id, outcome }))
    .sort((a, b) => a.project.localeCompare(b.project));
}

async function pending({ db }: Opened): Promise<string[]> {
  const found = Object.entries(await statuses(db)).filter(([, status]) => status === 'pending');
  return found.map(([id]) => id);
}

function contract(opened: Opened, open: () => Promise<Database>): void {
  const warnings: unknown[] = [];
  /** Runs instead of the next statement that replays a part. */
  let instead: (<T>(statement: () => Promise<T>) => Promise<T>) | undefined;
  beforeAll(async () => {
    opened.db = await open();
  });
  beforeEach(async () => {
    await empty(opened.db);
    warnings.length = 0;
    instead = undefined;
    await restart({ notificationsPerHour: 3 });
  });
  afterEach(() => opened.api.close());
  afterAll(() => opened.db.close());

  async function restart(options: { notificationsPerHour?: number; mostReplayed?: number }): Promise<void> {
    const { db } = opened;
    const hooked = <T>(statement: () => Promise<T>): Promise<T> => {
      const first = instead;
      instead = undefined;
      return first ? first(statement) : statement();
    };
    let transactions = 0;
    const watched: Database = {
      kind: db.kind,
      query(...given) {
        return given[0].includes('replayed_at = $1') ? hooked(() => db.query(...given)) : db.query(...given);
      },
      close: () => db.close(),
      // The embedded database reads each part in a transaction, and replays it in a second one.
      transaction(work) {
        transactions += 1;
        return transactions % 2 === 0 ? hooked(() => db.transaction(work)) : db.transaction(work);
      },
    };
    const log = { ...silentLogger, warn: (...line: unknown[]) => void warnings.push(line) };
    opened.api = await startApi(watched, { ...options, log });
  }

  test('sends as many as the hour of the project allows, then answers 429 until it is over', async () => {
    await dead(opened, ['a', 'b', 'c', 'd'], 'p1');
    await dead(opened, ['x'], 'p2');
    expect((await replay(opened, MEMBER)).json()).toMatchObject({
      replayed: 3,
      removed: 0,
      has_more: true,
      ...AT_NOON,
    });
    await opened.api.clock.advance(600_000);
    for (const refused of [
      await replay(opened, MEMBER),
      await replay(opened, MEMBER, '/d'),
      await replay(opened, ADMIN, '/d'),
    ]) {
      expect([refused.status, refused.fault]).toEqual([429, 'Too many notifications of this project in this hour']);
      expect(refused.headers['retry-after']).toBe('3000');
    }
    const theirs = { replayed: 1, removed: 0, has_more: false, ended_before: '2026-01-01T12:10:00Z' };
    expect((await replay(opened, STRANGER)).json()).toEqual({ ...theirs, notification_ids: ['x'] });
    await opened.api.clock.advance(3_000_000);
    expect((await replay(opened, MEMBER, '/d')).json()).toEqual({ replayed: 1, has_more: false });
  });

  test('logs once that the limit is reached, and /v1/delivery-pauses shows it', async () => {
    await dead(opened, ['a', 'b', 'c', 'd'], 'p1');
    await replay(opened, MEMBER);
    await replay(opened, MEMBER);
    const message = 'a project has reached limits.notifications_per_hour; its repeats wait';
    expect(warnings).toEqual([[message, { projectId: 'p1' }]]);
    const pauses = await opened.api.ask('GET', '/v1/delivery-pauses', { as: MEMBER });
    expect(pauses.json()).toMatchObject([{ project_id: 'p1', until: '2026-01-01T13:00:00Z' }]);
  });

  test('of an admin leaves an entry in the audit trail of each project', async () => {
    await dead(opened, ['a', 'b'], 'p1');
    await dead(opened, ['x'], 'p2');
    const all = (await replay(opened, ADMIN)).json<{ notification_ids: string[] }>();
    expect({ ...all, notification_ids: all.notification_ids.toSorted() }).toEqual({
      replayed: 3,
      notification_ids: ['a', 'b', 'x'],
      removed: 0,
      has_more: false,
      ...AT_NOON,
    });
    expect(await audited(opened)).toMatchObject([{ project: 'p1' }, { project: 'p2' }]);
  });

  test.each([
    ['right', 0],
    ['behind', -5_000],
    ['ahead', 5_000],
  ])(
    'in a loop with ended_before replays each once, though all die again at once; the clock of the notifier is %s',
    async (_, skewMs) => {
      await opened.api.close();
      await restart({ mostReplayed: 1 });
      await dead(opened, ['a', 'b', 'c'], 'p1');
      const replayed: string[][] = [];
      for (let search: string | undefined = ''; search !== undefined && replayed.length < 5;) {
        const answer: Answered = await replay(opened, MEMBER, '', search);
        const { has_more, ended_before } = answer.json<ReplayedBody>();
        replayed.push(await pending(opened));
        const diedAt = new Date(opened.api.clock.now().getTime() + skewMs);
        await opened.db.query(`update notifications set status = 'dead', finished_at = $1 where status = 'pending'`, [
          diedAt,
        ]);
        await opened.api.clock.advance(1_000);
        search = has_more ? `?ended_before=${ended_before}` : undefined;
      }
      expect(replayed).toEqual([['a'], ['b'], ['c']]);
    },
  );

  test.each([
    ['2026-01-01T11:59:59.000002Z', ['early'], '2026-01-01T11:59:59.000002Z'],
    ['2026-01-01T13:59:59.000003%2B02:00', ['early', 'late'], '2026-01-01T11:59:59.000003Z'],
    ['2026-01-01 11:59:59', [], '2026-01-01T11:59:59Z'],
    ['2026-01-02', ['early', 'late'], '2026-01-01T12:00:00Z'],
  ])('with ended_before=%s replays %j, and answers with ended_before %s', async (given, expected, answered) => {
    await dead(opened, ['early', 'late'], 'p1');
    for (const [id, micros] of [
      ['early', 1],
      ['late', 2],
    ])
      await opened.db.query('update notifications set finished_at = $2::timestamptz where id = $1', [
        id,
        `2026-01-01T11:59:59.00000${micros}Z`,
      ]);
    const answer = await replay(opened, MEMBER, '', `?ended_before=${given}`);
    expect(answer.json()).toMatchObject({
      replayed: expected.length,
      removed: 0,
      has_more: false,
      ended_before: answered,
    });
    expect(await pending(opened)).toEqual(expected);
  });

  test.each(['?ended_before=yesterday', '?ended_before=', '?ended_before=2026-01-01&ended_before=2026-01-02'])(
    'with %s is answered 400, and the answer names the parameter',
    async (search) => {
      const refused = await replay(opened, MEMBER, '', search);
      expect([refused.status, refused.fault]).toEqual([400, expect.stringContaining('field/attribute ended_before.')]);
    },
  );

  test('of a notification that another request has just replayed is answered 409 with its present status', async () => {
    await dead(opened, ['a'], 'p1');
    instead = async (statement) => {
      await createNotificationAdminStore(opened.db).replay({ all: true }, { id: 'a' }, NOON);
      return statement();
    };
    const refused = await replay(opened, MEMBER, '/a');
    const fault = 'Notification a is pending: only dead, superseded, cancelled or silenced ones can be replayed';
    expect([refused.status, refused.fault]).toEqual([409, fault]);
  });

  test('that fails in its second part leaves audit entries and warnings about the first part', async () => {
    await dead(opened, ['a'], 'p0');
    await dead(opened, many('b', 249), 'p1');
    await dead(opened, ['c'], 'p2');
    instead = (first) => {
      instead = () => Promise.reject(new Error('the disk is full'));
      return first();
    };
    expect((await replay(opened, ADMIN)).status).toBe(500);
    expect(warnings).toEqual([[expect.any(String), { projectId: 'p1' }]]);
    const outcome = 'failed';
    expect(await audited(opened)).toEqual([
      { project: 'p0', outcome },
      { project: 'p1', outcome },
    ]);
  });

  test('ends after the part in which its client leaves', async () => {
    await opened.api.close();
    await restart({});
    await dead(opened, many('a', 251), 'p1');
    const path = '/v1/notifications/replay';
    const request = httpRequest(opened.api.url + path, { method: 'POST', headers: MEMBER, agent: false });
    request.on('error', () => undefined);
    let response: ServerResponse | undefined;
    const onRequest = (message: unknown): void => {
      const started = message as { request: IncomingMessage; response: ServerResponse };
      if (started.request.method === 'POST') response = started.response; // the request for the audit trail is a GET
    };
    subscribe('http.server.request.start', onRequest);
    instead = async (first) => {
      const done = await first();
      unsubscribe('http.server.request.start', onRequest);
      request.destroy();
      await once(response!, 'close');
      return done;
    };
    request.end();
    await eventually(async () => expect(await audited(opened)).toMatchObject([{ project: 'p1' }]));
    expect(await pending(opened)).toHaveLength(250);
  });
}

/** The embedded database executes one transaction at a time. */
function besideLocks(opened: Opened): void {
  test('of a notification that another transaction is changing is answered 409', async () => {
    await dead(opened, ['a'], 'p1');
    const refused = await opened.db.transaction(async (tx) => {
      await tx.query(`select from notifications where id = 'a' for update`);
      return replay(opened, MEMBER, '/a');
    });
    const fault = 'Notification a is changed by another request at this moment: read it again';
    expect([refused.status, refused.fault]).toEqual([409, fault]);
  });
}
