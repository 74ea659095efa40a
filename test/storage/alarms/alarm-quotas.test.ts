import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Alarm } from '../../../src/alarm/alarm.js';
import { NO_QUOTAS, type AlarmQuotas } from '../../../src/storage/alarms/alarm-insert-store.js';
import { createAlarmStore, type StoredAlarm } from '../../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../../src/storage/database.js';
import { createImportStore } from '../../../src/storage/alarms/import-store.js';
import { createQuotaStore } from '../../../src/storage/alarms/quota-store.js';
import { aCombinationRule, aCreation, aThresholdRule, NOON, removedAt } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { TEST_SEALER } from '../../support/sealer.js';

const ALL = { all: true } as const;
const OVER = 'Alarm quota exceeded for user u1 on project p1';

function contract(open: () => Promise<Database>): void {
  let db: Database;

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  const withLimits = (limits: Partial<AlarmQuotas> = {}) =>
    createAlarmStore(db, { sealer: TEST_SEALER, quotas: { ...NO_QUOTAS, ...limits } });
  const limit = (project: string, most: number) =>
    createQuotaStore(db).set(project, [{ resource: 'alarms', limit: most }]);

  /** Creates alarms and returns the number of created ones. The others must fail with the quota error. */
  async function createMany(
    number: number,
    limits: Partial<AlarmQuotas> = {},
    given: Partial<Alarm> = {},
  ): Promise<number> {
    const alarms = withLimits(limits);
    const tried = await Promise.allSettled(Array.from({ length: number }, () => alarms.create(aCreation(given))));
    const refusals = tried.filter((one) => one.status === 'rejected').map(({ reason }) => reason as Error);
    for (const { message } of refusals) expect(message).toMatch(/^Alarm quota exceeded for user/);
    return number - refusals.length;
  }

  async function alarmsOf(projectId: string): Promise<string[]> {
    const { rows } = await db.query<{ id: string }>(
      'select id from alarms where project_id = $1 and deleted_at is null',
      [projectId],
    );
    return rows.map(({ id }) => id);
  }

  async function counters(): Promise<Record<string, number>> {
    const { rows } = await db.query<{ kind: string; id: string; alarms: number }>('select * from alarm_counts');
    return Object.fromEntries(rows.map(({ kind, id, alarms }) => [`${kind} ${id}`, alarms]));
  }

  async function give(id: string, owner: Partial<Pick<Alarm, 'projectId' | 'userId'>>): Promise<void> {
    const change = (current: StoredAlarm) => ({ next: { ...current, ...owner }, entry: null });
    await withLimits().replace(ALL, id, { rule: aThresholdRule(), memberProject: null, change });
  }

  const remove = (id: string): Promise<boolean> => withLimits().remove(ALL, id, removedAt(NOON));

  test.each([
    { of: 'the configuration', limits: { project: 10 }, set: undefined },
    { of: 'the project’s own quota', limits: {}, set: 10 },
    { of: 'the project’s own quota, below the configured one', limits: { project: 20 }, set: 10 },
    { of: 'the project’s own quota, above the configured one', limits: { project: 5 }, set: 10 },
    { of: 'the configuration for users', limits: { user: 10 }, set: undefined },
    { of: 'both kinds of limits, the user’s being lower', limits: { project: 20, user: 10 }, set: undefined },
    { of: 'both kinds of limits, the project’s being lower', limits: { project: 10, user: 20 }, set: undefined },
  ])(
    '40 alarms created at once against a limit of 10 from $of leave 10, with a history entry each',
    async ({ limits, set }) => {
      if (set !== undefined) await limit('p1', set);
      expect(await createMany(40, limits)).toBe(10);
      expect(await alarmsOf('p1')).toHaveLength(10);
      const { rows } = await db.query('select alarm_id from alarm_history');
      expect(rows).toHaveLength(10);
      for (const count of Object.values(await counters())) expect(count).toBe(10);
    },
  );

  test('without a limit no alarms are counted', async () => {
    await limit('p1', -1);
    expect(await createMany(20)).toBe(20);
    expect(await counters()).toEqual({});
  });

  test('a limit applies to its project only, and alarms without a project or user have no limit', async () => {
    await limit('p1', 0);
    expect(await createMany(3)).toBe(0);
    expect(await createMany(3, {}, { projectId: 'p2' })).toBe(3);
    expect(await createMany(3, { project: 1, user: 1 }, { projectId: null, userId: null })).toBe(3);
  });

  test('the error names the user and project of the alarm', async () => {
    await expect(withLimits({ project: 0 }).create(aCreation())).rejects.toMatchObject({
      code: 'forbidden',
      message: OVER,
    });
    const nobodys = aCreation({ userId: null });
    await expect(withLimits({ project: 0 }).create(nobodys)).rejects.toThrow(
      'Alarm quota exceeded for user None on project p1',
    );
  });

  test('a deletion lowers the count by one, and a second deletion does not', async () => {
    expect(await createMany(5, { project: 3, user: 3 })).toBe(3);
    const [first = ''] = await alarmsOf('p1');
    expect([await remove(first), await remove(first)]).toEqual([true, false]);
    expect(await createMany(5, { project: 3, user: 3 })).toBe(1);
  });

  test('a limit below the number of alarms refuses new ones until enough are deleted', async () => {
    expect(await createMany(5, { project: 5 })).toBe(5);
    await limit('p1', 3);
    expect(await createMany(2)).toBe(0);
    const [first = '', second = '', third = ''] = await alarmsOf('p1');
    for (const id of [first, second]) await remove(id);
    expect(await createMany(2)).toBe(0);
    await remove(third);
    expect(await createMany(2)).toBe(1);
  });

  test('the alarms of a project that had a limit are still counted, so that the next limit is correct', async () => {
    await limit('p1', 2);
    expect(await createMany(4)).toBe(2);
    await createQuotaStore(db).remove('p1');
    expect(await createMany(4)).toBe(4);
    await limit('p1', 7);
    expect(await createMany(4)).toBe(1);
  });

  test('an alarm given to another project or user is counted there, even over the quota', async () => {
    await limit('p1', 2);
    await limit('p2', 1);
    expect(await createMany(2, { user: 10 })).toBe(2);
    expect(await createMany(1, { user: 10 }, { projectId: 'p2', userId: 'u2' })).toBe(1);
    const [moved = ''] = await alarmsOf('p1');
    await give(moved, { projectId: 'p2', userId: 'u2' });
    expect(await counters()).toEqual({ 'project p1': 1, 'project p2': 2, 'user u1': 1, 'user u2': 2 });
    await give(moved, { projectId: null, userId: 'u3' });
    expect(await counters()).toEqual({ 'project p1': 1, 'project p2': 1, 'user u1': 1, 'user u2': 1 });
    expect(await createMany(2)).toBe(1);
    expect(await createMany(2, {}, { projectId: 'p2' })).toBe(0);
  });

  test('a combination counts like every alarm, and a refused one leaves no rows', async () => {
    for (const id of ['a', 'b']) await withLimits().create(aCreation({ id }));
    const alarms = withLimits({ project: 3 });
    await alarms.create(aCreation({ rule: aCombinationRule() }));
    await expect(alarms.create(aCreation({ rule: aCombinationRule() }))).rejects.toThrow(OVER);
    expect((await db.query('select * from alarm_members')).rows).toHaveLength(2);
    expect(await counters()).toEqual({ 'project p1': 3 });
  });

  test('an alarm that cannot be written is not counted', async () => {
    await withLimits({ project: 5 }).create(aCreation({ id: 'a' }));
    await expect(withLimits({ project: 5 }).create(aCreation({ id: 'a' }))).rejects.toThrow();
    expect(await counters()).toEqual({ 'project p1': 1 });
  });

  test('an imported alarm is stored despite the limits, and is counted', async () => {
    expect(await createMany(1, { project: 1, user: 1 })).toBe(1);
    const imports = createImportStore(db, TEST_SEALER);
    const imported = aCreation();
    expect([await imports.insertMuted(imported), await imports.insertMuted(imported)]).toEqual([true, false]);
    expect(await imports.insertMuted(aCreation({ projectId: 'p2', userId: 'u2' }))).toBe(true);
    expect(await counters()).toEqual({ 'project p1': 2, 'user u1': 2 });
    expect(await createMany(1, { project: 1 }, { projectId: 'p2' })).toBe(0);
  });

  test('a user’s alarms are counted over all projects', async () => {
    expect(await createMany(2, { user: 3 })).toBe(2);
    expect(await createMany(2, { user: 3 }, { projectId: 'p2' })).toBe(1);
    expect(await createMany(2, { user: 3 }, { userId: 'u2' })).toBe(2);
  });

  test('an alarm that the user’s limit refuses is not counted for the project', async () => {
    expect(await createMany(4, { project: 10, user: 1 })).toBe(1);
    expect(await counters()).toEqual({ 'project p1': 1, 'user u1': 1 });
  });

  test.each(['project', 'user'] as const)(
    'a first limit of a %s that has alarms, met while others are created, ' +
      'deleted and moved, ends with a count that is right',
    async (kind) => {
      expect(await createMany(30)).toBe(30);
      const ids = await alarmsOf('p1');
      await Promise.all([
        createMany(25),
        createMany(50, { [kind]: 40 }),
        ...ids.slice(0, 5).map(remove),
        ...ids.slice(5, 8).map((id) => give(id, { projectId: 'p9', userId: 'u9' })),
        createMany(25),
      ]);
      const left = await alarmsOf('p1');
      expect(await counters()).toMatchObject({ [`${kind} ${kind[0]}1`]: left.length });
      expect(left.length).toBeGreaterThanOrEqual(40);
    },
  );

  test('a new quota of a project with alarms holds for 50 concurrent creations', async () => {
    expect(await createMany(30)).toBe(30);
    await limit('p1', 40);
    expect(await createMany(50)).toBe(10);
    expect(await alarmsOf('p1')).toHaveLength(40);
  });
}

describe('quotas of alarms in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('quotas of alarms in PostgreSQL', () => contract(serverDatabase));
