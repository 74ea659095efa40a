import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { DatabaseUnavailable } from '../../../src/storage/engine/outage.js';
import {
  createEventStore,
  eventMatching,
  type EventStore,
  type EventStoreOptions,
} from '../../../src/storage/evaluation/event-store.js';
import type { FiredAlarms } from '../../../src/storage/evaluation/event-firing.js';
import { createWaitingFirings, type WaitingFirings } from '../../../src/storage/evaluation/waiting-firings.js';
import { anEvent, eventRule } from '../../contract/event-store.js';
import { empty, serverDatabase } from '../../support/databases.js';
import { FakeClock } from '../../support/fake-clock.js';
import { holdLock, type HeldLock } from '../../support/held-lock.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, storeAlarms, type StoredAlarm } from '../../support/stored-alarms.js';

const IDS = ['a', 'b', 'c', 'd'];
const LOCKED = 'b';
const OTHERS = IDS.filter((id) => id !== LOCKED);

describeWithPostgres('an event that fires several alarms, one of which another transaction has locked', () => {
  let db: Database;
  let store: EventStore;
  let lock: HeldLock;
  const clock = new FakeClock();
  const options: EventStoreOptions = {
    now: () => clock.now(),
    pause: () => Promise.resolve(),
    staleAfterMs: 60_000,
    defaultPolicy: 'current',
  };

  beforeAll(async () => {
    db = await serverDatabase();
    store = createEventStore(db, options);
  });
  beforeEach(() => empty(db));
  afterEach(() => lock.release());
  afterAll(() => db.close());

  async function lockOne(given: Partial<StoredAlarm> = {}): Promise<void> {
    const alarms = IDS.map((id) => ({ id, rule: eventRule(), alarmActions: ['http://127.0.0.1:9/hook'], ...given }));
    await storeAlarms(db, alarms);
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
  }

  /** Fires what waits, as each evaluator does every second. Returns the alarms; ids of events that fail are added. */
  async function fireLocked(
    firings: WaitingFirings = createWaitingFirings(db, eventMatching(options)),
    failed: string[] = [],
  ): Promise<string[]> {
    const all: FiredAlarms[] = [];
    await firings.fire({ onFired: (one) => all.push(one), onFailed: ({ messageId }) => failed.push(messageId) });
    return all.flatMap((one) => one.firings.map(({ alarmId }) => alarmId));
  }

  /** The alarms of all transitions in the history, which have one notification each. */
  async function fired(): Promise<string[]> {
    const { rows } = await db.query<{ id: string; versions: number; notifications: number }>(
      `select h.alarm_id as id, h.state_version as versions,
              (select count(*)::int from notifications n where n.event_id = h.event_id) as notifications
         from alarm_history h where h.type = 'state transition' order by 1, 2`,
    );
    expect(rows.every(({ notifications }) => notifications === 1)).toBe(true);
    return rows.map(({ id }) => id);
  }

  const waiting = async (): Promise<unknown[]> =>
    (await db.query('select locked_alarms as alarms from events where locked_alarms is not null')).rows;

  test('fires the others at once, and this one within the request if its lock is free then', async () => {
    await lockOne();
    const { firings, waiting: events, ...rest } = await store.record([anEvent('m1')]);
    expect(firings.map(({ alarmId }) => alarmId)).toEqual(OTHERS);
    expect(rest).toEqual({ done: 1, stored: 1, notifications: OTHERS.length });
    const awaited = store.fireWhenFree(events);
    await lock.release();
    expect(await awaited).toMatchObject({ firings: [{ alarmId: LOCKED }], notifications: 1, waiting: 0 });
    expect(await fired()).toEqual(IDS);
    expect(await waiting()).toEqual([]);
  });

  test('is answered if the lock stays, and this one is fired when its lock is free, once', async () => {
    await lockOne();
    const { waiting: events } = await store.record([anEvent('m1')]);
    expect(await store.fireWhenFree(events)).toEqual({ firings: [], notifications: 0, waiting: 1 });
    expect(await store.record([anEvent('m1')])).toMatchObject({ stored: 0, firings: [], waiting: [] });
    expect(await fireLocked()).toEqual([]);
    expect(await waiting()).toEqual([{ alarms: [LOCKED] }]);
    await lock.release();
    const both = await Promise.all([fireLocked(), fireLocked()]);
    expect(both.flat()).toEqual([LOCKED]);
    expect(await fired()).toEqual(IDS);
    expect(await waiting()).toEqual([]);
    expect(await fireLocked()).toEqual([]);
  });

  test('fires this one for each of several events if it repeats its actions', async () => {
    await lockOne({ repeatActions: true });
    const { waiting: events } = await store.record([anEvent('m1'), anEvent('m2', { type: 'other' }), anEvent('m3')]);
    expect(await fired()).toEqual(OTHERS.flatMap((id) => [id, id, id]));
    const awaited = store.fireWhenFree(events);
    await lock.release();
    expect(await awaited).toMatchObject({ firings: { length: 3 }, waiting: 0 });
    expect(await fired()).toEqual(IDS.flatMap((id) => [id, id, id]));
    const { rows } = await db.query(`select state, state_version from alarms where id = $1`, [LOCKED]);
    expect(rows).toEqual([{ state: 'alarm', state_version: 3 }]);
  });

  test('fires this one once for an event that was recorded in pieces, if it repeats its actions', async () => {
    await lockOne({ repeatActions: true });
    const { waiting: events } = await store.record([anEvent('m1')]);
    await lock.release();
    expect(await store.fireWhenFree([...events, ...events])).toMatchObject({ firings: { length: 1 }, waiting: 0 });
    expect(await fired()).toEqual(IDS);
  });

  test('fires as many as one transaction may hold, and the rest later', async () => {
    const alarmActions = Array.from({ length: 900 }, (_, index) => `http://127.0.0.1:9/${index}`);
    await storeAlarm(db, { id: LOCKED, rule: eventRule(), alarmActions, repeatActions: true });
    lock = await holdLock(db, 'select from alarms for update');
    const { waiting: events } = await store.record([anEvent('m1'), anEvent('m2')]);
    const { waiting: more } = await store.record([anEvent('m3')]);
    await lock.release();
    const { notifications, waiting: left } = await store.fireWhenFree([...events, ...more]);
    expect({ notifications, left }).toEqual({ notifications: 1_800, left: 1 });
    expect(await fireLocked()).toEqual([LOCKED]);
    const { rows } = await db.query('select state_version from alarms');
    expect(rows).toEqual([{ state_version: 3 }]);
  });

  test('fires this one for other events if one event always fails, and reports that once', async () => {
    await lockOne({ repeatActions: true });
    for (const id of ['m1', 'm2', 'm3']) await store.record([anEvent(id)]);
    await lock.release();
    const body = async (text: string): Promise<unknown> =>
      db.query(`update events set body = $1 where message_id = 'm1'`, [text]);
    await body('{');
    const firings = createWaitingFirings(db, eventMatching(options));
    const failed: string[] = [];
    expect(await fireLocked(firings, failed)).toEqual([LOCKED, LOCKED]);
    expect(await fireLocked(firings, failed)).toEqual([]);
    expect(failed).toEqual(['m1']);
    await body(JSON.stringify(anEvent('m1').raw));
    expect(await fireLocked(firings, failed)).toEqual([LOCKED]);
    expect([await waiting(), failed]).toEqual([[], ['m1']]);
  });

  test('fires this one for other events in the next round if an event breaks the connection', async () => {
    await lockOne({ repeatActions: true });
    for (const id of ['m1', 'm2']) await store.record([anEvent(id)]);
    await lock.release();
    const breaking: Database = {
      ...db,
      transaction: (work) =>
        db.transaction((tx) =>
          work({
            query(text, parameters = [], given) {
              const isBroken = text.includes('for update of e') && (parameters[1] as string[]).includes('m1');
              if (isBroken) throw new DatabaseUnavailable(new Error('Connection terminated unexpectedly'));
              return tx.query(text, parameters, given);
            },
          }),
        ),
    };
    const firings = createWaitingFirings(breaking, eventMatching(options));
    const failed: string[] = [];
    await expect(fireLocked(firings, failed)).rejects.toBeInstanceOf(DatabaseUnavailable);
    const all: string[] = [];
    const onFired = (one: FiredAlarms): void => void all.push(...one.firings.map(({ reason }) => reason.slice(10, 12)));
    const next = firings.fire({ onFired, onFailed: ({ messageId }) => failed.push(messageId) });
    await expect(next).rejects.toBeInstanceOf(DatabaseUnavailable);
    expect([all, failed]).toEqual([['m2'], ['m1']]);
  });

  test.each([
    { when: 'deleted', set: 'deleted_at = now()' },
    { when: 'disabled', set: 'enabled = false' },
    { when: 'edited so that the event does not match', set: `rule = '{"event_type":"no such","query":[]}'` },
  ])('fires this one no more if that transaction has $when it', async ({ set }) => {
    await lockOne();
    await lock.release();
    lock = await holdLock(db, `update alarms set ${set}, definition_version = 2 where id = $1`, [LOCKED]);
    const { waiting: events } = await store.record([anEvent('m1')]);
    const awaited = store.fireWhenFree(events);
    await lock.release();
    expect(await awaited).toEqual({ firings: [], notifications: 0, waiting: 0 });
    expect(await fireLocked()).toEqual([]);
    expect(await fired()).toEqual(OTHERS);
    expect(await waiting()).toEqual([]);
  });
});
