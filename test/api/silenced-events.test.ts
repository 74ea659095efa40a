import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { eventually } from '../support/eventually.js';
import { startNotifier } from '../support/notifier-rig.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { describeWithPostgres } from '../support/servers.js';

const ALARM = { name: 'vm failed', type: 'event', event_rule: { event_type: 'compute.*' }, repeat_actions: true };
const SILENCE = {
  matchers: [{ field: 'type', value: 'event' }],
  ends_at: '2099-01-01T00:00:00Z',
  reason: 'rack move',
  owner: 'operators',
};

describe('event alarms under a silence on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('event alarms under a silence on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let api: TestApi;
  let evaluator: EvaluatorRig;
  let receiver: Receiver;
  let silence: string;

  beforeAll(async () => {
    db = await open();
    api = await startApi(db);
    receiver = await startReceiver();
  });
  beforeEach(async () => {
    await empty(db);
    evaluator = await startEvaluator(db);
    await api.create({ ...ALARM, alarm_actions: [`${receiver.url}/hook`] }, MEMBER);
    silence = (await api.ask('POST', '/v1/silences', { as: MEMBER, body: SILENCE })).json<{ id: string }>().id;
  });
  afterEach(() => evaluator.stop());
  afterAll(async () => {
    await api.close();
    await receiver.close();
    await db.close();
  });

  async function emit(id: string): Promise<void> {
    const body = {
      message_id: id,
      event_type: 'compute.failed',
      generated: '2026-01-01T12:00:00',
      traits: [['project_id', 1, 'p1']],
    };
    expect((await api.ask('POST', '/v2/events', { as: MEMBER, body: [body] })).json()).toMatchObject({
      alarms_fired: 1,
    });
  }

  interface Shown {
    notification_id: string;
    status: string;
    silence_id: string | null;
  }

  async function notifications(): Promise<Shown[]> {
    return (await api.ask('GET', '/v1/notifications', { as: MEMBER })).json<Shown[]>();
  }

  const end = (): Promise<unknown> => api.ask('DELETE', `/v1/silences/${silence}`, { as: MEMBER });

  test('write a notification for each event, which stays silenced after the end', async () => {
    for (const id of ['first', 'second']) await emit(id);
    const held = { status: 'silenced', silence_id: silence };
    expect(await notifications()).toMatchObject([held, held]);
    await end();
    await evaluator.interval();
    await evaluator.interval();
    expect(await notifications()).toMatchObject([held, held]);
  });

  test('send an event after the end as always, and none of those that were held', async () => {
    await emit('held');
    await end();
    await emit('after');
    await evaluator.interval();
    expect((await notifications()).map(({ status }) => status).sort()).toEqual(['pending', 'silenced']);
  });

  test('have silenced notifications that can be replayed, one or all, also under the silence', async () => {
    for (const id of ['first', 'second', 'third']) await emit(id);
    await api.clock.advance(1_000);
    const [{ notification_id: one } = { notification_id: '' }] = await notifications();
    expect((await api.ask('POST', `/v1/notifications/${one}/replay`, { as: MEMBER })).status).toBe(202);
    const all = await api.ask('POST', '/v1/notifications/replay?status=silenced', { as: MEMBER });
    expect(all.json()).toMatchObject({ replayed: 2, has_more: false });
    const ids = (await notifications()).map(({ notification_id }) => notification_id).sort();
    const notifier = startNotifier(db, { clock: api.clock });
    notifier.waker.wake(ids.length);
    await eventually(() => expect(receiver.requests).toHaveLength(3)).finally(() => notifier.stop());
    expect(receiver.requests.map(({ headers }) => String(headers['webhook-id']).replace('msg_', '')).sort()).toEqual(
      ids,
    );
    expect((await notifications()).map(({ status }) => status)).toEqual(['delivered', 'delivered', 'delivered']);
  });
}
