import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { AlarmEvent } from '../../../src/alarm/types/event/event.js';
import { takeIn, type EventReceipt } from '../../../src/api/alarms/event-intake.js';
import { silentLogger } from '../../../src/logger.js';
import type { Database, Sql } from '../../../src/storage/database.js';
import { DatabaseUnavailable } from '../../../src/storage/engine/outage.js';
import { createEventStore } from '../../../src/storage/evaluation/event-store.js';
import { anEvent, eventRule } from '../../contract/event-store.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { FakeClock } from '../../support/fake-clock.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm } from '../../support/stored-alarms.js';

/** Most notifications of one transaction, unless one event and one alarm have more. */
const MOST = 2_000;
const ALARMS = ['a', 'b', 'c'];

describe('events that take several transactions in PGlite', () => contract(embeddedDatabase));
describeWithPostgres('events that take several transactions in PostgreSQL', () => contract(serverDatabase));

function actions(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `http://127.0.0.1:9/${index}`);
}

/** A database that counts the notifications of each committed transaction, and loses the given transactions. */
function watched(db: Database, isLost: (transaction: number) => boolean = () => false) {
  const committed: number[] = [];
  let transactions = 0;
  const counting = (tx: Sql, onNotifications: (count: number) => void): Sql => ({
    query(text, parameters = [], options) {
      if (text.includes('insert into notifications')) onNotifications((parameters[0] as string[]).length);
      return tx.query(text, parameters, options);
    },
  });
  const wrapped: Database = {
    ...db,
    async transaction(work) {
      let notifications = 0;
      const isToBeLost = isLost((transactions += 1));
      const result = await db.transaction(async (tx) => {
        const done = await work(counting(tx, (count) => (notifications += count)));
        if (isToBeLost) throw new DatabaseUnavailable(new Error('the database has stopped'));
        return done;
      });
      committed.push(notifications);
      return result;
    },
  };
  return { db: wrapped, committed };
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  const clock = new FakeClock();
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  /** The intake of a process that has just started. */
  function post(database: Database, ...events: AlarmEvent[]): Promise<EventReceipt> {
    const store = createEventStore(database, {
      now: () => clock.now(),
      pause: () => Promise.resolve(),
      staleAfterMs: 60_000,
      defaultPolicy: 'current',
    });
    const waker = { wake: () => undefined, close: () => Promise.resolve() };
    return takeIn({ events: store, waker, log: silentLogger, onFired: () => undefined }, [events]);
  }

  /** Three alarms of 900 actions: two of them fit one transaction. */
  async function storeAlarms(given: { repeatActions?: boolean } = {}): Promise<void> {
    for (const id of ALARMS) await storeAlarm(db, { id, rule: eventRule(), alarmActions: actions(900), ...given });
  }

  interface Fired {
    alarm_id: string;
    events: string[];
    notifications: number;
    versions: number[];
  }

  /** For each alarm: its events in the order of their history, and its distinct notifications. */
  async function fired(): Promise<Fired[]> {
    const { rows } = await db.query<Fired>(
      `select h.alarm_id, array_agg(substring(h.detail from '<id=([^,]+),') order by h.state_version) as events,
              array_agg(h.state_version::int order by h.state_version) as versions,
              (select count(distinct (n.sequence, n.action)) from notifications n join notification_bodies b on
                b.id = n.body_id where n.alarm_id = h.alarm_id) as notifications
         from alarm_history h where h.type = 'state transition' group by 1 order by 1`,
    );
    return rows;
  }

  const count = async (table: string): Promise<number> =>
    (await db.query<{ count: number }>(`select count(*) as count from ${table}`)).rows[0]?.count ?? 0;
  const unfinished = async (): Promise<string[]> =>
    (await db.query<{ message_id: string }>('select message_id from events where fired_through is not null')).rows.map(
      ({ message_id }) => message_id,
    );

  /** Expects that these events have fired each alarm once and in this order. */
  async function expectFired(...events: string[]): Promise<void> {
    const versions = events.map((_, index) => index + 1);
    expect(await fired()).toEqual(
      ALARMS.map((alarm_id) => ({ alarm_id, events, versions, notifications: 900 * events.length })),
    );
    expect(await unfinished()).toEqual([]);
    expect(await count('notification_bodies')).toBe(ALARMS.length * events.length);
  }

  test('an event that fires many alarms is stored in pieces of whole alarms', async () => {
    await storeAlarms();
    const { db: counted, committed } = watched(db);
    expect(await post(counted, anEvent('m1'))).toEqual({ received: 1, duplicates: 0, fired: 3, waiting: 0 });
    expect(committed).toEqual([1_800, 900]);
    await expectFired('m1');
    expect(await post(db, anEvent('m1'))).toEqual({ received: 1, duplicates: 1, fired: 0, waiting: 0 });
    await expectFired('m1');
  });

  test('an unfinished event fires the rest as it was stored even if it is sent again with other contents', async () => {
    for (const id of ALARMS)
      await storeAlarm(db, { id, rule: eventRule({ event_type: 'disk.full' }), alarmActions: actions(900) });
    const { db: losing } = watched(db, (transaction) => transaction === 2);
    await expect(post(losing, anEvent('m1'))).rejects.toThrow('the database has stopped');
    expect(await post(db, anEvent('m1', { type: 'other' }))).toEqual({
      received: 1,
      duplicates: 0,
      fired: 1,
      waiting: 0,
    });
    await expectFired('m1');
  });

  test('an alarm with more actions than a transaction holds has one to itself', async () => {
    for (const id of ['a', 'b']) {
      await storeAlarm(db, { id, rule: eventRule(), alarmActions: actions(MOST + 100), repeatActions: true });
    }
    const { db: counted, committed } = watched(db);
    const events = ['m1', 'm2', 'm3'].map((id) => anEvent(id));
    expect(await post(counted, ...events)).toEqual({ received: 3, duplicates: 0, fired: 6, waiting: 0 });
    expect(committed).toEqual(Array.from({ length: 6 }, () => MOST + 100));
    expect(await count('notification_bodies')).toBe(6);
  });

  test('many events that fire many alarms are stored in their order', async () => {
    await storeAlarms({ repeatActions: true });
    const { db: counted, committed } = watched(db);
    expect(await post(counted, anEvent('m2'), anEvent('m1'), anEvent('m2'))).toEqual({
      received: 3,
      duplicates: 1,
      fired: 6,
      waiting: 0,
    });
    expect(Math.max(...committed)).toBe(1_800);
    await expectFired('m2', 'm1');
  });

  test('events that fire alarms without actions share transactions of a limited size', async () => {
    for (let index = 0; index < 30; index += 1) {
      await storeAlarm(db, { id: `a${index}`, rule: eventRule(), alarmActions: [], repeatActions: true });
    }
    const { db: counted, committed } = watched(db);
    const events = Array.from({ length: 200 }, (_, index) => anEvent(`m${index}`));
    expect(await post(counted, ...events)).toEqual({ received: 200, duplicates: 0, fired: 6_000, waiting: 0 });
    expect(committed.length).toBeGreaterThanOrEqual(4);
    expect(committed.length).toBeLessThanOrEqual(6);
  });

  test.each([1, 2, 3, 4])(
    'when transaction %p is lost, the same events sent again continue, and fire no alarm twice',
    async (lost) => {
      await storeAlarms({ repeatActions: true });
      const events = [anEvent('m1'), anEvent('m2')];
      const { db: failing } = watched(db, (transaction) => transaction === lost);
      await expect(post(failing, ...events)).rejects.toThrow(lost > 2 ? 'after 1 event was stored' : 'stopped');
      const before = (await fired()).reduce((sum, one) => sum + one.events.length, 0);
      expect(before).toBe([0, 2, 3, 5][lost - 1]);
      expect(await unfinished()).toEqual([[], ['m1'], [], ['m2']][lost - 1]);
      expect(await post(db, ...events)).toMatchObject({ fired: 6 - before, duplicates: lost > 2 ? 1 : 0 });
      await expectFired('m1', 'm2');
    },
  );

  test('an event whose pieces were lost continues when it is sent again, also after other events', async () => {
    await storeAlarms({ repeatActions: true });
    const { db: failing } = watched(db, (transaction) => transaction === 2);
    await expect(post(failing, anEvent('m1'))).rejects.toThrow('stopped');
    await post(db, anEvent('m2'));
    expect(await unfinished()).toEqual(['m1']);
    expect(await post(db, anEvent('m0', { project: 'q' }), anEvent('m1'), anEvent('m3'))).toEqual({
      received: 3,
      duplicates: 0,
      fired: 4,
      waiting: 0,
    });
    expect((await fired()).map(({ events }) => events)).toEqual([
      ...Array.from({ length: 2 }, () => ['m1', 'm2', 'm3']),
      ['m2', 'm1', 'm3'],
    ]);
  });

  test('concurrent requests with the same events fire each alarm once, and are answered after all pieces', async () => {
    await storeAlarms({ repeatActions: true });
    const events = [anEvent('m1'), anEvent('m2')];
    const receipts = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const receipt = await post(db, ...events);
        await expectFired('m1', 'm2');
        return receipt;
      }),
    );
    expect(receipts.reduce((sum, { fired: firings }) => sum + firings, 0)).toBe(6);
    expect(receipts.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(6);
  });

  test('the statements of others run between the pieces', async () => {
    await storeAlarms();
    const { db: counted, committed } = watched(db);
    const posted = post(counted, anEvent('m1'));
    const seen: number[] = [];
    while (!seen.includes(2)) {
      await db.query('select 1');
      seen.push(committed.length);
    }
    await posted;
    expect(seen).toContain(1);
  });

  test('the pieces of an event are judged at the moment of its receipt', async () => {
    const from = clock.now();
    const start = `${from.getUTCMinutes()} ${from.getUTCHours()} * * * ${from.getUTCSeconds()}`;
    const timeConstraints = [{ name: 'n', description: '', start, duration: 60, timezone: '' }];
    for (const id of ALARMS) {
      await storeAlarm(db, { id, rule: eventRule(), alarmActions: actions(900), timeConstraints });
    }
    const { db: failing } = watched(db, (transaction) => transaction === 2);
    await expect(post(failing, anEvent('m1'))).rejects.toThrow('stopped');
    await clock.advance(120_000);
    expect(await post(db, anEvent('m1'), anEvent('m2'))).toEqual({ received: 2, duplicates: 0, fired: 1, waiting: 0 });
    await expectFired('m1');
  });
}
