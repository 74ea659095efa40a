import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../../src/storage/database.js';
import {
  createEvaluationCommit,
  type TransitionOrRepeatOutcome,
} from '../../../src/storage/evaluation/evaluation-commit.js';
import { NOON } from '../../support/builders.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeAlarm, thresholdRule } from '../../support/stored-alarms.js';

const ME = 'member';
const at = (seconds: number): Date => new Date(NOON.getTime() + seconds * 1_000);

describe('repeats on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('repeats on PostgreSQL', () => contract(serverDatabase));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    await db.query('update partitions set owner = $1', [ME]);
    await storeAlarm(db, {
      id: 'a',
      rule: thresholdRule(),
      repeatActions: true,
      alarmActions: ['http://r/'],
      okActions: ['http://r/'],
    });
  });
  afterAll(() => db.close());

  async function commit(
    kind: TransitionOrRepeatOutcome['kind'],
    to: TransitionOrRepeatOutcome['to'],
    when: Date,
  ): Promise<void> {
    const { rows: alarms } = await db.query<{ partition: number; state_version: number; definition_version: number }>(
      'select partition, state_version, definition_version from alarms',
    );
    const { rows: owned } = await db.query<{ id: number; epoch: number }>('select id, epoch from partitions');
    const [alarm] = alarms;
    const outcome: TransitionOrRepeatOutcome = {
      alarmId: 'a',
      kind,
      from: kind === 'repeat' ? to : 'insufficient data',
      to,
      reason: 'because',
      reasonData: {},
      partition: alarm!.partition,
      stateVersion: alarm!.state_version,
      definitionVersion: alarm!.definition_version,
    };
    const result = await createEvaluationCommit(db)({
      memberId: ME,
      partitions: owned,
      outcomes: [outcome],
      at: when,
      now: when,
      mark: 'none',
      staleBefore: new Date(0),
      defaultPolicy: 'current',
    });
    expect(result.committed).toHaveLength(1);
  }

  test('have the time of the state change that they repeat, and their own time of creation', async () => {
    await commit('transition', 'alarm', at(0));
    await commit('repeat', 'alarm', at(60));
    await commit('repeat', 'alarm', at(120));
    await commit('transition', 'ok', at(180));
    await commit('repeat', 'ok', at(240));
    const { rows } = await db.query(
      'select kind, sequence, transition_time, created_at, slot from notifications order by ordinal',
    );
    expect(rows).toEqual([
      { kind: 'transition', sequence: 1, transition_time: at(0), created_at: at(0), slot: null },
      { kind: 'repeat', sequence: 1, transition_time: at(0), created_at: at(60), slot: at(60) },
      { kind: 'repeat', sequence: 1, transition_time: at(0), created_at: at(120), slot: at(120) },
      { kind: 'transition', sequence: 2, transition_time: at(180), created_at: at(180), slot: null },
      { kind: 'repeat', sequence: 2, transition_time: at(180), created_at: at(240), slot: at(240) },
    ]);
  });
}
