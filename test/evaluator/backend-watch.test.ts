import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createBackendWatch } from '../../src/evaluator/backend-watch.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createEvaluationStore } from '../../src/storage/evaluation-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { FakeClock } from '../support/fake-clock.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, thresholdRule } from '../support/stored-alarms.js';

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  async function store(id: string, type: string, fields: { enabled?: boolean; deleted?: boolean } = {}): Promise<void> {
    await storeAlarm(db, { id, rule: thresholdRule(), enabled: fields.enabled ?? true });
    await db.query('update alarms set type = $2, deleted_at = case when $3 then now() end where id = $1', [
      id,
      type,
      fields.deleted ?? false,
    ]);
  }

  test('counted are enabled alarms that only another backend can judge', async () => {
    await storeAlarm(db, { id: 't', rule: thresholdRule() });
    await storeAlarm(db, { id: 'c', rule: combinationRule('or', 't', 'p1') });
    await store('e', 'event');
    await store('p1', 'prometheus');
    await store('p2', 'prometheus');
    await store('off', 'prometheus', { enabled: false });
    await store('gone', 'prometheus', { deleted: true });
    await store('g', 'gnocchi_resources_threshold');
    expect(await createEvaluationStore(db).countWithoutBackend()).toEqual(
      new Map([
        ['prometheus', 2],
        ['gnocchi_resources_threshold', 1],
      ]),
    );
  });
}

describe('alarms without a backend, on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('alarms without a backend, on PostgreSQL', () => contract(serverDatabase));

test('they are counted at the start and every minute; a failure leaves the count, and kinds that are gone are not shown', async () => {
  const clock = new FakeClock();
  const telemetry = createTelemetry();
  const counts = [new Map([['prometheus', 2]]), new Error('not now'), new Map([['composite', 1]])];
  const count = (): Promise<ReadonlyMap<string, number>> => {
    const next = counts.shift();
    return next instanceof Map ? Promise.resolve(next) : Promise.reject(next ?? new Error('asked too often'));
  };
  const gauge = async (): Promise<object> =>
    (await telemetry.alarmsWithoutBackend.get()).values.map(({ labels, value }) => [labels.type, value]);
  const watch = createBackendWatch({ count, clock, log: silentLogger, telemetry });
  const stopping = new AbortController();
  expect(watch.waiting()).toEqual(new Map());
  const running = watch.loop.run(stopping.signal);
  for (const [advance, expected] of [
    [0, [['prometheus', 2]]],
    [59_999, [['prometheus', 2]]],
    [1, [['prometheus', 2]]],
    [60_000, [['composite', 1]]],
  ] as const) {
    await clock.advance(advance);
    expect([...watch.waiting()]).toEqual(expected);
    expect(await gauge()).toEqual(expected);
  }
  expect(counts).toEqual([]);
  stopping.abort();
  await running;
});
