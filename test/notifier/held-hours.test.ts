import { afterEach, expect, test } from '@jest/globals';

import { createSystemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { eventually } from '../support/eventually.js';
import { holdLock } from '../support/held-lock.js';
import { startNotifier } from '../support/notifier-rig.js';
import { startReceiver } from '../support/receiver-server.js';
import { describeWithPostgres, freshPostgresUrl } from '../support/servers.js';
import { storeNumbered } from '../support/stored-notifications.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

/** A database that lets its clients wait for locks much longer than the test takes. */
async function openPatiently(): Promise<Database> {
  const url = `${await freshPostgresUrl()}?options=-c%20lock_timeout=0`;
  const db = await openPostgres({ url, maxConnections: 10, statementTimeoutMs: 600_000 }, silentLogger);
  undo.push(() => db.close());
  return db;
}

const BEGIN = `insert into notification_hours values ('p', now(), 1, null)`;
const LOCKS = [
  { lock: 'locks the hour', before: BEGIN, held: `select from notification_hours for update` },
  { lock: 'has begun the hour, and not committed it', before: 'select', held: BEGIN },
];

describeWithPostgres('the deliveries of a project', () => {
  test.each(LOCKS)(
    'go out while another transaction $lock, and are counted before the notifier has stopped',
    async ({ before, held }) => {
      const db = await openPatiently();
      await db.query(before);
      const receiver = await startReceiver();
      undo.push(() => receiver.close());
      const lock = await holdLock(db, held);
      undo.push(() => lock.release());
      const { host } = new URL(receiver.url);
      await storeNumbered(db, 'n', 3, { action: receiver.url, host, createdAt: createSystemClock().now() });
      const notifier = startNotifier(db, { rules: { perProjectAndHour: 100, perHostAndProject: 1 } });
      await eventually(() => expect(receiver.requests).toHaveLength(3));
      const stopped = notifier.stop();
      await lock.release();
      await stopped;
      expect((await db.query('select project_id, sent from notification_hours')).rows).toEqual([
        { project_id: 'p', sent: 4 },
      ]);
    },
  );
});
