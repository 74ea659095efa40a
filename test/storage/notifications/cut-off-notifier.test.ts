import { afterEach, expect, test } from '@jest/globals';

import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { openPostgres } from '../../../src/storage/engine/postgres.js';
import { FROM_THE_START } from '../../../src/storage/notifications/fair-choice.js';
import {
  createNotificationClaimStore,
  type ClaimResult,
} from '../../../src/storage/notifications/notification-claim-store.js';
import { NOON } from '../../support/builders.js';
import { describeWithPostgres, freshPostgresUrl } from '../../support/servers.js';
import { startSilentProxy, type SilentProxy } from '../../support/silent-proxy.js';
import { storeAnsweringHosts, storeNotifications } from '../../support/stored-notifications.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const MANY = 12;

/** The server keeps a transaction much longer than it lets others wait for its locks. */
const SETTINGS = { maxConnections: 1, statementTimeoutMs: 10_000, mostSilenceMs: 120_000 };

async function open(url: string): Promise<Database> {
  return openPostgres({ url, ...SETTINGS }, silentLogger);
}

function claim(db: Database): Promise<ClaimResult> {
  return createNotificationClaimStore(db).claim({
    now: NOON,
    claimUntil: new Date(NOON.getTime() + 80_000),
    limit: MANY / 2,
    perHost: 100,
    perHostAndProject: 100,
    cursor: FROM_THE_START,
  });
}

/** Two notifiers, the first of which reaches PostgreSQL by way of a proxy. */
async function start(): Promise<{ first: Database; second: Database; proxy: SilentProxy }> {
  const url = new URL(await freshPostgresUrl());
  const proxy = await startSilentProxy(Number(url.port));
  undo.push(() => proxy.close());
  const second = await open(url.href);
  undo.push(() => second.close());
  await storeNotifications(
    second,
    Array.from({ length: MANY }, (_, n) => ({ id: `n${n}`, queue: `queue ${n}` })),
  );
  await storeAnsweringHosts(second, 'receiver:80');
  url.port = String(proxy.port);
  const first = await open(url.href);
  return { first, second, proxy };
}

describeWithPostgres('a notifier whose connection is cut without a sign, during a claim', () => {
  test.each([1, 2, 3, 4, 5, 6])('after %i requests delays no claim of another notifier', async (writes) => {
    const { first, second, proxy } = await start();
    proxy.cutAfter(writes);
    const lost = claim(first).then(
      () => 'answered',
      () => 'no answer',
    );
    // The first notifier has sent as many requests as got through, or needed fewer.
    while (!proxy.isCut && (await Promise.race([lost, nextTurn()])) === undefined) await nextTurn();
    // What the first one took at the same moment, the second one may have found, too: it then says that there is more.
    let found = await claim(second);
    while (found.claimed.length === 0 && found.more) found = await claim(second);
    expect(found.claimed.length).toBeGreaterThan(0);
    await proxy.close();
    await lost;
    await first.close().catch(() => undefined);
  });
});

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)));
}
