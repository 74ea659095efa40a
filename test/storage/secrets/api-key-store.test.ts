import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { ROLES } from '../../../src/role.js';
import {
  createApiKeyStore,
  endingApiKeys,
  type ApiKeyStore,
  type NewApiKey,
} from '../../../src/storage/secrets/api-key-store.js';
import type { Database } from '../../../src/storage/database.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

const ALL = { all: true } as const;
const OWN = { projectId: 'p1' };
const EVERYTHING = { roles: ROLES, allProjects: true, limit: 100 };
const MADE = new Date('2026-01-01T12:00:00Z');
const LATER = new Date('2026-01-01T13:00:00Z');

function key(id: string, fields: Partial<NewApiKey> = {}): NewApiKey {
  return {
    id,
    secretHash: 'f'.repeat(64),
    projectId: 'p1',
    userId: 'u1',
    role: 'member',
    allProjects: false,
    description: 'a test',
    createdBy: 'root',
    createdAt: MADE,
    expiresAt: null,
    ...fields,
  };
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let keys: ApiKeyStore;
  beforeAll(async () => {
    db = await open();
    keys = createApiKeyStore(db);
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  const ids = async (...query: Parameters<ApiKeyStore['list']>): Promise<string[]> =>
    (await keys.list(...query)).map(({ id }) => id);

  test('a key is found by its id, as it was stored', async () => {
    await keys.create(key('a', { role: 'admin', allProjects: true, expiresAt: LATER }));
    const made = key('a', { role: 'admin', allProjects: true, expiresAt: LATER });
    expect(await keys.credential('a')).toEqual({ ...made, revokedAt: null, lastUsedAt: null });
    expect(await keys.credential('b')).toBeUndefined();
  });

  test('the keys that end soon are valid ones that were made for longer, the next to end first', async () => {
    const day = (days: number): Date => new Date(MADE.getTime() + days * 86_400_000);
    await keys.create(key('later', { createdAt: day(-30), expiresAt: day(14) }));
    await keys.create(key('next', { createdAt: day(-30), expiresAt: LATER, projectId: 'p2' }));
    await keys.create(key('too late', { createdAt: day(-30), expiresAt: new Date(day(14).getTime() + 1_000) }));
    await keys.create(key('ended', { createdAt: day(-30), expiresAt: MADE }));
    await keys.create(key('revoked', { createdAt: day(-30), expiresAt: LATER }));
    await keys.revoke(ALL, { ...EVERYTHING, id: 'revoked' }, MADE);
    await keys.create(key('short', { createdAt: MADE, expiresAt: day(14) }));
    await keys.create(key('endless'));
    const ending = (limit: number) => endingApiKeys(db, { now: MADE, withinMs: 14 * 86_400_000, limit });
    const next = { id: 'next', projectId: 'p2', expiresAt: LATER };
    const later = { id: 'later', projectId: 'p1', expiresAt: day(14) };
    expect(await ending(10)).toEqual({ keys: [next, later], total: 2 });
    expect(await ending(1)).toEqual({ keys: [next], total: 2 });
    await empty(db);
    expect(await ending(10)).toEqual({ keys: [], total: 0 });
  });

  test('a list has no hashes, starts with the newest key and has pages', async () => {
    for (const [index, id] of ['b', 'a', 'c'].entries()) {
      await keys.create(key(id, { createdAt: new Date(MADE.getTime() + (index === 2 ? 1_000 : 0)) }));
    }
    expect(await ids(ALL, EVERYTHING)).toEqual(['c', 'b', 'a']);
    const [first] = await keys.list(ALL, { ...EVERYTHING, limit: 1 });
    expect(first).not.toHaveProperty('secretHash');
    expect(await ids(ALL, { ...EVERYTHING, after: first, limit: 1 })).toEqual(['b']);
    expect(await ids(ALL, { ...EVERYTHING, id: 'a' })).toEqual(['a']);
  });

  test('a list has only the keys of the scope, roles and kind of the query', async () => {
    await keys.create(key('member'));
    await keys.create(key('admin', { role: 'admin' }));
    await keys.create(key('all', { role: 'admin', allProjects: true }));
    await keys.create(key('foreign', { projectId: 'p2' }));
    const mine = { roles: ['reader', 'member'], allProjects: false } as const;
    expect(await ids(OWN, { ...mine, limit: 100 })).toEqual(['member']);
    expect(await ids(OWN, { roles: ROLES, allProjects: false, limit: 100 })).toEqual(['member', 'admin']);
    expect((await ids(ALL, EVERYTHING)).length).toBe(4);
    expect(await ids(ALL, { ...EVERYTHING, projectId: 'p2' })).toEqual(['foreign']);
    for (const id of ['admin', 'all', 'foreign', 'never'])
      expect(await keys.revoke(OWN, { id, ...mine }, LATER)).toBeUndefined();
    const revoked = await db.query('select id from api_keys where revoked_at is not null');
    expect(revoked.rows).toEqual([]);
  });

  test('a key that is revoked twice keeps the first time', async () => {
    await keys.create(key('a'));
    expect(await keys.revoke(OWN, { id: 'a', ...EVERYTHING }, MADE)).toEqual({ projectId: 'p1' });
    expect(await keys.revoke(OWN, { id: 'a', ...EVERYTHING }, LATER)).toEqual({ projectId: 'p1' });
    expect((await keys.credential('a'))?.revokedAt).toEqual(MADE);
  });

  test('the hour of the last use never moves back', async () => {
    await keys.create(key('a'));
    await keys.recordUse('a', LATER);
    await keys.recordUse('a', MADE);
    expect((await keys.credential('a'))?.lastUsedAt).toEqual(LATER);
  });
}

describe('API keys on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('API keys on PostgreSQL', () => contract(serverDatabase));
