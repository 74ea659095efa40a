import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { openKeystone } from '../../src/app/open-keystone.js';
import { openSealer } from '../../src/app/open-sealer.js';
import { openCloudAccess, trustRefusal } from '../../src/app/trusts.js';
import { createSystemClock } from '../../src/clock.js';
import { parseConfig } from '../../src/config/parse.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createTrustStore } from '../../src/storage/secrets/trust-store.js';
import { NOON } from '../support/builders.js';
import { startCloud, type CloudDouble } from '../support/cloud-double.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier } from '../support/notifier-rig.js';
import { startReceiver } from '../support/receiver-server.js';
import { storeAlarm, thresholdRule } from '../support/stored-alarms.js';
import { statuses, storeNotification } from '../support/stored-notifications.js';

const KEY = Buffer.alloc(32, 5).toString('base64');
const USER = { auth_url: 'http://127.0.0.1:5000/v3', username: 'tocsin', password: 'p' };
const POSTGRES = { url: 'postgresql://h/d' };
let db: Database;
let cloud: CloudDouble;

beforeAll(async () => {
  db = await embeddedDatabase();
  cloud = await startCloud();
});
afterAll(async () => {
  await cloud.close();
  await db.close();
});

function withKeystone(input: object) {
  const config = parseConfig(input);
  return { config, keystone: openKeystone(config, { clock: createSystemClock(), log: silentLogger }) };
}

test.each<[object, string | undefined]>([
  [{ secrets: { key: KEY } }, 'trust+ actions need a Keystone token, and keystone.auth_url'],
  [{ keystone: USER, database: POSTGRES }, 'the setting secrets.key'],
  [
    { keystone: { auth_url: USER.auth_url, application_credential_id: 'i', application_credential_secret: 's' } },
    'application credential',
  ],
  [{ keystone: USER, database: POSTGRES, secrets: { key: KEY } }, undefined],
])('with %j what is missing for trust+ actions is: %s', (input, missing) => {
  const refusal = trustRefusal(withKeystone(input));
  expect(refusal === undefined ? undefined : refusal.includes(missing ?? '?')).toBe(
    missing === undefined ? undefined : true,
  );
});

test(
  'the notifier decrypts the trust of an alarm with the ' + 'configured key, for the project of the alarm only',
  async () => {
    await empty(db);
    const hook = await startReceiver();
    const { config, keystone } = withKeystone({
      keystone: { ...USER, auth_url: `${cloud.url}/v3` },
      database: POSTGRES,
      secrets: { key: KEY },
    });
    const trusts = createTrustStore(db, openSealer(config));
    for (const [id, projectId] of [
      ['a', 'p'],
      ['b', 'another'],
    ] as const) {
      await storeAlarm(db, { id, rule: thresholdRule() });
      const { sealed } = trusts.seal({
        id: `row-${id}`,
        alarmId: id,
        projectId,
        trustorId: 'u',
        trustId: `trust-${id}`,
      });
      await db.query('insert into alarm_trusts values ($1, $2, $3, $4, $5, $6)', [
        `row-${id}`,
        id,
        projectId,
        'u',
        sealed,
        NOON,
      ]);
      cloud.trusts.set(`trust-${id}`, {});
      const createdAt = createSystemClock().now();
      await storeNotification(db, { id: `n-${id}`, alarmId: id, action: `trust+${hook.url}/signal`, createdAt });
    }
    const notifier = startNotifier(db, { cloud: openCloudAccess({ config, db, keystone }) });
    await eventually(async () => expect(await statuses(db)).toEqual({ 'n-a': 'delivered', 'n-b': 'dead' }));
    await notifier.stop();
    expect(hook.requests).toMatchObject([{ headers: { 'x-auth-token': 'by-trust-a-1', 'webhook-id': 'msg_n-a' } }]);
    await hook.close();
  },
);
