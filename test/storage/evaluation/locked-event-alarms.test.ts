import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import {
  createEventStore,
  eventMatching,
  type EventStore,
  type EventStoreOptions,
} from '../../../src/storage/evaluation/event-store.js';
import type { FiredAlarms } from '../../../src/storage/evaluation/event-firing.js';
import { createLockedEvents } from '../../../src/storage/evaluation/locked-events.js';
import { anEvent, eventRule } from '../../contract/event-store.js';
import { empty, serverDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { FakeClock } from '../../support/fake-clock.js';
import { holdLock, type HeldLock } from '../../support/held-lock.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarms, type StoredAlarm } from '../../support/stored-alarms.js';

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

  /** Fires what waits, as each evaluator does every second. */
  async function fireLocked(): Promise<string[]> {
    const fired: FiredAlarms[] = [];
    await createLockedEvents(db, eventMatching(options)).fire((one) => fired.push(one));
    return fired.flatMap(({ firings }) => firings.map(({ alarmId }) => alarmId));
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
    const recorded = store.record([anEvent('m1')]);
    await eventually(async () => expect(await fired()).toEqual(OTHERS));
    await lock.release();
    const { firings, ...rest } = await recorded;
    expect(firings.map(({ alarmId }) => alarmId).sort()).toEqual(IDS);
    expect(rest).toEqual({ done: 1, stored: 1, notifications: IDS.length });
    expect(await fired()).toEqual(IDS);
    expect(await waiting()).toEqual([]);
  });

  test('is answered if the lock stays, and this one is fired when its lock is free, once', async () => {
    await lockOne();
    const { firings, ...rest } = await store.record([anEvent('m1')]);
    expect(firings.map(({ alarmId }) => alarmId)).toEqual(OTHERS);
    expect(rest).toEqual({ done: 1, stored: 1, notifications: OTHERS.length });
    expect(await store.record([anEvent('m1')])).toMatchObject({ stored: 0, firings: [] });
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
    const recorded = store.record([anEvent('m1'), anEvent('m2', { type: 'other' }), anEvent('m3')]);
    await eventually(async () => expect(await fired()).toEqual(OTHERS.flatMap((id) => [id, id, id])));
    await lock.release();
    await recorded;
    expect(await fired()).toEqual(IDS.flatMap((id) => [id, id, id]));
    const { rows } = await db.query(`select state, state_version from alarms where id = $1`, [LOCKED]);
    expect(rows).toEqual([{ state: 'alarm', state_version: 3 }]);
  });

  test.each([
    { when: 'deleted', set: 'deleted_at = now()' },
    { when: 'disabled', set: 'enabled = false' },
    { when: 'edited so that the event does not match', set: `rule = '{"event_type":"no such","query":[]}'` },
  ])('fires this one no more if that transaction has $when it', async ({ set }) => {
    await lockOne();
    await lock.release();
    lock = await holdLock(db, `update alarms set ${set}, definition_version = 2 where id = $1`, [LOCKED]);
    const recorded = store.record([anEvent('m1')]);
    await eventually(async () => expect(await fired()).toEqual(OTHERS));
    await lock.release();
    await recorded;
    expect(await fireLocked()).toEqual([]);
    expect(await fired()).toEqual(OTHERS);
    expect(await waiting()).toEqual([]);
  });
});
