import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { alarmTypes } from '../../src/alarm/types/index.js';
import { commitOutcomes, type CommitDeps } from '../../src/evaluator/commit-outcomes.js';
import { LockedOutcomes } from '../../src/evaluator/locked-outcomes.js';
import type { Database } from '../../src/storage/database.js';
import type { EvaluationBatch, EvaluationOutcome } from '../../src/storage/evaluation/evaluation-commit.js';
import { NOON } from '../support/builders.js';
import { empty, serverDatabase } from '../support/databases.js';
import { datasourceDouble, type DatasourceDouble } from '../support/datasource-double.js';
import { INTERVAL_MS, startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { holdLock, type HeldLock } from '../support/held-lock.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, storeAlarms } from '../support/stored-alarms.js';

const ALARMS = 40;
const LOCKED = 'alarm-07';
/** One batch evaluates all alarms, in the middle of the interval. */
const PARTITION = 5;
const [LOW, HIGH] = [5, 95];
const idOf = (n: number): string => `alarm-${String(n).padStart(2, '0')}`;

interface Transition {
  alarm_id: string;
  from: string;
  to: string;
  version: number;
  at: Date;
}

describeWithPostgres('while another transaction holds the lock of one alarm', () => {
  let db: Database;
  let rig: EvaluatorRig;
  let prometheus: DatasourceDouble<'prometheus'>;
  let value: number;
  let lock: HeldLock | undefined;

  beforeAll(async () => {
    db = await serverDatabase();
  });
  beforeEach(async () => {
    await empty(db);
    value = HIGH;
    lock = undefined;
    prometheus = datasourceDouble<'prometheus'>((_, { now }) => ({
      kind: 'series',
      series: [[{ at: now.getTime(), values: { value } }]],
    }));
  });
  afterEach(async () => {
    await lock?.release();
    await rig.stop();
  });
  afterAll(() => db.close());

  async function start(given: { state: string; repeatActions?: boolean }): Promise<void> {
    const alarms = Array.from({ length: ALARMS }, (_, n) => ({
      id: idOf(n),
      rule: alarmTypes.prometheus.schema.parse({ query: `cpu{host="${n}"}`, threshold: 80, comparison_operator: 'gt' }),
      okActions: ['log://ok'],
      alarmActions: ['log://alarm'],
      ...given,
    }));
    await storeAlarms(db, alarms);
    await db.query('update alarms set partition = $1', [PARTITION]);
    rig = await startEvaluator(db, { remote: { prometheus: new Map([[null, prometheus]]) } });
  }

  async function transitions(): Promise<Transition[]> {
    const { rows } = await db.query<Transition>(
      `select alarm_id, previous_state as "from", detail::json ->> 'state' as "to", state_version as version,
              timestamp as at from alarm_history where type = 'state transition' order by alarm_id, state_version`,
    );
    return rows;
  }

  const alarmsLocked = async (): Promise<number | undefined> =>
    (await rig.telemetry.alarmsLocked.get()).values[0]?.value;
  const fenced = async (): Promise<number | undefined> =>
    (await rig.telemetry.transitionsFenced.get()).values[0]?.value;

  test.each([
    { kind: 'an edit', statement: 'select from alarms where id = $1 for update' },
    { kind: 'an update', statement: `update alarms set description = 'new' where id = $1` },
    { kind: 'a repeat', statement: 'select from alarms where id = $1 for share' },
  ])('by $kind, the others flip at once, and it flips once when the lock is free', async ({ statement }) => {
    await start({ state: 'ok' });
    lock = await holdLock(db, statement, [LOCKED]);
    await rig.interval();
    const others = await transitions();
    expect(others.map(({ alarm_id }) => alarm_id)).toEqual(
      Array.from({ length: ALARMS }, (_, n) => idOf(n)).filter((id) => id !== LOCKED),
    );
    expect(await alarmsLocked()).toBe(1);
    await lock.release();
    await rig.tick();
    await rig.tick();
    expect(await alarmsLocked()).toBe(0);
    const after = await transitions();
    expect(after).toHaveLength(ALARMS);
    expect(after.filter(({ alarm_id }) => alarm_id === LOCKED)).toEqual([
      { ...others[0], alarm_id: LOCKED, from: 'ok', to: 'alarm' },
    ]);
    value = LOW;
    await rig.interval();
    const last = (await transitions()).filter(({ alarm_id }) => alarm_id === LOCKED);
    expect(last.map(({ to, version }) => [to, version])).toEqual([
      ['alarm', 1],
      ['ok', 2],
    ]);
    const { rows } = await db.query('select action_list, sequence from notifications where alarm_id = $1 order by 2', [
      LOCKED,
    ]);
    expect(rows).toEqual([
      { action_list: 'alarm_actions', sequence: 1 },
      { action_list: 'ok_actions', sequence: 2 },
    ]);
    expect(await fenced()).toBeUndefined();
  });

  test('its repeat is written when the lock is free, and those of the others at once', async () => {
    await start({ state: 'alarm', repeatActions: true });
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
    await rig.interval();
    const repeats = 'select alarm_id, slot from notifications order by alarm_id';
    const others = (await db.query(repeats)).rows;
    expect(others).toHaveLength(ALARMS - 1);
    await lock.release();
    await rig.tick();
    expect((await db.query(repeats)).rows).toHaveLength(ALARMS);
  });

  test('its new reason is written when the lock is free, and those of the others at once', async () => {
    await start({ state: 'insufficient data' });
    prometheus.says = () => ({ kind: 'series', series: [] });
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
    await rig.interval();
    const unwritten = `select id from alarms where state_reason = 'Not evaluated yet'`;
    expect((await db.query(unwritten)).rows).toEqual([{ id: LOCKED }]);
    await lock.release();
    await rig.tick();
    expect((await db.query(unwritten)).rows).toEqual([]);
  });

  test('a result is dropped when the next evaluation of the alarm comes to another one', async () => {
    await start({ state: 'ok' });
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
    await rig.interval();
    value = LOW;
    await rig.interval();
    await lock.release();
    await rig.tick();
    await rig.tick();
    expect((await transitions()).filter(({ alarm_id }) => alarm_id === LOCKED)).toEqual([]);
    expect(await transitions()).toHaveLength(2 * (ALARMS - 1));
    expect(await alarmsLocked()).toBe(0);
  });

  test('a result is refused if that transaction has edited the alarm', async () => {
    await start({ state: 'ok' });
    lock = await holdLock(
      db,
      `update alarms set definition_version = definition_version + 1, revision = pg_current_xact_id() where id = $1`,
      [LOCKED],
    );
    await rig.interval();
    await lock.release();
    await rig.tick();
    expect(await transitions()).toHaveLength(ALARMS - 1);
    expect(await fenced()).toBe(1);
    await rig.interval();
    expect(await transitions()).toHaveLength(ALARMS);
  });

  test('a combination is not judged with the past state of that alarm beside the present ones of others', async () => {
    await start({ state: 'ok' });
    const OTHER = idOf(8);
    // True only while one of them has its past state: they swap their states.
    await storeAlarm(db, { id: 'both', rule: combinationRule('and', LOCKED, OTHER), state: 'ok' });
    await db.query(`update alarms set partition = $1 where id = 'both'`, [PARTITION]);
    let high = '7';
    prometheus.says = (query, { now }) => ({
      kind: 'series',
      series: [
        [{ at: now.getTime(), values: { value: JSON.stringify(query).includes(`host=\\"${high}\\"`) ? HIGH : LOW } }],
      ],
    });
    await rig.interval();
    await rig.interval();
    expect((await transitions()).map(({ alarm_id }) => alarm_id)).toEqual([LOCKED]);
    high = '8';
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
    await rig.interval();
    expect((await transitions()).map(({ alarm_id }) => alarm_id)).toEqual([LOCKED, OTHER]);
    await lock.release();
    await rig.tick();
    await rig.interval();
    expect((await transitions()).map(({ alarm_id, to }) => [alarm_id, to])).toEqual([
      [LOCKED, 'alarm'],
      [LOCKED, 'ok'],
      [OTHER, 'alarm'],
    ]);
    expect((await db.query('select from partitions where locked_alarms is not null')).rows).toEqual([]);
  });

  test('its result is forgotten when the partition is lost', async () => {
    await start({ state: 'ok' });
    lock = await holdLock(db, 'select from alarms where id = $1 for update', [LOCKED]);
    await rig.interval();
    expect(await alarmsLocked()).toBe(1);
    rig.evaluator.dropped([PARTITION]);
    await lock.release();
    await rig.tick();
    expect(await alarmsLocked()).toBe(0);
    expect((await transitions()).filter(({ alarm_id }) => alarm_id === LOCKED)).toEqual([]);
    expect(await fenced()).toBeUndefined();
  });

  test('a lock of a waiting notification of the alarm delays nothing, not even the alarm', async () => {
    await start({ state: 'ok' });
    await rig.interval();
    await db.query('update notifications set attempt = 1');
    lock = await holdLock(db, 'select from notifications where alarm_id = $1 for update', [LOCKED]);
    value = LOW;
    await rig.interval();
    expect(await transitions()).toHaveLength(2 * ALARMS);
  });
});

describe('outcomes of locked alarms', () => {
  const outcomeOf = (alarmId: string, partition = PARTITION): EvaluationOutcome => ({
    kind: 'reason',
    alarmId,
    partition,
    stateVersion: 0,
    definitionVersion: 0,
    reason: 'because',
  });
  const noonMs = NOON.getTime();
  const later = (seconds: number): number => noonMs + seconds * 1_000;
  let wakes: number;
  let locked: LockedOutcomes;
  beforeEach(() => {
    wakes = 0;
    locked = new LockedOutcomes({ maxAgeMs: INTERVAL_MS, wake: () => (wakes += 1) });
  });

  test('are tried after 0.1 s, then after pauses that double up to 2 s', () => {
    const outcome = outcomeOf('a');
    locked.add([outcome], NOON, noonMs);
    const tries: number[] = [];
    while (tries.length < 7) {
      const nowMs = locked.nextMs();
      tries.push(nowMs - noonMs);
      expect(locked.takeDue(nowMs - 1)).toEqual([]);
      const [commit] = locked.takeDue(nowMs);
      expect(commit).toEqual({ outcomes: [outcome], at: NOON });
      expect(locked.nextMs()).toBe(Infinity);
      locked.tried(commit!, [outcome], nowMs);
    }
    expect(tries).toEqual([100, 300, 700, 1_500, 3_100, 5_100, 7_100]);
  });

  test('wake the loop when they are due earlier than those before', () => {
    locked.add([outcomeOf('a')], NOON, later(1));
    expect(wakes).toBe(1);
    locked.add([outcomeOf('b')], NOON, later(2));
    expect(wakes).toBe(1);
    locked.add([outcomeOf('c')], NOON, later(0));
    expect(wakes).toBe(2);
  });

  test('are committed together with those of the same evaluation, the oldest evaluation first', () => {
    const [a, b, c] = [outcomeOf('a'), outcomeOf('b'), outcomeOf('c')];
    locked.add([a, b], NOON, noonMs);
    locked.add([c], new Date(later(1)), later(1));
    expect(locked.takeDue(later(2))).toEqual([
      { outcomes: [a, b], at: NOON },
      { outcomes: [c], at: new Date(later(1)) },
    ]);
  });

  test.each([
    { when: 'the commit has written or refused them', end: () => locked.tried(taken(), [], later(1)) },
    { when: 'they are as old as the longest age', end: () => void locked.takeDue(noonMs + INTERVAL_MS) },
    { when: 'their partition is evaluated anew or lost', end: () => locked.drop([PARTITION]) },
    { when: 'their alarms are evaluated anew', end: () => locked.dropAlarms([{ id: 'a' }, { id: 'b' }]) },
    {
      when: 'their alarms are evaluated anew while a commit tries them',
      end: () => {
        const commit = taken();
        locked.dropAlarms([{ id: 'a' }]);
        locked.tried(commit, commit.outcomes, later(1));
      },
    },
    {
      when: 'their partition is evaluated anew while a commit tries them',
      end: () => {
        const commit = taken();
        locked.drop([PARTITION]);
        locked.tried(commit, commit.outcomes, later(1));
      },
    },
  ])('are forgotten when $when', ({ end }) => {
    locked.add([outcomeOf('a')], NOON, noonMs);
    expect(locked.alarms).toBe(1);
    end();
    expect(locked.alarms).toBe(0);
    expect(locked.nextMs()).toBe(Infinity);
  });

  test('are not written when their partition is evaluated anew while a commit writes others', async () => {
    const outcomes = Array.from({ length: 600 }, (_, n) => outcomeOf(`a${n}`));
    locked.add(outcomes, NOON, noonMs);
    const written: number[] = [];
    const commit: CommitDeps['commit'] = (batch) => {
      written.push(batch.outcomes.length);
      locked.drop([PARTITION]);
      return Promise.resolve({ committed: [], fenced: [], locked: [], lost: [], notifications: 0 });
    };
    const deps = { commit, clock: { now: () => NOON }, mayCommit: () => true } as CommitDeps;
    const partitions = [{ id: PARTITION, epoch: 1 }];
    await commitOutcomes(deps, taken().outcomes, { partitions, at: NOON, ...locked.retries });
    expect(written).toEqual([500]);
  });

  test('are named by the last of several chunks, without those that the chunks before have written', async () => {
    const outcomes = Array.from({ length: 600 }, (_, n) => outcomeOf(`a${n}`, n < 300 ? PARTITION : PARTITION + 1));
    locked.add(outcomes, NOON, noonMs);
    const batches: EvaluationBatch[] = [];
    const commit: CommitDeps['commit'] = (batch) => {
      const isFirst = batches.push(batch) === 1;
      const result = { committed: [], fenced: [], locked: [], lost: [], notifications: 0 };
      return Promise.resolve({ ...result, locked: isFirst ? outcomes.slice(3, 4) : [] });
    };
    const deps = { commit, clock: { now: () => NOON }, mayCommit: () => true } as CommitDeps;
    const partitions = [5, 6, 7].map((id) => ({ id, epoch: 1 }));
    await commitOutcomes(deps, taken().outcomes, { partitions, at: NOON, ...locked.retries });
    expect(batches.map((batch) => batch.partitions.map(({ id }) => id))).toEqual([
      [5, 6],
      [5, 6],
    ]);
    const [first, last] = batches.map(({ waiting }) => waiting?.map(({ alarmId }) => alarmId));
    expect(first).toBeUndefined();
    expect(last).toEqual([...outcomes.slice(500).map(({ alarmId }) => alarmId), 'a3']);
  });

  test('stay when other alarms are evaluated anew, and other partitions are lost', () => {
    locked.add([outcomeOf('a')], NOON, noonMs);
    locked.dropAlarms([{ id: 'b' }]);
    locked.drop([PARTITION + 1]);
    expect(locked.takeDue(later(1))).toEqual([{ outcomes: [outcomeOf('a')], at: NOON }]);
  });

  function taken(): Parameters<LockedOutcomes['tried']>[0] {
    return locked.takeDue(later(1))[0]!;
  }
});
