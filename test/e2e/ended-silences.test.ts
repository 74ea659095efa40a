import { afterEach, expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { ask } from '../support/api.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWithPostgres, freshPostgresUrl } from '../support/servers.js';
import { freePort, startService } from '../support/service-process.js';

const started: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop();
});

async function start(settings: Record<string, string>): Promise<{ url: string; db: Database }> {
  const database = await freshPostgresUrl();
  const port = await freePort();
  const service = startService({ DATABASE_URL: database, API_PORT: String(port), ...settings });
  started.push(() => service.kill());
  const url = `http://127.0.0.1:${port}`;
  await eventually(async () => expect((await fetch(`${url}/readyz`)).status).toBe(200));
  const db = await openPostgres({ url: database, maxConnections: 2, statementTimeoutMs: 30_000 }, silentLogger);
  started.push(() => db.close());
  return { url, db };
}

describeWithPostgres('a running service', () => {
  test('deletes a silence with its changes 30 days after its end, and no younger one', async () => {
    const { url, db } = await start({ METERS_PRUNE_EVERY: '1s' });
    const body = {
      matchers: [{ field: 'name', value: '*' }],
      ends_at: '2099-01-01T00:00:00Z',
      reason: 'r',
      owner: 'o',
    };
    const make = async (): Promise<string> =>
      (await ask('POST', `${url}/v1/silences`, { body })).json<{ id: string }>().id;
    const [old, young, active] = [await make(), await make(), await make()];
    for (const [id, days] of [
      [old, 31],
      [young, 29],
    ] as const)
      // prettier-ignore
      await db.query(
        `update silences set ends_at = now() - make_interval(days => $2), over_at = now() - make_interval(days => $2)
          where id = $1`,
        [id, days],
      );
    await eventually(async () => expect((await ask('GET', `${url}/v1/silences/${old}`, {})).status).toBe(404));
    const { rows } = await db.query<{ silence_id: string }>('select silence_id from silence_changes');
    expect(rows.map(({ silence_id }) => silence_id).sort()).toEqual([young, active].sort());
    expect((await ask('GET', `${url}/v1/silences/${young}`, {})).json()).toMatchObject({ status: 'ended' });
    expect((await ask('GET', `${url}/v1/silences/${active}`, {})).json()).toMatchObject({ status: 'active' });
  });

  test('sends what a pause has held once the pause has reached its end, and removes the pause', async () => {
    const receiver = await startReceiver();
    started.push(() => receiver.close());
    const { url, db } = await start({ NOTIFIER_SWEEP_EVERY: '1s' });
    const alarm = {
      name: 'on boot',
      type: 'event',
      event_rule: { event_type: 'boot' },
      alarm_actions: [`${receiver.url}/hook`],
    };
    const event = {
      message_id: 'm',
      event_type: 'boot',
      traits: [['project_id', 1, 'ops']],
      generated: '2026-01-01T12:00:00',
    };
    const pause = `${url}/v1/delivery-pauses/ops`;
    const until = { ends_at: '2099-01-01T00:00:00Z', reason: 'the receiver is being moved' };
    expect((await ask('PUT', pause, { body: until })).status).toBe(204);
    expect((await ask('POST', `${url}/v2/alarms`, { body: alarm })).status).toBe(201);
    expect((await ask('POST', `${url}/v2/events`, { body: [event] })).json()).toMatchObject({ alarms_fired: 1 });
    const states = async (): Promise<unknown[]> => (await db.query('select status, attempt from notifications')).rows;
    expect(await states()).toEqual([{ status: 'pending', attempt: 0 }]);
    const soon = new Date((await db.query<{ at: Date }>("select now() + interval '2 seconds' as at")).rows[0]!.at);
    expect((await ask('PUT', pause, { body: { ...until, ends_at: soon.toISOString() } })).status).toBe(204);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const { rows } = await db.query<{ early: boolean }>('select now() < $1 as early', [soon]);
    expect(rows).toEqual([{ early: false }]);
    await eventually(async () => expect((await ask('GET', `${url}/v1/delivery-pauses`, {})).json()).toEqual([]));
    await eventually(async () => expect(await states()).toEqual([{ status: 'delivered', attempt: 1 }]));
  });
});
