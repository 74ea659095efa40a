import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { ADMIN, MEMBER, startApi, STRANGER, type Answered, type Caller, type TestApi } from '../support/api.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeNotifications } from '../support/stored-notifications.js';

describe('POST /v1/notifications/replay on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('POST /v1/notifications/replay on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let api: TestApi;
  const warnings: unknown[] = [];
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    warnings.length = 0;
    const log = { ...silentLogger, warn: (...line: unknown[]) => void warnings.push(line) };
    api = await startApi(db, { notificationsPerHour: 3, log });
  });
  afterEach(() => api.close());
  afterAll(() => db.close());

  const dead = (ids: readonly string[], projectId: string): Promise<void> =>
    storeNotifications(
      db,
      ids.map((id) => ({ id, alarmId: id, projectId, status: 'dead', attempt: 11, finishedAt: NOON })),
    );
  const replay = (as: Caller, one = ''): Promise<Answered> => api.ask('POST', `/v1/notifications${one}/replay`, { as });

  test('sends as many as the hour of the project allows, then answers 429 until it is over', async () => {
    await dead(['a', 'b', 'c', 'd'], 'p1');
    await dead(['x'], 'p2');
    expect((await replay(MEMBER)).json()).toEqual({ replayed: 3, has_more: true });
    await api.clock.advance(600_000);
    for (const refused of [await replay(MEMBER), await replay(MEMBER, '/d'), await replay(ADMIN, '/d')]) {
      expect([refused.status, refused.fault]).toEqual([429, 'Too many notifications of this project in this hour']);
      expect(refused.headers['retry-after']).toBe('3000');
    }
    expect((await replay(STRANGER)).json()).toEqual({ replayed: 1, has_more: false });
    await api.clock.advance(3_000_000);
    expect((await replay(MEMBER, '/d')).json()).toEqual({ replayed: 1, has_more: false });
  });

  test('logs once that the limit is reached, and /v1/delivery-pauses shows it', async () => {
    await dead(['a', 'b', 'c', 'd'], 'p1');
    await replay(MEMBER);
    await replay(MEMBER);
    const message = 'a project has reached limits.notifications_per_hour; its repeats wait';
    expect(warnings).toEqual([[message, { projectId: 'p1' }]]);
    const pauses = await api.ask('GET', '/v1/delivery-pauses', { as: MEMBER });
    expect(pauses.json()).toMatchObject([{ project_id: 'p1', until: '2026-01-01T13:00:00Z' }]);
  });

  test('of an admin leaves an entry in the audit trail of each project', async () => {
    await dead(['a', 'b'], 'p1');
    await dead(['x'], 'p2');
    expect((await replay(ADMIN)).json()).toEqual({ replayed: 3, has_more: false });
    const trail = await api.ask('GET', '/v1/audit?action=notification.replay', { as: ADMIN });
    const projects = trail.json<{ project_id: string }[]>().map(({ project_id }) => project_id);
    expect(projects.sort()).toEqual(['p1', 'p2']);
  });
}
