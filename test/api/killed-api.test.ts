import { afterEach, expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { ADMIN, ask, thresholdBody, type Answered } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { startLossyProxy, type LossyProxy } from '../support/lost-answers.js';
import { describeWithPostgres, freshPostgresUrl } from '../support/servers.js';
import { freePort, startService, type ServiceProcess } from '../support/service-process.js';

describeWithPostgres('an API process that is killed while it creates an alarm with an Idempotency-Key', () => {
  const stops: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop();
  });

  async function startApiProcess(databaseUrl: string): Promise<{ api: ServiceProcess; url: string }> {
    const port = await freePort();
    const settings = { ROLES: 'api', API_PORT: String(port), LOG_LEVEL: 'warn', DATABASE_URL: databaseUrl };
    const api = startService(settings);
    stops.push(() => api.kill());
    const url = `http://127.0.0.1:${port}`;
    await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
    return { api, url };
  }

  const create = (url: string): Promise<Answered> =>
    ask('POST', `${url}/v2/alarms`, { as: ADMIN, headers: { 'idempotency-key': 'k1' }, body: thresholdBody() });

  async function begin(): Promise<{ db: Database; proxy: LossyProxy; databaseUrl: string }> {
    const databaseUrl = await freshPostgresUrl();
    const db = await openPostgres({ url: databaseUrl, maxConnections: 2, statementTimeoutMs: 10_000 }, silentLogger);
    stops.push(() => db.close());
    const proxy = await startLossyProxy(databaseUrl);
    stops.push(() => proxy.close());
    return { db, proxy, databaseUrl };
  }
  const alarms = async (db: Database): Promise<unknown> =>
    (await db.query<{ n: number }>('select count(*)::int as n from alarms')).rows[0]?.n;

  test.each([
    { when: 'after the commit and before the answer', text: 'commit', what: 'the answer', made: 1 },
    { when: 'before the commit', text: 'commit', what: 'the statement', made: 0 },
    { when: 'before the alarm is stored', text: 'insert into alarms', what: 'the statement', made: 0 },
  ] as const)('$when: the repeat gets the alarm, and there is one', async ({ text, what, made }) => {
    const { db, proxy, databaseUrl } = await begin();
    const first = await startApiProcess(proxy.url);
    const isHeld = proxy.holdAt(text, what);
    const lost = create(first.url).catch((thrown: unknown) => thrown);
    await isHeld;
    if (made === 1) await eventually(async () => expect(await alarms(db)).toBe(1));
    await first.api.kill();
    expect(await lost).toMatchObject({ code: 'ECONNRESET' });
    expect(await alarms(db)).toBe(made);
    const second = await startApiProcess(databaseUrl);
    const repeat = await eventually(async () => {
      const answer = await create(second.url);
      expect(answer.status).toBe(201);
      return answer;
    });
    expect(repeat.headers['idempotency-replayed']).toBe(made === 1 ? 'true' : undefined);
    const { alarm_id } = repeat.json<{ alarm_id: string }>();
    const { rows } = await db.query<{ id: string }>('select id from alarms');
    expect(rows).toEqual([{ id: alarm_id }]);
  });
});
