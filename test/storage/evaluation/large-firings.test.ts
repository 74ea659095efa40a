import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database, Sql } from '../../../src/storage/database.js';
import { createEventStore } from '../../../src/storage/evaluation/event-store.js';
import { BODY } from '../../../src/storage/notifications/notification-body.js';
import { anEvent, eventRule } from '../../contract/event-store.js';
import { embeddedDatabase, empty } from '../../support/databases.js';
import { FakeClock } from '../../support/fake-clock.js';
import { storeAlarm } from '../../support/stored-alarms.js';

const MIB = 1024 * 1024;
let db: Database;

beforeAll(async () => {
  db = await embeddedDatabase();
});
beforeEach(() => empty(db));
afterAll(() => db.close());

const clock = new FakeClock();
function storeOn(database: Database, pause: () => void = () => {}) {
  const pauses = (): Promise<void> => Promise.resolve(pause());
  return createEventStore(database, {
    now: () => clock.now(),
    pause: pauses,
    staleAfterMs: 60_000,
    defaultPolicy: 'current',
  });
}

/** The database, and the most characters of a list of texts in the parameters of a statement. */
function measured(): { db: Database; largest: () => number } {
  let largest = 0;
  const watch = (tx: Sql): Sql => ({
    query(text, parameters = [], options) {
      for (const list of parameters.filter((parameter) => Array.isArray(parameter))) {
        const characters = (list as unknown[]).reduce<number>((sum, one) => sum + String(one).length, 0);
        largest = Math.max(largest, characters);
      }
      return tx.query(text, parameters, options);
    },
  });
  return {
    db: { ...db, ...watch(db), transaction: (work) => db.transaction((tx) => work(watch(tx))) },
    largest: () => largest,
  };
}

test('the notifications of a large event with many actions are all written, in small portions', async () => {
  const alarmActions = Array.from({ length: 150 }, (_, index) => `http://127.0.0.1:9/${index}`);
  for (const id of ['a', 'b', 'c']) await storeAlarm(db, { id, rule: eventRule(), alarmActions });
  const event = anEvent('m');
  const watched = measured();
  const recorded = await storeOn(watched.db).record([{ ...event, raw: { ...event.raw, blob: 'x'.repeat(60_000) } }]);
  expect(recorded).toMatchObject({ stored: 1, notifications: 450 });
  const { rows } = await db.query<{ alarm_id: string; kept: number }>(
    `select alarm_id, count(distinct (action_index, action)) as kept from notifications n where length(${BODY}) > 60000
     group by alarm_id order by alarm_id`,
  );
  expect(rows).toEqual(['a', 'b', 'c'].map((alarm_id) => ({ alarm_id, kept: 150 })));
  expect(watched.largest()).toBeLessThanOrEqual(8 * MIB);
});

test('slow patterns yield to the event loop after each other', async () => {
  for (const id of ['a', 'b', 'c']) {
    await storeAlarm(db, { id, rule: eventRule({ event_type: `*${'a'.repeat(120)}b${id}` }), alarmActions: [] });
  }
  const events = Array.from({ length: 500 }, (_, index) =>
    anEvent(`m${index}`, { type: `${'a'.repeat(250)}${index}` }),
  );
  let pauses = 0;
  expect(await storeOn(db, () => (pauses += 1)).record(events)).toMatchObject({ stored: 500, firings: [] });
  expect(pauses).toBe(3);
});
