import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';

import type { Alarm } from '../../../src/alarm/alarm.js';
import { startCounting, type CountedOwner } from '../../../src/storage/alarms/alarm-count-store.js';
import { NO_QUOTAS, type AlarmQuotas } from '../../../src/storage/alarms/alarm-insert-store.js';
import { createAlarmStore } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import { DatabaseUnavailable } from '../../../src/storage/engine/outage.js';
import { aCreation, NOON, removedAt } from '../../support/builders.js';
import { embeddedDatabase, serverDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import { failing } from '../../support/failing-database.js';
import { FakeClock } from '../../support/fake-clock.js';
import { holdLock, type HeldLock } from '../../support/held-lock.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarms, thresholdRule } from '../../support/stored-alarms.js';
import { TEST_SEALER } from '../../support/sealer.js';

const ALL = { all: true } as const;
const OWNER: CountedOwner = { kind: 'project', id: 'p1' };
const MOST_WAIT_MS = 3_000;

let db: Database;
let clock: FakeClock;
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

const storeWith = (limits: Partial<AlarmQuotas> = {}) =>
  createAlarmStore(db, { sealer: TEST_SEALER, quotas: { ...NO_QUOTAS, ...limits } }, clock);

const create = (limits: Partial<AlarmQuotas> = {}, given: Partial<Alarm> = {}): Promise<void> =>
  storeWith(limits).create(aCreation({ id: randomUUID(), projectId: 'p1', ...given }));

async function counter(): Promise<unknown> {
  const { rows } = await db.query('select alarms, complete from alarm_counts where kind = $1 and id = $2', [
    OWNER.kind,
    OWNER.id,
  ]);
  return rows[0];
}

describeWithPostgres('the first count of the alarms of a project in PostgreSQL', () => {
  beforeEach(async () => {
    db = await serverDatabase({ maxConnections: 6 });
    undo.push(() => db.close());
    clock = new FakeClock();
    await storeAlarms(
      db,
      ['a', 'b'].map((id) => ({ id, rule: thresholdRule() })),
    );
  });

  /** A transaction that changes an alarm and stays open. */
  async function openWrite(text: string): Promise<HeldLock> {
    const held = await holdLock(db, text);
    undo.push(held.release);
    return held;
  }

  /** Moves an alarm to the project, which is not counted yet. */
  const openArrival = (): Promise<HeldLock> => openWrite(`update alarms set project_id = 'p1' where id = 'a'`);

  /** Resolves when the count waits for open transactions. */
  const waits = (): Promise<void> => eventually(() => expect(clock.sleeping).toBe(1));

  test('makes no writer of alarms wait, while it waits for one', async () => {
    await openArrival();
    const creation = create({ project: 5 });
    await waits();
    const update = db.transaction(async (tx) => {
      await tx.query(`set local lock_timeout = '1ms'`);
      return tx.query(`update alarms set state = 'alarm' where id = 'b'`);
    });
    expect((await update).rowCount).toBe(1);
    await undo.pop()?.();
    await clock.advance(100);
    await creation;
    expect(await counter()).toEqual({ alarms: 2, complete: true });
  });

  test('includes the alarms of a transaction that began before', async () => {
    const arrival = await openArrival();
    const creation = create({ project: 1 });
    const refused = expect(creation).rejects.toThrow('Alarm quota exceeded');
    await waits();
    await arrival.release();
    await clock.advance(100);
    await refused;
    expect(await counter()).toEqual({ alarms: 1, complete: true });
  });

  test('does not wait for transactions that begin after it', async () => {
    const arrival = await openArrival();
    const creation = create({ project: 5 });
    await waits();
    await openWrite(`update alarms set state = 'alarm' where id = 'b'`);
    await arrival.release();
    await clock.advance(100);
    await creation;
    expect(await counter()).toEqual({ alarms: 2, complete: true });
  });

  test('is given up if a transaction stays open for 3 seconds, and completed by the next creation', async () => {
    const arrival = await openArrival();
    const creation = create({ project: 5 });
    const failed = expect(creation).rejects.toThrow(DatabaseUnavailable);
    await waits();
    await clock.advance(MOST_WAIT_MS);
    await failed;
    expect(await counter()).toEqual({ alarms: 0, complete: false });
    await arrival.release();
    await create({ project: 5 });
    expect(await counter()).toEqual({ alarms: 2, complete: true });
  });

  test('misses no change of writers that know its counter before it is complete', async () => {
    await openArrival();
    const counting = startCounting(db, OWNER, clock);
    await waits();
    const ids = [randomUUID(), randomUUID(), randomUUID()];
    for (const id of ids) await create({}, { id });
    await storeWith().remove(ALL, ids[0] ?? '', removedAt(NOON));
    expect(await counter()).toEqual({ alarms: 2, complete: false });
    await undo.pop()?.();
    await clock.advance(100);
    await counting;
    expect(await counter()).toEqual({ alarms: 3, complete: true });
  });

  test.each([
    { kind: 'project', index: 'alarms_by_project' },
    { kind: 'user', index: 'alarms_by_user' },
  ] as const)('finds the alarms of a $kind by the index $index', async ({ kind, index }) => {
    const rule = thresholdRule();
    const ids = Array.from({ length: 2_000 }, (_, n) => ({ id: `alarm${n}`, projectId: `p${n % 100}`, rule }));
    await storeAlarms(db, ids);
    await db.query('update alarms set user_id = project_id');
    await db.query('analyze alarms');
    const told = failing(db);
    await startCounting(told, { kind, id: 'p1' }, clock);
    const count = told.statements.find((text) => text.includes('count(*)')) ?? '';
    const { rows } = await db.query<Record<string, string>>(`explain ${count}`, ['p1']);
    const plan = rows.flatMap((row) => Object.values(row)).join('\n');
    expect(plan).toContain(index);
    expect(plan).not.toContain('Seq Scan on alarms');
  });

  test('of two processes at once counts each alarm once', async () => {
    const arrival = await openArrival();
    const both = [create({ project: 5 }), create({ project: 5 })];
    await eventually(() => expect(clock.sleeping).toBe(2));
    await arrival.release();
    await clock.advance(100);
    await Promise.all(both);
    expect(await counter()).toEqual({ alarms: 3, complete: true });
  });
});

test('the counter of a process that died while it counted is completed in the embedded database', async () => {
  db = await embeddedDatabase();
  undo.push(() => db.close());
  clock = new FakeClock();
  await create();
  await db.query('select start_counting($1, $2)', [OWNER.kind, OWNER.id]);
  await create();
  expect(await counter()).toEqual({ alarms: 2, complete: false });
  await db.query('update alarm_counts set alarms = 7');
  await expect(create({ project: 2 })).rejects.toThrow('Alarm quota exceeded');
  expect(await counter()).toEqual({ alarms: 2, complete: true });
});
