import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { alarmTypes } from '../../../src/alarm/types/index.js';
import { createBehindStore } from '../../../src/storage/evaluation/behind-store.js';
import type { Database } from '../../../src/storage/database.js';
import { createExplanationStore } from '../../../src/storage/evaluation/explanation-store.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm } from '../../support/stored-alarms.js';

const EVALUATED = new Date('2026-01-01T12:00:10Z');
const DUE = new Date('2026-01-01T12:00:05Z');
const BEFORE = new Date('2026-01-01T11:59:55Z');
const rule = alarmTypes.prometheus.schema.parse({ query: 'up', threshold: 1 });

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    for (const id of ['late', 'on time']) await storeAlarm(db, { id, rule, state: 'ok' });
    await db.query("update alarms set partition = 7, created_at = '2026-01-01T11:00:00Z'");
    await db.query("update partitions set owner = 'm', epoch = 3, last_evaluated_at = $1, behind = null where id = 7", [
      EVALUATED,
    ]);
  });
  afterAll(() => db.close());

  const rowsOf = (alarms: readonly string[]): Parameters<ReturnType<typeof createBehindStore>>[0] => [
    {
      partition: 7,
      epoch: 3,
      alarms: Object.fromEntries(alarms.map((id) => [id, { dueMs: DUE.getTime(), lastMs: BEFORE.getTime() }])),
    },
  ];
  const progressOf = async (id: string): Promise<unknown> => {
    const { lastEvaluatedAt, behindSince } = (await createExplanationStore(db).progressOf(id))!;
    return { lastEvaluatedAt, behindSince };
  };

  test(
    'an alarm that is behind shows its own last evaluation and its ' +
      'own due time, until a catch-up batch evaluates it',
    async () => {
      const record = createBehindStore(db, 'm');
      await record(rowsOf(['late']));
      expect(await progressOf('late')).toEqual({ lastEvaluatedAt: BEFORE, behindSince: DUE });
      expect(await progressOf('on time')).toEqual({ lastEvaluatedAt: EVALUATED, behindSince: null });
      await record(rowsOf([]));
      expect(await progressOf('late')).toEqual({ lastEvaluatedAt: EVALUATED, behindSince: null });
    },
  );

  test.each([
    ['another evaluator', 'other', 3],
    ['an epoch that has passed', 'm', 2],
  ])('%s writes nothing', async (_, member, epoch) => {
    await createBehindStore(db, member)(rowsOf(['late']).map((row) => ({ ...row, epoch })));
    expect(await progressOf('late')).toEqual({ lastEvaluatedAt: EVALUATED, behindSince: null });
  });
}

describe('alarms that are behind, on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('alarms that are behind, on PostgreSQL', () => contract(serverDatabase));
