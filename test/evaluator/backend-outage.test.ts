import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { alarmTypes, type AlarmRule } from '../../src/alarm/types/index.js';
import type { Database } from '../../src/storage/database.js';
import { embeddedDatabase, empty, serverDatabase } from '../support/databases.js';
import {
  DEADLINE_MS,
  INTERVAL_MS,
  startEvaluator,
  type EvaluatorRig,
  type EvaluatorRigOptions,
} from '../support/evaluator-rig.js';
import { eventually } from '../support/eventually.js';
import { RemoteDouble } from '../support/remote-double.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, storeAlarms, storeSample, thresholdRule } from '../support/stored-alarms.js';

const MANY = 1_000;
const REFUSED = 'alarm statistics retrieval failed: the prometheus backend cannot be asked: connection refused';

function prometheusRule(query = 'up'): AlarmRule {
  return alarmTypes.prometheus.schema.parse({ query, threshold: 80, comparison_operator: 'gt' });
}

interface Change {
  alarm_id: string;
  previous_state: string;
  detail: string;
}

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let rig: EvaluatorRig;
  let prometheus: RemoteDouble;

  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => empty(db));
  afterEach(() => rig.stop());
  afterAll(() => db.close());

  async function start(options: EvaluatorRigOptions = {}): Promise<void> {
    prometheus = new RemoteDouble();
    rig = await startEvaluator(db, { remote: { prometheus: new Map([[null, prometheus]]) }, ...options });
  }

  async function changes(): Promise<Change[]> {
    return (
      await db.query<Change>(
        'select alarm_id, previous_state, detail from alarm_history order by alarm_id, state_version',
      )
    ).rows;
  }

  async function states(): Promise<Record<string, number>> {
    const { rows } = await db.query<{ state: string; alarms: number }>(
      'select state, count(*)::int as alarms from alarms group by state',
    );
    return Object.fromEntries(rows.map(({ state, alarms }) => [state, alarms]));
  }

  async function intervals(count: number): Promise<void> {
    for (let done = 0; done < count; done += 1) await rig.interval();
  }

  const repeats = async (): Promise<number> =>
    (await db.query<{ made: number }>("select count(*)::int as made from notifications where kind = 'repeat'")).rows[0]!
      .made;

  describe('a thousand alarms', () => {
    beforeEach(async () => {
      await storeAlarms(
        db,
        Array.from({ length: MANY }, (_, n) => ({
          id: `a${n}`,
          rule: prometheusRule(`up{n="${n}"}`),
          state: 'ok',
        })),
      );
    });

    test('keep their state in an outage shorter than the grace, and their partitions count as evaluated', async () => {
      await start();
      await intervals(1);
      prometheus.mode = 'outage';
      await intervals(3);
      expect(rig.evaluator.alarmsInOutage()).toBe(MANY);
      prometheus.mode = 0;
      await intervals(1);
      expect(await changes()).toEqual([]);
      expect(rig.evaluator.alarmsInOutage()).toBe(0);
    });

    test('change their state once in an outage longer than the grace, and once when it is over', async () => {
      await start();
      prometheus.mode = 'outage';
      await intervals(6);
      expect(await states()).toEqual({ 'insufficient data': MANY });
      const out = await changes();
      expect(out).toHaveLength(MANY);
      expect(new Set(out.map(({ alarm_id }) => alarm_id)).size).toBe(MANY);
      expect(new Set(out.map(({ detail }) => detail))).toEqual(
        new Set([`{"state": "insufficient data", "transition_reason": "${REFUSED}"}`]),
      );
      prometheus.mode = 0;
      await intervals(1);
      expect(await states()).toEqual({ ok: MANY });
      await intervals(1);
      expect(await changes()).toHaveLength(2 * MANY);
    });

    test('change their state at the next evaluation if there is no grace', async () => {
      await start({ graceMs: 0 });
      prometheus.mode = 'outage';
      await intervals(1);
      expect(await states()).toEqual({ 'insufficient data': MANY });
      await intervals(1);
      expect(await changes()).toHaveLength(MANY);
    });
  });

  test('an outage does not delay partitions or combinations, and alarms outside of it notify once', async () => {
    await storeAlarm(db, { id: 'lost', rule: prometheusRule(), state: 'ok' });
    // Alarms that differ only in their thresholds have the same query key, and so the same partition.
    await db.query("update alarms set partition = 7 where id = 'lost'");
    await storeAlarm(db, {
      id: 'seen',
      rule: thresholdRule(),
      state: 'alarm',
      repeatActions: true,
      alarmActions: ['log://'],
    });
    await db.query("update alarms set partition = 7 where id = 'seen'");
    await storeAlarm(db, { id: 'both', rule: combinationRule('or', 'lost', 'seen') });
    for (let offset = 0; offset <= 3 * INTERVAL_MS; offset += 10_000)
      await storeSample(db, 'cpu', { volume: 95, at: new Date(Date.parse('2026-01-01T12:00:01Z') + offset) });
    await start();
    prometheus.mode = 'outage';
    await intervals(2);
    expect(await repeats()).toBe(2);
    expect((await changes()).map(({ alarm_id }) => alarm_id)).toEqual(['both']);
    const { rows } = await db.query<{ age: number }>(
      'select extract(epoch from $1::timestamptz - last_evaluated_at)::float8 as age from partitions where id = 7',
      [rig.clock.now()],
    );
    expect(rows[0]?.age).toBeLessThanOrEqual(INTERVAL_MS / 1_000);
  });

  test('the end of an outage is noticed between two scheduled evaluations', async () => {
    await storeAlarm(db, { id: 'a', rule: prometheusRule(), state: 'ok' });
    await start();
    prometheus.mode = 'outage';
    while (prometheus.calls === 0) await rig.tick();
    prometheus.mode = 95;
    // An eighth of the interval, which is two ticks.
    for (let ticks = 0; ticks < 3; ticks += 1) await rig.tick();
    expect(await states()).toEqual({ alarm: 1 });
    expect(prometheus.calls).toBe(2);
  });

  test(
    'an alarm repeats its actions at most once an interval: not ' + 'while it keeps its state, and not in retries',
    async () => {
      await storeAlarm(db, {
        id: 'a',
        rule: prometheusRule(),
        state: 'ok',
        repeatActions: true,
        okActions: ['log://'],
        insufficientDataActions: ['log://'],
      });
      await start();
      prometheus.mode = 'outage';
      await intervals(3);
      expect([await repeats(), (await changes()).length]).toEqual([0, 0]);
      await intervals(1); // goes to insufficient data
      expect((await changes()).length).toBe(1);
      const before = await repeats();
      await intervals(3);
      expect(await repeats()).toBe(before + 3);
      prometheus.mode = 'no data'; // from a retry on: still unknown, and the actions were already run in this interval
      for (let ticks = 0; ticks < 3; ticks += 1) await rig.tick();
      expect(rig.evaluator.alarmsInOutage()).toBe(0);
      expect(await repeats()).toBe(before + 3);
      await intervals(2);
      expect([await repeats(), (await changes()).length]).toEqual([before + 5, 1]);
    },
  );

  test('if the grace ends between two scheduled evaluations, nothing is repeated before the next one', async () => {
    const unknown = { state: 'insufficient data', repeatActions: true, insufficientDataActions: ['log://'] };
    await storeAlarm(db, { id: 'a', rule: prometheusRule(), ...unknown });
    await storeAlarm(db, { id: 'b', rule: prometheusRule(), state: 'ok' });
    await start({ graceMs: 1.5 * INTERVAL_MS });
    prometheus.mode = 'outage';
    while (prometheus.calls === 0) await rig.tick();
    for (let ticks = 1; ticks < 32; ticks += 1) await rig.tick();
    expect([await repeats(), await states()]).toEqual([0, { 'insufficient data': 2 }]);
    await rig.tick();
    expect([await repeats(), (await changes()).length]).toEqual([1, 1]);
  });

  test(
    'a retry that gets the first answer of an interval repeats the ' +
      'actions, and so does the next scheduled evaluation',
    async () => {
      await storeAlarm(db, {
        id: 'a',
        rule: prometheusRule(),
        state: 'ok',
        repeatActions: true,
        okActions: ['log://'],
      });
      await start();
      prometheus.mode = 'outage';
      while (prometheus.calls === 0) await rig.tick();
      prometheus.mode = 0;
      await intervals(3);
      expect([await repeats(), prometheus.calls]).toEqual([3 + 1, 2 + 3]);
    },
  );

  test('an edit of the alarm starts its grace anew, and a deletion ends its retries', async () => {
    for (const id of ['edited', 'deleted', 'other'])
      await storeAlarm(db, { id, rule: prometheusRule(id), state: 'ok' });
    await start();
    prometheus.mode = 'outage';
    await intervals(2);
    await db.query(
      'update alarms set definition_version = definition_version + 1, ' +
        "revision = pg_current_xact_id() where id = 'edited'",
    );
    await db.query("update alarms set deleted_at = now(), revision = pg_current_xact_id() where id = 'deleted'");
    await intervals(2);
    expect((await changes()).map(({ alarm_id }) => alarm_id)).toEqual(['other']);
    expect(rig.evaluator.alarmsInOutage()).toBe(2);
    await intervals(2);
    expect((await changes()).map(({ alarm_id }) => alarm_id)).toEqual(['edited', 'other']);
  });

  test('a new owner of the partitions starts the grace anew, and the alarm still changes its state once', async () => {
    await storeAlarm(db, { id: 'a', rule: prometheusRule(), state: 'ok' });
    await start();
    prometheus.mode = 'outage';
    await intervals(2);
    const [first, { clock }] = [rig, rig];
    await start({ clock });
    prometheus.mode = 'outage';
    await intervals(3);
    await first.evaluator.whenIdle();
    expect(await changes()).toEqual([]);
    expect(first.evaluator.alarmsInOutage()).toBe(0);
    await intervals(3);
    expect(await changes()).toHaveLength(1);
    await first.stop();
  });

  /** Lets a short time pass, for batches that wait for the clock and for those that wait for the database. */
  async function pass(ms: number, seen: () => Promise<void>): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) await rig.clock.advance(500);
    await eventually(seen);
  }

  test.each(['slow', 'deaf'] as const)(
    'a backend that is %s does not delay alarms of another backend, and its own alarms are in an outage',
    async (mode) => {
      await storeAlarm(db, { id: 'waits', rule: prometheusRule(), state: 'ok' });
      await storeAlarm(db, { id: 'fires', rule: thresholdRule(), state: 'ok' });
      await db.query('update alarms set partition = 8');
      for (let offset = -60_000; offset <= 60_000; offset += 5_000)
        await storeSample(db, 'cpu', { volume: 95, at: new Date(Date.parse('2026-01-01T12:01:00Z') + offset) });
      await start();
      prometheus.mode = mode;
      // Partition 8 becomes due at the full minute, which is less than a tick away then.
      for (let ticks = 0; ticks < 15; ticks += 1) await rig.tick();
      await pass(Date.parse('2026-01-01T12:01:00Z') - rig.clock.now().getTime(), async () => {
        expect(prometheus.calls).toBe(1);
        expect(await states()).toEqual({ ok: 1, alarm: 1 });
      });
      const checkpoint = async (): Promise<unknown> =>
        (await db.query<{ last_evaluated_at: Date | null }>('select last_evaluated_at from partitions where id = 8'))
          .rows[0]?.last_evaluated_at;
      expect(await checkpoint()).toBeNull();
      expect(rig.evaluator.makingProgress()).toBe(true);
      // Half of the deadline for sending, all of it for an answer, a quarter to collect the answers.
      await pass(DEADLINE_MS * 1.75, async () => {
        const late = Number(await checkpoint()) - Date.parse('2026-01-01T12:01:00Z');
        // The clock of the test goes on while the alarms are read.
        expect([late >= 0, late < 2_000]).toEqual([true, true]);
      });
      expect(rig.evaluator.alarmsInOutage()).toBe(1);
      expect(rig.evaluator.makingProgress()).toBe(true);
      expect((await changes()).map(({ alarm_id }) => alarm_id)).toEqual(['fires']);
      prometheus.mode = 0;
      await intervals(1);
      expect(rig.evaluator.alarmsInOutage()).toBe(0);
    },
  );

  test(
    'a backend that is silent for longer than an interval does not ' +
      'delay alarms of another backend in the same batch',
    async () => {
      await storeAlarm(db, { id: 'waits', rule: prometheusRule(), state: 'ok' });
      await storeAlarm(db, { id: 'fires', rule: thresholdRule(), state: 'ok' });
      await db.query("update alarms set partition = case id when 'waits' then 8 else 16 end");
      await start({ deadlineMs: 1.5 * INTERVAL_MS });
      // Only the first request: requests after it are not ended by the clock.
      prometheus.mode = () => (prometheus.calls === 1 ? 'deaf' : 0);
      const until = (time: string): number => Date.parse(`2026-01-01T${time}Z`) - rig.clock.now().getTime();
      const evaluated = async (): Promise<unknown> =>
        (
          await db.query(
            "select id, to_char(last_evaluated_at at time zone 'utc', " +
              "'HH24:MI') as at from partitions where id in (8, 16)",
          )
        ).rows;
      const both = (waits: string | null, fires: string): unknown =>
        expect.arrayContaining([
          { id: 8, at: waits },
          { id: 16, at: fires },
        ]);
      for (let ticks = 0; ticks < 15; ticks += 1) await rig.tick();
      await pass(until('12:01:00'), async () => expect(await evaluated()).toEqual(both(null, '12:01')));
      expect(await states()).toEqual({ ok: 1, 'insufficient data': 1 });
      await storeSample(db, 'cpu', { volume: 95, at: new Date('2026-01-01T12:01:30Z') });
      await pass(until('12:02:00'), async () => expect(await evaluated()).toEqual(both(null, '12:02')));
      expect(await states()).toEqual({ ok: 1, alarm: 1 });
      expect(prometheus.calls).toBe(1);
      await pass(until('12:03:30'), async () => expect(await evaluated()).not.toContainEqual({ id: 8, at: null }));
      expect((await changes()).filter(({ alarm_id }) => alarm_id === 'waits')).toEqual([]);
    },
  );
}

describe('an outage of a backend, on PGlite', () => contract(embeddedDatabase));
describeWithPostgres('an outage of a backend, on PostgreSQL', () => contract(serverDatabase));
