import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import pg from 'pg';

import { findPostgres } from '../../../dev/servers/postgres.js';
import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { migrate } from '../../../src/storage/migration/migrate.js';
import { createStreamStore } from '../../../src/storage/stream/stream-store.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../../support/api.js';
import { openEventStream, type EventStream } from '../../support/event-stream.js';
import { eventually } from '../../support/eventually.js';
import { describeWithPostgres, freshPostgresUrl, unmigratedPostgresUrl } from '../../support/servers.js';

const SETTINGS = { maxConnections: 5, statementTimeoutMs: 10_000 };
const open = (url: string): Promise<Database> => openPostgres({ url, ...SETTINGS }, silentLogger);

/** Runs a program of PostgreSQL, and returns what it writes. */
function run(program: string, parameters: readonly string[], input?: Buffer): Buffer {
  const folder = findPostgres() ?? '';
  return execFileSync(path.join(folder, program), parameters, { input, maxBuffer: 2 ** 28 });
}

async function emptied(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('drop schema public cascade');
  await client.query('create schema public');
  await client.end();
  return url;
}

describeWithPostgres('the stream after the data was restored by pg_restore', () => {
  let url: string;
  let db: Database;
  let api: TestApi;
  const streams: EventStream[] = [];
  beforeEach(async () => {
    url = await freshPostgresUrl();
    db = await open(url);
    api = await startApi(db);
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.close();
    await api.close();
    await db.close();
  });

  async function opened(id?: string): Promise<EventStream> {
    const stream = await openEventStream(`${api.url}/v1/stream`, {
      ...MEMBER,
      ...(id === undefined ? {} : { 'last-event-id': id }),
    });
    streams.push(stream);
    await eventually(() => expect(stream.lastId()).not.toBe(''));
    return stream;
  }
  const has = (stream: EventStream, expected: string[]): Promise<void> =>
    eventually(async () => {
      api.streams.wake();
      await api.clock.advance(100);
      expect(stream.events.map(({ event }) => event)).toEqual(expected);
    });

  test.each([
    ['into another database', () => unmigratedPostgresUrl()],
    ['into the same database, which was emptied', () => emptied(url)],
  ])('%s has a new epoch: a client reads its lists again, and misses nothing after that', async (_, target) => {
    const before = await opened();
    await api.create(thresholdBody(), MEMBER);
    await has(before, ['definition']);
    await api.close();
    await db.close();
    const dump = run('pg_dump', ['--format=custom', `--dbname=${url}`]);
    const restored = await target();
    run('pg_restore', ['--exit-on-error', '--no-owner', `--dbname=${restored}`], dump);
    db = await open(restored);
    api = await startApi(db);
    const after = await opened(before.lastId());
    await has(after, ['reset']);
    expect(after.lastId().split('-')[0]).not.toBe(before.lastId().split('-')[0]);
    await api.create(thresholdBody({ name: 'later' }), MEMBER);
    await has(after, ['reset', 'definition']);
    const again = await opened(after.events[0]?.id);
    await has(again, ['definition']);
  });
});

describeWithPostgres('the stream of a role that is no superuser', () => {
  test('has an epoch that stays as long as the data is not restored', async () => {
    const owner = new URL(await unmigratedPostgresUrl());
    const admin = new pg.Client({ connectionString: owner.href });
    await admin.connect();
    const role = owner.pathname.slice(1);
    await admin.query(`create role ${role} nosuperuser login password 'service'`);
    await admin.query(`alter database ${role} owner to ${role}`);
    await admin.end();
    Object.assign(owner, { username: role, password: 'service' });
    const db = await open(owner.href);
    await migrate(db);
    const { rows } = await db.query('select rolsuper from pg_roles where rolname = current_user');
    expect(rows).toEqual([{ rolsuper: false }]);
    const store = createStreamStore(db);
    const { epoch } = await store.head();
    expect(epoch).toMatch(/^[0-9a-f]{10}$/);
    await db.close();
    const again = await open(owner.href);
    expect((await createStreamStore(again).head()).epoch).toBe(epoch);
    await again.close();
  });
});
