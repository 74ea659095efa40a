import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { storedRule } from '../../src/alarm/types/index.js';
import type { LogFields } from '../../src/logger.js';
import { silentLogger } from '../../src/logger.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';
import { createAlarmStore } from '../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../src/storage/database.js';
import { OUTCOME_COLUMNS, writeOutcomeRows, type OutcomeAlarm } from '../../src/storage/evaluation/outcome-rows.js';
import { createSealer } from '../../src/storage/secrets/sealed.js';
import { createSystemClock } from '../../src/clock.js';
import { anEntry } from '../contract/alarm-store.js';
import { anAlarm } from '../support/builders.js';
import { anyDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier, type NotifierRig } from '../support/notifier-rig.js';
import { startReceiver, type Receiver } from '../support/receiver-server.js';
import { TEST_SEALER } from '../support/sealer.js';
import { statuses } from '../support/stored-notifications.js';

let db: Database;
let receiver: Receiver;
let rig: NotifierRig | undefined;

beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(async () => {
  await empty(db);
  receiver = await startReceiver();
  await fire(`${receiver.url.replace('//', '//user:p%40ss@')}/hook?a=%2f&sig=x#part`);
});
afterEach(async () => {
  await rig?.stop();
  await receiver.close();
});
afterAll(() => db.close());

/** Stores an alarm with this action, and a transition to `alarm`. */
async function fire(action: string): Promise<void> {
  const alarm = anAlarm({ alarmActions: [action] });
  const stored = { ...alarm, ...storedRule(alarm.rule) };
  const alarms = createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS });
  await alarms.create({ alarm: stored, memberProject: null, entry: anEntry() });
  const { rows } = await db.query<OutcomeAlarm>(`select ${OUTCOME_COLUMNS} from alarms a`);
  const at = createSystemClock().now();
  const outcome = { kind: 'transition', from: 'ok', to: 'alarm', reason: 'because', reasonData: {} } as const;
  const changed = rows.map((row) => ({ outcome, row }));
  await db.transaction((tx) =>
    writeOutcomeRows(tx, { changed, repeated: [], at, staleBefore: at, defaultPolicy: 'every' }),
  );
}

describe('a sealed action', () => {
  test('is called byte for byte as its owner wrote it', async () => {
    rig = startNotifier(db);
    await eventually(() => expect(receiver.requests).toHaveLength(1));
    const [request] = receiver.requests;
    expect(request?.target).toBe('/hook?a=%2f&sig=x');
    expect(request?.headers.authorization).toBe(`Basic ${Buffer.from('user:p@ss').toString('base64')}`);
  });

  test('is tried again while its key is missing, and the log names the setting', async () => {
    const logged: LogFields[] = [];
    const log = {
      ...silentLogger,
      error: (message: string, fields?: LogFields) => void logged.push({ message, ...fields }),
    };
    const otherKey = createSealer({ current: Buffer.alloc(32, 9), previous: [] });
    rig = startNotifier(db, { sealer: otherKey, log, rules: { retrySchedule: [0, 50, 3_600_000] } });
    await eventually(async () => expect((await attempts()).map(({ error }) => error)).toEqual(['no_key', 'no_key']));
    expect(Object.values(await statuses(db))).toEqual(['pending']);
    expect(logged[0]).toMatchObject({
      message: 'could not read the secret parts of an action; the attempt will be repeated',
      err: { message: expect.stringContaining('neither secrets.key nor secrets.previous_key') },
    });
    await rig.stop();
    await db.query("update notifications set next_attempt_at = 'epoch'");
    rig = startNotifier(db);
    await eventually(async () => expect(Object.values(await statuses(db))).toEqual(['delivered']));
    expect(receiver.requests).toHaveLength(1);
  });
});

async function attempts(): Promise<{ error: string | null }[]> {
  return (await db.query<{ error: string | null }>('select error from attempts order by attempt')).rows;
}
