import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import { createEvaluationCommit, type EvaluationBatch } from '../../../src/storage/evaluation/evaluation-commit.js';
import { createEvaluationStore } from '../../../src/storage/evaluation/evaluation-store.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarms, thresholdRule } from '../../support/stored-alarms.js';

const PARTITIONS = [5, 6];
const after = (seconds: number): Date => new Date(NOON.getTime() + seconds * 1_000);

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    await storeAlarms(
      db,
      ['a', 'b'].map((id) => ({ id, rule: thresholdRule() })),
    );
    await db.query('update alarms set partition = $1', [PARTITIONS[0]]);
    await db.query(`update partitions set owner = 'me', epoch = 1 where id = any($1)`, [PARTITIONS]);
  });
  afterAll(() => db.close());

  /** Commits no outcome. Those of the given alarms of the first partition wait for locks. */
  const commit = (given: { mark: EvaluationBatch['mark']; at: Date; locked: string[] }) =>
    createEvaluationCommit(db)({
      memberId: 'me',
      partitions: PARTITIONS.map((id) => ({ id, epoch: 1 })),
      outcomes: [],
      at: given.at,
      now: given.at,
      mark: given.mark,
      staleBefore: new Date(0),
      defaultPolicy: 'current',
      waiting: given.locked.map((alarmId) => ({
        alarmId,
        partition: PARTITIONS[0] ?? 0,
        stateVersion: 0,
        definitionVersion: 0,
      })),
    });

  async function lockedOnes(): Promise<string[]> {
    const found = await createEvaluationStore(db).reachableFrom(['a', 'b']);
    return found.flatMap(({ id, isLocked }) => (isLocked ? [id] : [])).sort();
  }

  /** Changes with each write of a row. */
  async function versions(): Promise<string[]> {
    const { rows } = await db.query<{ version: string }>(
      'select xmin::text as version from partitions where id = any($1) order by id',
      [PARTITIONS],
    );
    return rows.map(({ version }) => version);
  }

  test('are told with the checkpoint, until a commit of their outcomes or the next checkpoint', async () => {
    await commit({ mark: 'checkpoint', at: NOON, locked: ['a', 'b'] });
    expect(await lockedOnes()).toEqual(['a', 'b']);
    await commit({ mark: 'none', at: NOON, locked: ['b', 'b'] });
    expect(await lockedOnes()).toEqual(['b']);
    await commit({ mark: 'checkpoint', at: after(60), locked: [] });
    expect(await lockedOnes()).toEqual([]);
  });

  test('are not written again by a commit that finds the same ones', async () => {
    await commit({ mark: 'checkpoint', at: NOON, locked: ['a', 'b'] });
    const before = await versions();
    await commit({ mark: 'none', at: after(1), locked: ['b', 'a'] });
    expect(await versions()).toEqual(before);
    await commit({ mark: 'none', at: after(2), locked: ['a'] });
    const [first, second] = await versions();
    expect([first === before[0], second === before[1]]).toEqual([false, true]);
  });

  test('are ignored after a checkpoint of an evaluator that does not know of them', async () => {
    await commit({ mark: 'checkpoint', at: NOON, locked: ['a'] });
    await db.query('update partitions set evaluation_started_at = $1, last_evaluated_at = $1', [after(60)]);
    expect(await lockedOnes()).toEqual([]);
    await commit({ mark: 'none', at: after(61), locked: ['a'] });
    expect(await lockedOnes()).toEqual(['a']);
  });

  test('are accepted when a process of an earlier version has written them', async () => {
    await commit({ mark: 'checkpoint', at: NOON, locked: [] });
    await db.query(`update partitions set locked_alarms = array['b'] where id = $1`, [PARTITIONS[0]]);
    expect(await lockedOnes()).toEqual(['b']);
  });
}

describe('locked alarms of a partition in the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('locked alarms of a partition in PostgreSQL', () => contract(serverDatabase));
