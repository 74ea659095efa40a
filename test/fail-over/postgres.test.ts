import { afterEach, expect, test } from '@jest/globals';
import { chmodSync } from 'node:fs';

import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { eventually } from '../support/eventually.js';
import { startReplicatedPostgres, type ReplicatedPostgres } from '../support/postgres-standby.js';
import { inTemporaryFolder } from '../support/running-servers.js';
import { describeWithPostgres } from '../support/servers.js';
import { freePort, startService } from '../support/service-process.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function open(url: string): Promise<Database> {
  return openPostgres({ url, maxConnections: 4, statementTimeoutMs: 10_000 }, silentLogger);
}

async function ask(url: string, statement: string): Promise<unknown> {
  const db = await open(url);
  return db.query(statement).finally(() => db.close());
}

async function start(): Promise<ReplicatedPostgres> {
  const started = await inTemporaryFolder(async (dir) => {
    chmodSync(dir, 0o755); // the servers run as another account
    const both = await startReplicatedPostgres(dir, ask);
    const stop = async (): Promise<void> => {
      await both.standby.stop();
      await both.primary.stop();
    };
    return { ...both, stop };
  });
  undo.push(() => started.stop());
  return started;
}

/** Kills the primary in the middle of what it does, and promotes its standby. */
async function failOver({ primary, standby }: ReplicatedPostgres): Promise<void> {
  process.kill(primary.pid, 'SIGKILL');
  await ask(standby.url, 'select pg_promote()');
}

describeWithPostgres('a fail-over of PostgreSQL with two hosts in database.url', () => {
  test('uses the host that is no standby, and loses no acknowledged change', async () => {
    const servers = await start();
    const db = await open(servers.url);
    undo.push(() => db.close());
    await db.query('create table changes (n integer)');
    const acknowledged: number[] = [];
    let refused = 0;
    const over = new AbortController();
    const writer = (async () => {
      for (let n = 0; !over.signal.aborted; n += 1) {
        await db.query('insert into changes values ($1)', [n]).then(
          () => acknowledged.push(n),
          () => (refused += 1),
        );
      }
    })();
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(50));
    await failOver(servers);
    await eventually(() => expect(refused).toBeGreaterThan(0));
    const before = acknowledged.length;
    await eventually(() => expect(acknowledged.length).toBeGreaterThan(before + 50));
    over.abort();
    await writer;
    const { rows } = await db.query<{ n: number }>('select n from changes');
    expect(rows.map(({ n }) => n)).toEqual(expect.arrayContaining(acknowledged));
  });

  test('does not connect while all hosts are standbys', async () => {
    const servers = await start();
    process.kill(servers.primary.pid, 'SIGKILL');
    await expect(open(servers.url)).rejects.toThrow('database.url: cannot connect to PostgreSQL');
  });

  test('goes on in a service that runs, which keeps each alarm that it has acknowledged', async () => {
    const servers = await start();
    const port = await freePort();
    const service = startService({ DATABASE_URL: servers.url, API_PORT: String(port), LOG_LEVEL: 'info' });
    undo.push(() => service.kill());
    const url = `http://127.0.0.1:${port}`;
    const answers = async (): Promise<void> => expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await eventually(answers);
    const names: string[] = [];
    const create = async (name: string): Promise<void> => {
      const alarm = { name, type: 'threshold', threshold_rule: { meter_name: 'm', threshold: 1 } };
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${url}/v2/alarms`, { method: 'POST', headers, body: JSON.stringify(alarm) });
      if (answer.status === 201) names.push(name);
      else expect([name, answer.status, await answer.text()]).toEqual([name, 503, expect.any(String)]);
    };
    const over = new AbortController();
    const client = (async () => {
      for (let n = 0; !over.signal.aborted; n += 1) await create(`alarm ${n}`);
    })();
    await eventually(() => expect(names.length).toBeGreaterThan(20));
    await failOver(servers);
    const before = names.length;
    await eventually(() => expect(names.length).toBeGreaterThan(before + 20));
    over.abort();
    await client;
    expect(service.log()).toContain('another host of database.url is the primary now');
    const { rows } = await (await opened(servers.url)).query<{ name: string }>('select name from alarms');
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(names));
    await eventually(answers);
  });
});

async function opened(url: string): Promise<Database> {
  const db = await open(url);
  undo.push(() => db.close());
  return db;
}
