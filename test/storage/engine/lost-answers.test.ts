import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { startApi, thresholdBody, type TestApi } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';
import { startLossyProxy, type LossyProxy } from '../../support/lost-answers.js';
import { describeWithPostgres, freshPostgresUrl } from '../../support/servers.js';

describeWithPostgres('a connection to PostgreSQL that breaks', () => {
  let direct: Database;
  let proxy: LossyProxy;
  let db: Database;
  let api: TestApi;

  beforeAll(async () => {
    const url = await freshPostgresUrl();
    const options = { maxConnections: 3, statementTimeoutMs: 10_000 };
    direct = await openPostgres({ ...options, url }, silentLogger);
    proxy = await startLossyProxy(url);
    db = await openPostgres({ ...options, url: proxy.url }, silentLogger);
    await direct.query('create table marks (name text primary key)');
    api = await startApi(db);
  });
  afterAll(async () => {
    await api.close();
    await db.close();
    await proxy.close();
    await direct.close();
  });

  const mark = async (name: string): Promise<unknown> =>
    db.transaction((tx) => tx.query('insert into marks values ($1)', [name])).catch((thrown: unknown) => thrown);
  const names = async (): Promise<string[]> =>
    (await direct.query<{ name: string }>('select name from marks')).rows.map(({ name }) => name);

  test('before the answer to a commit: the outcome is unknown, and here the commit was made', async () => {
    proxy.loseAt('commit', 'the answer');
    expect(await mark('first')).toMatchObject({ name: 'DatabaseUnavailable', isOutcomeUnknown: true });
    await eventually(async () => expect(await names()).toContain('first'));
  });

  test('before a commit reaches the server: the outcome is unknown, and here nothing was made', async () => {
    proxy.loseAt('commit', 'the statement');
    expect(await mark('second')).toMatchObject({ name: 'DatabaseUnavailable', isOutcomeUnknown: true });
    await mark('afterwards');
    expect(await names()).not.toContain('second');
  });

  test.each(['the statement', 'the answer'] as const)(
    'at %s of a statement before the commit: nothing was made',
    async (what) => {
      proxy.loseAt(`value of ${what}`, what);
      expect(await mark(`value of ${what}`)).toMatchObject({ name: 'DatabaseUnavailable', isOutcomeUnknown: false });
      await mark(`after ${what}`);
      expect(await names()).not.toContain(`value of ${what}`);
    },
  );

  test('before the answer to a single statement: the outcome of a change is unknown, a read has none', async () => {
    proxy.loseAt('insert into marks', 'the answer');
    const insert = db.query("insert into marks values ('alone')").catch((thrown: unknown) => thrown);
    expect(await insert).toMatchObject({ isOutcomeUnknown: true });
    await eventually(async () => expect(await names()).toContain('alone'));
    proxy.loseAt('select 42', 'the answer');
    const read = db.query('select 42').catch((thrown: unknown) => thrown);
    expect(await read).toMatchObject({ name: 'DatabaseUnavailable', isOutcomeUnknown: false });
  });

  test('while an alarm is created: 503 says that it may have been made, and it was', async () => {
    proxy.loseAt('insert into alarms', 'the answer');
    const lost = await api.ask('POST', '/v2/alarms', { body: thresholdBody({ name: 'lost answer' }) });
    expect([lost.status, lost.fault]).toEqual([503, expect.stringContaining('may or may not have been made')]);
    await eventually(async () => {
      const found = await api.ask('GET', '/v2/alarms?q.field=name&q.value=lost answer'.replaceAll(' ', '%20'));
      expect(found.json<unknown[]>()).toHaveLength(1);
    });
  });

  test('an error that the work of a transaction hides does not make its commit a success', async () => {
    const hidden = db.transaction(async (tx) => {
      await tx.query('insert into marks values ($1)', ['hidden']);
      await tx.query('select nothing').catch(() => undefined);
    });
    await expect(hidden).rejects.toThrow('PostgreSQL rolled the transaction back at its commit');
    expect(await names()).not.toContain('hidden');
  });

  test('a statement that the server refuses leaves its connection open', async () => {
    const pid = async (): Promise<unknown> => (await db.query('select pg_backend_pid() as pid')).rows[0];
    const before = await pid();
    await db.query("select 'x'::integer").catch(() => undefined);
    expect(await pid()).toEqual(before);
  });
});
