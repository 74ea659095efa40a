import { expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import { createRedis } from '../../src/redis.js';
import { migrate } from '../../src/storage/migration/migrate.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { embeddedDatabase } from './databases.js';
import { eventually } from './eventually.js';
import {
  describeWith,
  freshPostgresUrl,
  redisUrl,
  startPrivatePostgres,
  startRedis,
  unmigratedPostgresUrl,
} from './servers.js';

const settings = { maxConnections: 2, statementTimeoutMs: 5_000 };

describeWith(['postgres', 'redis'], 'the servers of a test run', () => {
  test('a fresh database is one alone and is migrated', async () => {
    const [url, other] = await Promise.all([freshPostgresUrl(), freshPostgresUrl()]);
    expect(url).not.toBe(other);
    const db = await openPostgres({ url, ...settings }, silentLogger);
    expect(await migrate(db)).toEqual([]);
    await db.close();
  });

  test('an unmigrated database has no table', async () => {
    const db = await openPostgres({ url: await unmigratedPostgresUrl(), ...settings }, silentLogger);
    const { rows } = await db.query("select tablename from pg_tables where schemaname = 'public'");
    expect(rows).toEqual([]);
    await db.close();
  });

  test('an embedded database of a test is migrated and has no rows', async () => {
    const db = await embeddedDatabase();
    expect(await migrate(db)).toEqual([]);
    expect((await db.query('select id from alarms')).rows).toEqual([]);
    await db.close();
  });

  test('the shared Redis answers and evicts nothing', async () => {
    const client = createRedis(redisUrl(), 'subscriber', silentLogger);
    expect(await client.info('memory')).toContain('maxmemory_policy:noeviction');
    client.disconnect();
  });

  test('a private Redis can be killed and succeeded on the same address', async () => {
    const first = await startRedis();
    const client = createRedis(first.url, 'subscriber', silentLogger);
    await client.set('key', 'value');
    process.kill(first.pid, 'SIGKILL');
    await first.stop();
    const second = await startRedis({ port: first.port, password: new URL(first.url).password });
    expect(await eventually(() => client.get('key'))).toBeNull();
    client.disconnect();
    await second.stop();
  });

  test('a private PostgreSQL serves until it is stopped', async () => {
    const server = await startPrivatePostgres();
    const db = await openPostgres({ url: server.url, ...settings }, silentLogger);
    expect((await db.query<{ one: number }>('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await db.close();
    await server.stop();
    expect(() => process.kill(server.pid, 0)).toThrow();
  });
});
