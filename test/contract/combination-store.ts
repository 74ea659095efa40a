import { beforeEach, describe, expect, test } from '@jest/globals';

import type { Alarm } from '../../src/alarm/alarm.js';
import type { StoredAlarm } from '../../src/storage/alarms/alarm-row.js';
import type { AlarmStore } from '../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../src/storage/database.js';
import { aCombinationRule, aThresholdRule, removedAt } from '../support/builders.js';

const LATER = new Date('2026-01-01T13:00:00.123Z');

export interface CombinationContractContext {
  db: Database;
  alarms: AlarmStore;
  create: (given?: Partial<Alarm>, memberProject?: string | null) => Promise<StoredAlarm>;
  replace: (
    id: string,
    given: Partial<Alarm>,
    options?: { memberProject?: string | null },
  ) => Promise<StoredAlarm | undefined>;
}

/** The behaviour of combination alarms that every database must have. `store` is read within each test. */
export function combinationStoreContract(store: () => CombinationContractContext): void {
  const combine = (...alarm_ids: string[]) => aCombinationRule({ alarm_ids });
  const members = async (id: string): Promise<string[]> => {
    const { rows } = await store().db.query<{ member_id: string }>(
      'select member_id from alarm_members where combination_id = $1 order by member_id',
      [id],
    );
    return rows.map(({ member_id }) => member_id);
  };

  describe('combining', () => {
    beforeEach(async () => {
      const { create } = store();
      for (const id of ['x', 'y', 'z']) await create({ id });
      await create({ id: 'other', projectId: 'p2' });
    });

    test('members are recorded, changed and removed with the rule', async () => {
      const { alarms, create, replace } = store();
      await create({ id: 'c', rule: combine('x', 'y') });
      expect(await members('c')).toEqual(['x', 'y']);
      await replace('c', { rule: combine('y', 'z') });
      expect(await members('c')).toEqual(['y', 'z']);
      await replace('c', { rule: aThresholdRule() });
      expect(await members('c')).toEqual([]);
      await replace('c', { rule: combine('x', 'z') });
      await alarms.remove({ all: true }, 'c', removedAt(LATER));
      expect(await members('c')).toEqual([]);
    });

    test.each([
      { what: 'is not there', ids: ['x', 'gone'], project: 'p1', message: 'Alarm gone not found in project p1' },
      {
        what: 'is another project’s',
        ids: ['x', 'other'],
        project: 'p1',
        message: 'Alarm other not found in project p1',
      },
      { what: 'is not there, for an admin', ids: ['x', 'gone'], project: null, message: 'Alarm gone not found' },
    ])('a member that $what is refused, and nothing is stored', async ({ ids, project, message }) => {
      const { alarms, create } = store();
      await expect(create({ id: 'c', rule: combine(...ids) }, project)).rejects.toMatchObject({
        code: 'not_found',
        message,
      });
      expect(await alarms.find({ all: true }, 'c')).toBeUndefined();
    });

    test('an admin may combine alarms of several projects', async () => {
      await store().create({ id: 'c', rule: combine('x', 'other') }, null);
      expect(await members('c')).toEqual(['other', 'x']);
    });

    test('a deleted alarm is no member', async () => {
      const { alarms, create } = store();
      await alarms.remove({ all: true }, 'y', removedAt(LATER));
      await expect(create({ id: 'c', rule: combine('x', 'y') }, 'p1')).rejects.toMatchObject({ code: 'not_found' });
    });

    test('an alarm cannot be its own member', async () => {
      const { create, replace } = store();
      await create({ id: 'c', rule: combine('x', 'y') });
      const message = 'Cannot specify alarm c itself in combination rule';
      await expect(replace('c', { rule: combine('x', 'c') })).rejects.toMatchObject({
        code: 'invalid_request',
        message,
      });
    });

    test('a cycle of any length is refused, and the error names it', async () => {
      const { create, replace } = store();
      await create({ id: 'c1', rule: combine('x', 'y') });
      await create({ id: 'c2', rule: combine('c1', 'x') });
      await create({ id: 'c3', rule: combine('c2', 'y') });
      const refused = replace('c1', { rule: combine('c3', 'x') });
      await expect(refused).rejects.toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining('c1 -> c3 -> c2 -> c1'),
      });
      expect(await members('c1')).toEqual(['x', 'y']);
    });

    test('an alarm that is reached by two paths is no cycle', async () => {
      const { create } = store();
      await create({ id: 'c1', rule: combine('x', 'y') });
      await create({ id: 'c2', rule: combine('x', 'c1') });
      await create({ id: 'top', rule: combine('c1', 'c2') });
      expect(await members('top')).toEqual(['c1', 'c2']);
    });

    test('a chain has at most ten levels, from above and from below', async () => {
      const { create, replace } = store();
      await create({ id: 'c2', rule: combine('x', 'y') });
      for (let level = 3; level <= 10; level += 1)
        await create({ id: `c${level}`, rule: combine(`c${level - 1}`, 'x') });
      const refused = { code: 'invalid_request', message: expect.stringContaining('more than 10 levels') };
      await expect(create({ id: 'c11', rule: combine('c10', 'x') })).rejects.toMatchObject(refused);
      await create({ id: 'below', rule: combine('x', 'z') });
      await expect(replace('c2', { rule: combine('below', 'y') })).rejects.toMatchObject(refused);
    });

    test('a combination has at most 10,000 members at all levels, also through one that it contains', async () => {
      const { db, create, replace } = store();
      await create({ id: 'wide', rule: combine('x', 'y') });
      await create({ id: 'top', rule: combine('wide', 'x') });
      await db.query(`insert into alarm_members select 'wide', 'm' || n from generate_series(1, 9996) n`);
      await replace('top', { rule: combine('wide', 'y') });
      const refused = { code: 'invalid_request', message: expect.stringContaining('more than 10000 members') };
      await expect(replace('top', { rule: combine('wide', 'x', 'y', 'z') })).rejects.toMatchObject(refused);
      await create({ id: 'part', rule: combine('x', 'y') });
      await create({ id: 'whole', rule: combine('part', 'z') });
      await expect(replace('part', { rule: combine('wide', 'z') })).rejects.toMatchObject(refused);
    });

    test.each(['p1', null])('two concurrent writes cannot create a cycle (members of %s)', async (memberProject) => {
      const { create, replace } = store();
      for (let round = 0; round < 5; round += 1) {
        const [one, two] = [`one${round}`, `two${round}`];
        await create({ id: one, rule: combine('x', 'y') });
        await create({ id: two, rule: combine('x', 'y') });
        const outcomes = await Promise.allSettled([
          replace(one, { rule: combine(two, 'x') }, { memberProject }),
          replace(two, { rule: combine(one, 'x') }, { memberProject }),
        ]);
        expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      }
    });
  });
}
