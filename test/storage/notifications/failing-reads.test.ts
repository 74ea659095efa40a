import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { DatabaseUnavailable } from '../../../src/storage/engine/outage.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import { createNotificationClaimStore } from '../../../src/storage/notifications/notification-claim-store.js';
import { NOON } from '../../support/builders.js';
import { anyDatabase, empty } from '../../support/databases.js';
import { storeNumbered, storeAnsweringHosts } from '../../support/stored-notifications.js';

let db: Database;
beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(async () => {
  await empty(db);
  await storeAnsweringHosts(db, 'receiver:80');
  // Their actions have secret parts, which are read after the claim.
  await storeNumbered(db, 'n', 3, { action: 'sealed:AAAAAAAAAAAAAAAA:http://receiver/hook' });
  await db.query(`update notification_bodies set action_secrets = 'sealed'`);
});
afterAll(() => db.close());

/** The database, whose reads of secret parts fail some times. */
function failing(times: number): Database {
  let left = times;
  return {
    ...db,
    query: (text, parameters, options) => {
      if (!text.includes('action_secrets as sealed') || left === 0) return db.query(text, parameters, options);
      left -= 1;
      return Promise.reject(new DatabaseUnavailable(new Error('Connection terminated unexpectedly')));
    },
  };
}

async function claim(from: Database): Promise<string[]> {
  const { claimed } = await createNotificationClaimStore(from).claim({
    now: NOON,
    claimUntil: new Date(NOON.getTime() + 80_000),
    limit: 10,
    perHost: 10,
    perHostAndProject: 10,
    cursor: FROM_THE_START,
  });
  return claimed.map(({ id, attempt }) => `${id}: ${attempt}`).sort();
}

const stored = async (): Promise<unknown[]> =>
  (await db.query('select distinct status, attempt, claim_until from notifications')).rows;

const FIRST_ATTEMPTS = ['n0: 1', 'n1: 1', 'n2: 1'];

test('a claim whose read fails once reads again', async () => {
  expect(await claim(failing(1))).toEqual(FIRST_ATTEMPTS);
});

test('a claim whose read fails twice gives its notifications back at once', async () => {
  await expect(claim(failing(2))).rejects.toBeInstanceOf(DatabaseUnavailable);
  expect(await stored()).toEqual([{ status: 'pending', attempt: 0, claim_until: null }]);
  expect(await claim(db)).toEqual(FIRST_ATTEMPTS);
});
