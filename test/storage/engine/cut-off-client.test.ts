import { afterEach, expect, test } from '@jest/globals';

import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { eventually } from '../../support/eventually.js';
import { describeWithPostgres, freshPostgresUrl } from '../../support/servers.js';
import { startSilentProxy } from '../../support/silent-proxy.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function open(url: string): Promise<Database> {
  const settings = { maxConnections: 2, statementTimeoutMs: 60_000, mostSilenceMs: 1_000 };
  const db = await openPostgres({ url, ...settings }, silentLogger);
  undo.push(() => db.close().catch(() => undefined));
  return db;
}

describeWithPostgres('a client that is cut off in the middle of a transaction', () => {
  test('loses its locks when the server has not heard of it for the longest silence', async () => {
    const url = new URL(await freshPostgresUrl());
    const proxy = await startSilentProxy(Number(url.port));
    const other = await open(url.href);
    await other.query('create table things (id integer)');
    await other.query('insert into things values (1)');
    url.port = String(proxy.port);
    const cut = await open(url.href);
    let lost: Promise<string> | undefined;
    await new Promise<void>((isCut) => {
      lost = cut
        .transaction(async (tx) => {
          await tx.query('update things set id = 2');
          proxy.cutAfter(0);
          isCut();
          await tx.query('select 1');
        })
        .then(
          () => 'committed',
          () => 'not committed',
        );
    });
    await eventually(() => other.query('select from things for update nowait'));
    await proxy.close();
    expect(await lost).toBe('not committed');
    expect((await other.query('select id from things')).rows).toEqual([{ id: 1 }]);
  });
});
