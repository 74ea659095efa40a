import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { endedSessionsChore } from '../../../src/app/ended-sessions.js';
import type { Database } from '../../../src/storage/database.js';
import {
  createSessionStore,
  MAX_SESSIONS_OF_ACCOUNT,
  type SessionStore,
} from '../../../src/storage/secrets/session-store.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';

const START = new Date('2026-01-01T12:00:00Z');
const after = (minutes: number): Date => new Date(START.getTime() + minutes * 60_000);

function suite(openDatabase: () => Promise<Database>): void {
  let db: Database;
  let store: SessionStore;
  beforeAll(async () => {
    db = await openDatabase();
    store = createSessionStore(db);
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  const create = (id: string, account: string, createdAt: Date, endsAt = after(1_000)): Promise<void> =>
    store.create({ id, sealed: `sealed ${id}`, account, createdAt, endsAt });
  async function present(ids: readonly string[]): Promise<string[]> {
    const found = await Promise.all(ids.map((id) => store.find(id)));
    return ids.filter((_, index) => found[index] !== undefined);
  }

  test('a session is found by its id until it is removed', async () => {
    await create('a', 'key k', START);
    expect(await store.find('a')).toEqual({ id: 'a', sealed: 'sealed a', endsAt: after(1_000) });
    expect(await store.find('b')).toBeUndefined();
    await store.remove('a');
    expect(await store.find('a')).toBeUndefined();
  });

  test('one more than the most sessions of an account ends the oldest one of this account', async () => {
    await create('other', 'key other', after(-1));
    const ids = Array.from({ length: MAX_SESSIONS_OF_ACCOUNT + 2 }, (_, index) => `s${index}`);
    for (const [index, id] of ids.entries()) await create(id, 'key k', after(index));
    expect(await present([...ids, 'other'])).toEqual([...ids.slice(2), 'other']);
  });

  test('the chore deletes sessions that have ended, and no others', async () => {
    await create('ended', 'key k', START, after(10));
    await create('ends later', 'key k', START, after(11));
    const chore = endedSessionsChore(db);
    expect(await chore.run(after(9))).toBe(0);
    expect(await chore.run(after(10))).toBe(1);
    expect(await present(['ended', 'ends later'])).toEqual(['ends later']);
  });

  test('at most a batch of ended sessions is deleted at once', async () => {
    for (const id of ['a', 'b', 'c']) await create(id, 'key k', START, after(10));
    expect(await store.pruneEnded(after(10), 2)).toBe(2);
    expect(await store.pruneEnded(after(10), 2)).toBe(1);
  });
}

describe('sessions in PGlite', () => suite(embeddedDatabase));
describeWithPostgres('sessions in PostgreSQL', () => suite(serverDatabase));
