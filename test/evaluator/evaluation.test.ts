import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { BODY } from '../../src/storage/notifications/notification-body.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, storeSample, thresholdRule } from '../support/stored-alarms.js';

interface Transition {
  alarm_id: string;
  previous_state: string;
  detail: string;
  state_version: number;
}

function evaluation(open: () => Promise<Database>): void {
  let db: Database;
  let rig: EvaluatorRig;

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    rig = await startEvaluator(db);
  });
  afterEach(() => rig.stop());
  afterAll(() => db.close());

  /** A sample in every period from now until the end of the next interval. */
  async function push(meter: string, volume: number): Promise<void> {
    for (const offset of [1_000, 21_000, 41_000, 61_000]) {
      await storeSample(db, meter, { volume, at: new Date(rig.clock.now().getTime() + offset - 30_000) });
    }
  }

  async function stateOf(
    id: string,
  ): Promise<{ state: string; state_version: number; state_reason: string } | undefined> {
    return (
      await db.query<{ state: string; state_version: number; state_reason: string }>(
        'select state, state_version, state_reason from alarms where id = $1',
        [id],
      )
    ).rows[0];
  }

  async function transitions(): Promise<Transition[]> {
    return (
      await db.query<Transition>(
        'select alarm_id, previous_state, detail, state_version from alarm_history order by alarm_id, state_version',
      )
    ).rows;
  }

  test('a muted alarm changes state with history, and sends no notifications until it is unmuted', async () => {
    await storeAlarm(db, { id: 'a', rule: thresholdRule(), alarmActions: ['log://'], repeatActions: true });
    await db.query('update alarms set muted = true');
    const notified = async (): Promise<unknown[]> => (await db.query('select kind from notifications')).rows;
    for (let interval = 0; interval < 2; interval += 1) {
      await push('cpu', 95);
      await rig.interval();
    }
    expect(await stateOf('a')).toMatchObject({ state: 'alarm', state_version: 1 });
    expect(await transitions()).toHaveLength(1);
    expect(await notified()).toEqual([]);
    await db.query(
      'update alarms set muted = false, definition_version = definition_version + 1, revision = pg_current_xact_id()',
    );
    await push('cpu', 95);
    await rig.interval();
    expect(await notified()).toEqual([{ kind: 'repeat' }]);
  });

  test(
    'an alarm whose meter crosses the threshold changes state once, ' + 'with history and one notification per action',
    async () => {
      await storeAlarm(db, { id: 'a', rule: thresholdRule(), alarmActions: ['http://127.0.0.1:1/x', 'log://'] });
      await push('cpu', 95);

      await rig.interval();
      await push('cpu', 95);
      await rig.interval();

      expect(await stateOf('a')).toEqual({
        state: 'alarm',
        state_version: 1,
        state_reason: 'Transition to alarm due to 1 samples outside threshold, most recent: 95.0',
      });
      expect(await transitions()).toEqual([
        {
          alarm_id: 'a',
          previous_state: 'insufficient data',
          state_version: 1,
          detail:
            '{"state": "alarm", "transition_reason": "Transition to alarm due to ' +
            '1 samples outside threshold, most recent: 95.0"}',
        },
      ]);
      const { rows } = await db.query<{ body: string; action: string }>(
        `select ${BODY} as body, action from notifications n order by action_index`,
      );
      expect(rows.map(({ action }) => action)).toEqual(['http://127.0.0.1:1/x', 'log://']);
      expect(rows[0]?.body).toBe(
        '{"alarm_name": "alarm a", "alarm_id": "a", "severity": "low", ' +
          '"previous": "insufficient data", "current": "alarm", ' +
          '"reason": "Transition to alarm due to 1 samples outside threshold, most recent: 95.0", ' +
          '"reason_data": {"type": "threshold", "disposition": "outside", "count": 1, "most_recent": 95.0}}',
      );
      expect(rig.wokenFor()).toBe(2);
    },
  );

  test('an alarm without data goes from ok to insufficient data', async () => {
    await storeAlarm(db, { id: 'a', rule: thresholdRule({ evaluation_periods: 2 }), state: 'ok' });
    await rig.interval();
    expect(await stateOf('a')).toMatchObject({ state: 'insufficient data', state_reason: '2 datapoints are unknown' });
  });

  test(
    'an alarm that repeats its actions notifies once an interval, ' + 'and a newer repeat replaces an unsent one',
    async () => {
      await storeAlarm(db, {
        id: 'a',
        rule: thresholdRule(),
        state: 'alarm',
        repeatActions: true,
        alarmActions: ['log://'],
      });
      await push('cpu', 95);
      await rig.interval();
      await push('cpu', 95);
      await rig.interval();
      const { rows } = await db.query('select kind, status, sequence from notifications order by ordinal');
      expect(rows).toEqual([
        { kind: 'repeat', status: 'superseded', sequence: 0 },
        { kind: 'repeat', status: 'pending', sequence: 0 },
      ]);
      expect(await transitions()).toEqual([]);
    },
  );

  test('an evaluation without a change writes only the checkpoint', async () => {
    await storeAlarm(db, { id: 'a', rule: thresholdRule(), state: 'ok' });
    await db.query("update alarms set state_reason = 'Transition to ok'");
    await push('cpu', 10);
    const before = await db.query('select xmin::text, * from alarms');
    await rig.interval();
    expect((await db.query('select xmin::text, * from alarms')).rows).toEqual(before.rows);
    expect(await transitions()).toEqual([]);
    const { rows } = await db.query<{ evaluated: number }>(
      'select count(*)::int as evaluated from partitions where last_evaluated_at is not null',
    );
    expect(rows[0]?.evaluated).toBe(256);
  });

  test('alarms with the same query share one request', async () => {
    for (let n = 0; n < 20; n += 1) await storeAlarm(db, { id: `a${n}`, rule: thresholdRule({ threshold: n * 10 }) });
    await push('cpu', 95);
    await rig.interval();
    expect(rig.queries()).toBe(1);
    expect((await transitions()).length).toBe(20);
  });

  test(
    'an alarm that is created, edited, disabled or deleted while the ' +
      'evaluator runs is seen at its next evaluation',
    async () => {
      await push('cpu', 95);
      await rig.interval();
      await storeAlarm(db, { id: 'made', rule: thresholdRule() });
      await storeAlarm(db, { id: 'disabled', rule: thresholdRule() });
      await push('cpu', 95);
      await rig.interval();
      await db.query("update alarms set enabled = false, revision = pg_current_xact_id() where id = 'disabled'");
      await storeAlarm(db, { id: 'later', rule: thresholdRule() });
      await db.query('delete from samples');
      await push('cpu', 5);
      await rig.interval();
      const states = await db.query('select id, state from alarms order by id');
      expect(states.rows).toEqual([
        { id: 'disabled', state: 'alarm' },
        { id: 'later', state: 'ok' },
        { id: 'made', state: 'ok' },
      ]);
    },
  );

  test('an edit that the evaluator has not seen yet wins over its result', async () => {
    await storeAlarm(db, { id: 'a', rule: thresholdRule(), state: 'ok' });
    await push('cpu', 10);
    await rig.interval();
    // The revision does not change: the evaluator cannot see the edit, so the commit must.
    await db.query("update alarms set definition_version = definition_version + 1 where id = 'a'");
    await db.query('delete from samples');
    await push('cpu', 95);
    await rig.interval();
    expect(await stateOf('a')).toMatchObject({ state: 'ok', state_version: 0 });
    await push('cpu', 95);
    await rig.interval();
    expect(await stateOf('a')).toMatchObject({ state: 'alarm', state_version: 1 });
  });

  test('a result of a past epoch is refused, and the new owner evaluates the alarm', async () => {
    await storeAlarm(db, { id: 'a', rule: thresholdRule(), state: 'ok' });
    await rig.tick();
    await db.query("update partitions set owner = 'another', epoch = epoch + 1");
    await push('cpu', 95);
    await rig.interval();
    expect(await stateOf('a')).toMatchObject({ state: 'ok', state_version: 0 });
    expect(await transitions()).toEqual([]);
  });

  test('an alarm outside its time constraints is not evaluated', async () => {
    const night = { name: 'night', description: '', start: '0 2 * * *', duration: 60, timezone: '' };
    await storeAlarm(db, { id: 'a', rule: thresholdRule(), timeConstraints: [night] });
    await push('cpu', 95);
    await rig.interval();
    expect(await stateOf('a')).toMatchObject({ state: 'insufficient data', state_version: 0 });
  });

  test('a combination, and a combination of combinations, follow their members within the interval', async () => {
    await storeAlarm(db, { id: 'a', rule: thresholdRule({ meter_name: 'm1' }), state: 'ok' });
    await storeAlarm(db, { id: 'b', rule: thresholdRule({ meter_name: 'm2' }), state: 'ok' });
    await storeAlarm(db, { id: 'both', rule: combinationRule('and', 'a', 'b') });
    await storeAlarm(db, { id: 'any', rule: combinationRule('or', 'both', 'b') });
    await push('m1', 95);
    await push('m2', 95);
    await rig.interval();
    await rig.tick();
    expect(await stateOf('both')).toMatchObject({
      state: 'alarm',
      state_reason: 'Transition to alarm due to alarms a,b in state alarm',
    });
    expect(await stateOf('any')).toMatchObject({
      state: 'alarm',
      state_reason: 'Transition to alarm due to alarms both,b in state alarm',
    });
  });

  test('a combination whose members swap their states at once keeps its state', async () => {
    // m1 and m2 swap high and low every interval; an "and" over them is never true.
    for (let n = 0; n < 8; n += 1) {
      await storeAlarm(db, { id: `a${n}`, rule: thresholdRule({ meter_name: `m${n}`, period: 10 }), state: 'ok' });
    }
    await storeAlarm(db, {
      id: 'odd-even',
      rule: combinationRule('and', 'a0', 'a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7'),
      state: 'ok',
    });
    for (let round = 0; round < 4; round += 1) {
      await db.query('delete from samples');
      for (let n = 0; n < 8; n += 1) {
        for (let offset = -10_000; offset < 65_000; offset += 5_000) {
          const volume = n % 2 === round % 2 ? 95 : 5;
          await storeSample(db, `m${n}`, { volume, at: new Date(rig.clock.now().getTime() + offset) });
        }
      }
      await rig.interval();
    }
    expect((await transitions()).filter(({ alarm_id }) => alarm_id === 'odd-even')).toEqual([]);
    expect((await transitions()).length).toBeGreaterThan(8);
  });

  test('nothing is written after the lease may have ended', async () => {
    await rig.stop();
    rig = await startEvaluator(db, { mayCommit: () => false });
    await storeAlarm(db, { id: 'a', rule: thresholdRule() });
    await push('cpu', 95);
    await rig.interval();
    expect(await transitions()).toEqual([]);
    expect((await db.query('select id from partitions where last_evaluated_at is not null')).rows).toEqual([]);
  });
}

describe('evaluation on PGlite', () => {
  evaluation(embeddedDatabase);
});

describeWithPostgres('evaluation on PostgreSQL', () => {
  evaluation(serverDatabase);
});
