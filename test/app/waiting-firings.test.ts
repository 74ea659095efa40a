import { expect, test } from '@jest/globals';

import { eventOptions, waitingFiringsChore } from '../../src/app/waiting-firings.js';
import { parseConfig } from '../../src/config/parse.js';
import { silentLogger } from '../../src/logger.js';
import { createEventStore } from '../../src/storage/evaluation/event-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { anEvent, eventRule } from '../contract/event-store.js';
import { serverDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { holdLock } from '../support/held-lock.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeAlarm } from '../support/stored-alarms.js';

describeWithPostgres('an event alarm that was locked when its event came', () => {
  test('is fired by the housekeeping of an evaluator, which wakes the notifiers and the stream', async () => {
    const db = await serverDatabase();
    const [clock, config, telemetry] = [new FakeClock(), parseConfig({}), createTelemetry()];
    const wakeUps: (number | 'stream')[] = [];
    const chore = waitingFiringsChore({
      config,
      db,
      clock,
      telemetry,
      log: silentLogger,
      waker: { wake: (notifications) => wakeUps.push(notifications) },
      streamWaker: { wake: () => wakeUps.push('stream') },
    });
    await storeAlarm(db, { id: 'a', rule: eventRule(), alarmActions: ['log://', 'log://again'] });
    const lock = await holdLock(db, `select from alarms where id = 'a' for update`);
    await createEventStore(db, eventOptions({ config, clock })).record([anEvent('m')]);
    expect(await chore.run(clock.now())).toBe(1);
    expect(wakeUps).toEqual([]);
    await lock.release();
    expect(await chore.run(clock.now())).toBe(1);
    expect(wakeUps).toEqual([2, 'stream']);
    expect(await chore.run(clock.now())).toBe(0);
    expect((await telemetry.transitions.get()).values).toMatchObject([{ labels: { state: 'alarm' }, value: 1 }]);
    await db.close();
  });
});
