import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { silentLogger } from '../../src/logger.js';
import { DeliveryPump } from '../../src/notifier/delivery-pump.js';
import type { Receivers } from '../../src/notifier/receivers/registry.js';
import type { Database } from '../../src/storage/database.js';
import { createActionOpener } from '../../src/storage/notifications/claimed-notification.js';
import { createNotificationClaimStore } from '../../src/storage/notifications/notification-claim-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { NOON } from '../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { TEST_SEALER } from '../support/sealer.js';
import { describeWithPostgres } from '../support/servers.js';
import { storeAnsweringHosts, storeNotifications } from '../support/stored-notifications.js';

describe('attempts that wait for their receivers, on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('attempts that wait for their receivers, on PostgreSQL', () => contract(serverDatabase));

const CONCURRENCY = 10;
const SILENT = 'silent';

/** Receivers of which those at silent hosts do not answer until the test lets them. */
function someSilent(): Receivers & { silent: string[]; answered: string[]; answerAll: () => void } {
  const waiting: (() => void)[] = [];
  const silent: string[] = [];
  const answered: string[] = [];
  return {
    silent,
    answered,
    answerAll: () => waiting.splice(0).forEach((answer) => answer()),
    async deliver({ action }) {
      if (!action.includes(SILENT)) answered.push(action);
      else {
        silent.push(action);
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      return { receiver: 'test', outcome: { kind: 'delivered' } };
    },
    close: async () => undefined,
  };
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  async function run(
    work: (clock: FakeClock, receivers: ReturnType<typeof someSilent>, pump: DeliveryPump) => Promise<void>,
  ): Promise<void> {
    const clock = new FakeClock(NOON);
    const receivers = someSilent();
    const pump = new DeliveryPump({
      store: createNotificationClaimStore(db),
      openAction: createActionOpener(TEST_SEALER),
      receivers,
      clock,
      log: silentLogger,
      telemetry: createTelemetry(),
      random: () => 0.5,
      rules: {
        policy: 'current',
        concurrency: CONCURRENCY,
        attemptTimeoutMs: 65_000,
        claimMs: 80_000,
        sweepEveryMs: 5_000,
        retrySchedule: [0],
        rejectedSchedule: [],
        maxAgeMs: 86_400_000,
        perHost: 32,
        perHostAndProject: 4,
        perProjectAndHour: 0,
      },
    });
    const stop = new AbortController();
    const running = pump.run(stop.signal);
    try {
      await work(clock, receivers, pump);
    } finally {
      stop.abort();
      receivers.answerAll();
      await running;
    }
  }

  /** Due notifications of two projects in turn to hosts that have answered before, one to each of their paths. */
  async function store(...hosts: { name: string; count: number }[]): Promise<void> {
    const each = hosts.flatMap(({ name, count }) =>
      Array.from({ length: count }, (_, n) => ({ host: `${name}:80`, n })),
    );
    await storeAnsweringHosts(db, ...new Set(each.map(({ host }) => host)));
    await storeNotifications(
      db,
      each.map(({ host, n }, index) => ({
        id: `${host} ${n}`,
        alarmId: `${host} ${n}`,
        projectId: `p${index % 2}`,
        host,
        action: `http://${host}/`,
      })),
    );
  }

  const hostsNamed = (name: string, number: number): { name: string; count: number }[] =>
    Array.from({ length: number }, (_, n) => ({ name: `${name}${n}`, count: 1 }));

  test('hosts that begin to hang and take all permits do not delay the others for longer than a second', async () => {
    await store(...hostsNamed(SILENT, 12), ...hostsNamed('zealous', 20));
    await run(async (clock, { silent, answered }) => {
      await eventually(() => expect(silent).toHaveLength(CONCURRENCY));
      expect(answered).toEqual([]);
      await clock.advance(1_000);
      await eventually(() => expect(answered).toHaveLength(20));
    });
  });

  test('while half of the permits wait, a project gets no more for a host at which it waits; others do', async () => {
    await store({ name: SILENT, count: 6 });
    await run(async (clock, { silent, answered, answerAll }, pump) => {
      await eventually(() => expect(silent).toHaveLength(6)); // 3 for each project, of at most 4
      await clock.advance(1_000);
      await storeMore('p0', `${SILENT}:80`, 'zealous:80');
      await pump.wakeAndWait();
      await eventually(() => expect(answered).toHaveLength(1));
      expect(silent).toHaveLength(6);
      await storeMore('p2', `${SILENT}:80`);
      await pump.wakeAndWait();
      await eventually(() => expect(silent).toHaveLength(7));
      answerAll();
      await eventually(() => expect(silent).toHaveLength(8));
    });
  });

  async function storeMore(projectId: string, ...hosts: string[]): Promise<void> {
    await storeAnsweringHosts(db, ...hosts);
    await storeNotifications(
      db,
      hosts.map((host) => ({
        id: `${projectId} ${host}`,
        alarmId: `${projectId} ${host}`,
        projectId,
        host,
        action: `http://${host}/`,
      })),
    );
  }

  test('one project has at most half of the room for waiting attempts', async () => {
    const hosts = hostsNamed(SILENT, 60);
    await storeAnsweringHosts(db, ...hosts.map(({ name }) => `${name}:80`));
    await storeNotifications(
      db,
      hosts.map(({ name }) => ({
        id: name,
        alarmId: name,
        projectId: 'one',
        host: `${name}:80`,
        action: `http://${name}/`,
      })),
    );
    await run(async (clock, { silent, answered }, pump) => {
      // At first half of the 10 permits; in the end that, and half of the room for 40 waiting attempts.
      for (const expected of [5, 10, 15, 20, 25, 25]) {
        await eventually(async () => {
          await clock.advance(0); // a search that took longer than a second of the test's time goes on at once
          expect(silent).toHaveLength(expected);
        });
        await clock.advance(1_000);
      }
      await storeMore('two', 'zealous:80');
      await pump.wakeAndWait();
      await eventually(() => expect(answered).toHaveLength(1));
      expect(silent).toHaveLength(25);
    });
  });
}
