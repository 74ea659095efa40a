import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { createEvaluationCounterStore } from '../../src/storage/evaluation/evaluation-counter-store.js';
import { createRetentionStore } from '../../src/storage/retention/retention-store.js';
import { ADMIN, MEMBER, READER, startApi, STRANGER, type Caller, type TestApi } from '../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import { startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, storeSample, thresholdRule } from '../support/stored-alarms.js';

interface Results {
  evaluation_results: { alarm_id: string; project_id: string; state_counters: Record<string, number> }[];
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let api: TestApi;
  let rig: EvaluatorRig;
  let statements: number;

  beforeAll(async () => {
    db = await open();
    api = await startApi(db, { countsResults: true });
  });
  beforeEach(async () => {
    await empty(db);
    statements = 0;
    const { add } = createEvaluationCounterStore(db);
    rig = await startEvaluator(db, {
      countResults: (results) => {
        statements += 1;
        return add(results);
      },
    });
  });
  afterEach(() => rig.stop());
  afterAll(async () => {
    await api.close();
    await db.close();
  });

  /** A sample in every period from now until the end of the next interval. */
  async function push(meter: string, volume: number, periods = 1): Promise<void> {
    for (let offset = -60_000 * periods; offset <= 60_000; offset += 20_000) {
      await storeSample(db, meter, { volume, at: new Date(rig.clock.now().getTime() + offset), project: 'p1' });
    }
  }

  const store = (id: string, projectId: string, meter: string, fields: Record<string, unknown> = {}): Promise<void> =>
    storeAlarm(db, { id, projectId, rule: thresholdRule({ meter_name: meter, ...fields }) });

  async function shown(as: Caller = MEMBER, path = '/v2/metrics'): Promise<Record<string, string>> {
    const { evaluation_results } = (await api.ask('GET', path, { as })).json<Results>();
    return Object.fromEntries(
      evaluation_results.map(
        ({ alarm_id, project_id, state_counters: { ok, alarm, 'insufficient data': unknown } }) => [
          alarm_id,
          `${project_id}: ok ${ok}, alarm ${alarm}, unknown ${unknown}`,
        ],
      ),
    );
  }

  test('every evaluation that finds a state counts once, by state, also when the state stays', async () => {
    await store('high', 'p1', 'hot');
    await store('low', 'p1', 'cold');
    await store('none', 'p1', 'silent');
    for (let round = 0; round < 2; round += 1) {
      await push('hot', 95);
      await push('cold', 5);
      await rig.interval();
    }
    expect(await shown()).toEqual({
      high: 'p1: ok 0, alarm 2, unknown 0',
      low: 'p1: ok 2, alarm 0, unknown 0',
      none: 'p1: ok 0, alarm 0, unknown 2',
    });
    expect((await api.ask('GET', '/v2/metrics', { as: MEMBER })).text).toContain(
      '{"evaluation_results": [{"alarm_id": "high", "project_id": "p1", "state_counters": ' +
        '{"insufficient data": 0, "ok": 0, "alarm": 2}}, {"alarm_id": "low", ',
    );
  });

  test('trends, combinations and alarms outside their time constraints are not counted', async () => {
    const night = { name: 'night', description: '', start: '0 2 * * *', duration: 60, timezone: '' };
    await storeAlarm(db, { id: 'asleep', projectId: 'p1', rule: thresholdRule(), timeConstraints: [night] });
    // The middle of the two volumes: the two periods disagree, unless the phase of the partition puts their border into
    // the middle of a period.
    await store('torn', 'p1', 'mixed', { evaluation_periods: 2, threshold: 50 });
    await storeAlarm(db, { id: 'both', projectId: 'p1', rule: combinationRule('and', 'torn', 'asleep') });
    for (let offset = -120_000; offset <= 60_000; offset += 5_000) {
      const volume = Math.floor(offset / 60_000) % 2 === 0 ? 95 : 5;
      await storeSample(db, 'mixed', { volume, at: new Date(rig.clock.now().getTime() + offset), project: 'p1' });
    }
    await rig.tick();
    await rig.interval();
    const { rows } = await db.query<{ verdicts: number }>('select count(*)::int as verdicts from evaluation_counters');
    expect(rows).toEqual([{ verdicts: 0 }]);
    expect(await rig.telemetry.registry.getSingleMetricAsString('tocsin_evaluations_total')).toContain('trending');
  });

  test('the counts of a batch are written with one statement', async () => {
    for (let n = 0; n < 50; n += 1) await store(`a${n}`, 'p1', 'hot', { threshold: n });
    await push('hot', 95);
    await rig.interval();
    expect(Object.keys(await shown())).toHaveLength(50);
    expect(statements).toBe(1);
  });

  test('counts that cannot be written do not delay the evaluation', async () => {
    await rig.stop();
    rig = await startEvaluator(db, { countResults: () => Promise.reject(new Error('not now')) });
    await store('a', 'p1', 'hot');
    await push('hot', 95);
    await rig.interval();
    expect((await db.query('select state from alarms')).rows).toEqual([{ state: 'alarm' }]);
  });

  test('results of an evaluator that has lost the partition of the alarm are not counted', async () => {
    await store('a', 'p1', 'hot');
    await rig.tick();
    await db.query("update partitions set owner = 'another', epoch = epoch + 1");
    await db.query('delete from evaluation_counters');
    await rig.interval();
    expect(await shown()).toEqual({});
  });

  describe('GET /v2/metrics', () => {
    beforeEach(async () => {
      await store('one', 'p1', 'hot');
      await store('two', 'p2', 'hot');
      await createEvaluationCounterStore(db).add([
        { alarmId: 'one', state: 'ok' },
        { alarmId: 'two', state: 'alarm' },
        { alarmId: 'two', state: 'alarm' },
        { alarmId: 'never made', state: 'ok' },
      ]);
    });
    const ONE = { one: 'p1: ok 1, alarm 0, unknown 0' };
    const TWO = { two: 'p2: ok 0, alarm 2, unknown 0' };

    test.each([
      { to: 'a reader', as: READER, path: '/v2/metrics', expected: ONE },
      { to: 'another project', as: STRANGER, path: '/v2/metrics', expected: TWO },
      { to: 'an admin, of the own project', as: ADMIN, path: '/v2/metrics', expected: {} },
      {
        to: 'an admin who asks for all',
        as: ADMIN,
        path: '/v2/metrics?all_projects=true',
        expected: { ...ONE, ...TWO },
      },
      {
        to: 'an admin who asks in Python',
        as: ADMIN,
        path: '/v2/metrics?all_projects=True',
        expected: { ...ONE, ...TWO },
      },
      { to: 'an admin who asks not for all', as: ADMIN, path: '/v2/metrics?all_projects=false', expected: {} },
      { to: 'a member who asks not for all', as: MEMBER, path: '/v2/metrics/?all_projects=false', expected: ONE },
    ])('shows counts to $to with $path', async ({ as, path, expected }) => {
      expect(await shown(as, path)).toEqual(expected);
    });

    test.each([
      [MEMBER, '?all_projects=true', 403, 'RBAC Authorization Failed'],
      [{ ...MEMBER, 'x-roles': '' }, '', 403, 'RBAC Authorization Failed'],
      [ADMIN, '?all_projects=zz', 400, 'Unable to convert the value zz to the expected data type boolean.'],
      [ADMIN, '?bogus=1', 400, 'Unknown argument: "bogus"'],
    ])('is refused to %j with %s', async (as, query, status, fault) => {
      const answer = await api.ask('GET', `/v2/metrics${query}`, { as });
      expect([answer.status, answer.fault]).toEqual([status, fault]);
    });

    test('is refused if results are not counted', async () => {
      const plain = await startApi(db);
      const answer = await plain.ask('GET', '/v2/metrics', { as: ADMIN });
      await plain.close();
      expect([answer.status, answer.fault]).toEqual([403, 'metrics endpoint is disabled']);
    });

    test('shows counts to the present owner of the alarm', async () => {
      await db.query("update alarms set project_id = 'p2' where id = 'one'");
      expect(await shown(MEMBER)).toEqual({});
      expect(Object.keys(await shown(STRANGER))).toEqual(['one', 'two']);
    });

    test('does not show counts of a deleted alarm, even if an evaluator has just counted a result', async () => {
      expect((await api.ask('DELETE', '/v2/alarms/one', { as: MEMBER })).status).toBe(204);
      expect((await db.query('select alarm_id from evaluation_counters')).rows).toEqual([{ alarm_id: 'two' }]);
      await db.query("insert into evaluation_counters (alarm_id, ok) values ('one', 1)");
      expect(await shown(MEMBER)).toEqual({});
      await createRetentionStore(db).pruneTombstones(new Date('2100-01-01T00:00:00Z'));
      expect((await db.query('select alarm_id from evaluation_counters')).rows).toEqual([{ alarm_id: 'two' }]);
    });
  });
}

describe('counted results of evaluations on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('counted results of evaluations on PostgreSQL', () => contract(serverDatabase));
