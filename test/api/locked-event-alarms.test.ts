import { afterEach, expect, test } from '@jest/globals';

import { takeIn } from '../../src/api/alarms/event-intake.js';
import { createSystemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { createEventStore } from '../../src/storage/evaluation/event-store.js';
import { anEvent, eventRule } from '../contract/event-store.js';
import { eventually } from '../support/eventually.js';
import { holdLock } from '../support/held-lock.js';
import { startNotifier } from '../support/notifier-rig.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWithPostgres, freshPostgresUrl } from '../support/servers.js';
import { storeAlarms } from '../support/stored-alarms.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const MANY = 100;
const TYPES = Array.from({ length: MANY }, (_, index) => `type ${index}`);

describeWithPostgres('a hundred events of one request, one of which hits an alarm that is locked', () => {
  test('call the receivers of the other alarms while the lock is held, and that one when it is free', async () => {
    // A request waits for the lock much longer than the test takes.
    const url = `${await freshPostgresUrl()}?options=-c%20lock_timeout=0`;
    const db = await openPostgres({ url, maxConnections: 10, statementTimeoutMs: 600_000 }, silentLogger);
    undo.push(() => db.close());
    const receiver = await startReceiver();
    undo.push(() => receiver.close());
    const notifier = startNotifier(db, { rules: { perHostAndProject: 20 } });
    undo.push(() => notifier.stop());
    await storeAlarms(
      db,
      TYPES.map((type) => ({
        id: type,
        rule: eventRule({ event_type: type }),
        alarmActions: [`${receiver.url}/${type.replace(' ', '-')}`],
      })),
    );
    const lock = await holdLock(db, `select from alarms where id = 'type 7' for update`);
    undo.push(() => lock.release());
    const clock = createSystemClock();
    const events = createEventStore(db, {
      now: () => clock.now(),
      pause: () => clock.sleep(0),
      staleAfterMs: 60_000,
      defaultPolicy: 'current',
    });
    const all = TYPES.map((type, index) => anEvent(`m${index}`, { type }));
    const deps = { events, waker: notifier.waker, log: silentLogger, onFired: () => undefined };
    const taken = takeIn(deps, [all.slice(0, MANY / 2), all.slice(MANY / 2)]);
    await eventually(() => expect(receiver.requests).toHaveLength(MANY - 1));
    expect(receiver.requests.map(({ target }) => target)).not.toContain('/type-7');
    await lock.release();
    expect(await taken).toEqual({ received: MANY, duplicates: 0, fired: MANY, waiting: 0 });
    await eventually(() => expect(receiver.requests.map(({ target }) => target)).toContain('/type-7'));
  });
});
