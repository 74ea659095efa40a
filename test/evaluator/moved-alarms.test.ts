import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { placementOf, PARTITIONS, partitionOf, PHASES_PER_INTERVAL } from '../../src/alarm/partition-key.js';
import { alarmTypes, parseStoredRule, type AlarmKind, type AlarmRule } from '../../src/alarm/types/index.js';
import type { Database } from '../../src/storage/database.js';
import { empty, serverDatabase } from '../support/databases.js';
import { datasourceDouble, type DatasourceDouble } from '../support/datasource-double.js';
import { INTERVAL_MS, startEvaluator, type EvaluatorRig } from '../support/evaluator-rig.js';
import { eventually } from '../support/eventually.js';
import { FakeClock } from '../support/fake-clock.js';
import { describeWithPostgres } from '../support/servers.js';
import { combinationRule, storeAlarm, storeAlarms } from '../support/stored-alarms.js';

const BEGIN = new Date('2026-01-01T12:00:01Z').getTime();
const ALARMS = 48;
const TICKS = PHASES_PER_INTERVAL * 2;
/**
 * An alarm that moves from a phase about to come to one that is just over may wait this long. The moment of an
 * evaluation is read after the alarms are, so it may be a tick later.
 */
const LONGEST_WAIT_MS = 2 * INTERVAL_MS + INTERVAL_MS / TICKS;
/** Each value lasts longer than that. */
const PHASE_MS = 3 * INTERVAL_MS;
const PHASES = 5;
const ALL = Array.from({ length: PARTITIONS }, (_, id) => id);

const idOf = (n: number): string => `alarm-${String(n).padStart(2, '0')}`;

/** Both evaluators have partitions of every phase, so some alarms move between evaluators and some do not. */
const shareOf = (partition: number): number => Math.floor(partition / PHASES_PER_INTERVAL) % 2;

/** The changes of values are spread over an interval, so that at every moment some alarms are about to change. */
const flipOf = (n: number, phase: number): number => BEGIN + phase * PHASE_MS + (n * INTERVAL_MS) / ALARMS;

function isHigh(n: number, at: number): boolean {
  return Math.floor((at - flipOf(n, 0)) / PHASE_MS) % 2 === 0;
}

/** Every fourth rule is a composite one. */
function ruleOf(n: number): AlarmRule {
  const leaf = { query: `cpu{host="${n}"}`, threshold: 80, comparison_operator: 'gt' };
  if (n % 4 > 0) return alarmTypes.prometheus.schema.parse(leaf);
  return alarmTypes.composite.schema.parse({ or: [{ ...leaf, type: 'prometheus' }] });
}

interface Row {
  alarm_id: string;
  previous_state: string;
  state: string;
  state_version: number;
  at: number;
}

describeWithPostgres('prometheus alarms that move while two evaluators evaluate them', () => {
  let db: Database;
  let clock: FakeClock;
  let rigs: EvaluatorRig[];
  let prometheus: DatasourceDouble<'prometheus'>;

  beforeAll(async () => {
    db = await serverDatabase();
  });
  beforeEach(async () => {
    await empty(db);
    await storeAlone();
    clock = new FakeClock(new Date(BEGIN));
    prometheus = datasourceDouble<'prometheus'>(({ promql }, { now }) => {
      const value = isHigh(Number(/"(\d+)"/.exec(promql)?.[1]), now.getTime()) ? 95 : 5;
      return { kind: 'series', series: [[{ at: now.getTime(), values: { value } }]] };
    });
    const remote = { prometheus: new Map([[null, prometheus]]) };
    rigs = [];
    for (const share of [0, 1])
      rigs.push(await startEvaluator(db, { clock, remote, partitions: ALL.filter((id) => shareOf(id) === share) }));
  });
  afterEach(async () => {
    for (const rig of rigs) await rig.stop();
  });
  afterAll(() => db.close());

  async function storeAlone(): Promise<void> {
    const [okActions, alarmActions] = [['log://ok'], ['log://alarm']];
    const alarms = Array.from({ length: ALARMS }, (_, n) => ({ id: idOf(n), rule: ruleOf(n) }));
    await storeAlarms(
      db,
      alarms.map((alarm) => ({ ...alarm, state: 'ok', okActions, alarmActions })),
    );
    const { rows } = await db.query<{ id: string; query_key: string }>('select id, query_key from alarms');
    await db.query(
      `update alarms set partition = p.partition
         from unnest($1::text[], $2::smallint[]) as p (id, partition) where alarms.id = p.id`,
      [rows.map(({ id }) => id), rows.map(({ query_key }) => partitionOf(query_key))],
    );
  }

  async function batchesFinished(): Promise<void> {
    for (const { evaluator } of rigs) await evaluator.whenIdle();
  }

  async function tick(): Promise<void> {
    await clock.advance(INTERVAL_MS / TICKS);
    await batchesFinished();
  }

  /** Lets time pass until both evaluators wait for answers. The answers come when `work` is done. */
  async function whileBothWait(work: () => Promise<void>): Promise<void> {
    const phase = await slotOfBoth();
    const untilSlot = (): number =>
      INTERVAL_MS - ((clock.now().getTime() - (phase * INTERVAL_MS) / PHASES_PER_INTERVAL) % INTERVAL_MS);
    while (untilSlot() > INTERVAL_MS / TICKS) await tick();
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    prometheus.gate = () => gate;
    try {
      await clock.advance(INTERVAL_MS / TICKS);
      await eventually(() => expect(prometheus.underWay).toBe(rigs.length));
      await work();
    } finally {
      prometheus.gate = () => Promise.resolve();
      open();
      await batchesFinished();
    }
  }

  async function partitions(): Promise<Map<string, number>> {
    const { rows } = await db.query<{ id: string; partition: number }>('select id, partition from alarms');
    return new Map(rows.map(({ id, partition }) => [id, partition]));
  }

  async function slotOfBoth(): Promise<number> {
    const used = new Set((await partitions()).values());
    const isOfBoth = (phase: number): boolean =>
      new Set([...used].filter((id) => id % PHASES_PER_INTERVAL === phase).map(shareOf)).size === rigs.length;
    return Array.from({ length: PHASES_PER_INTERVAL }, (_, phase) => phase).find(isOfBoth)!;
  }

  /** Moves each alarm to the partition of its merge group, as an edit of its definition would. */
  async function move(): Promise<void> {
    const before = await partitions();
    const after = await placements();
    const moved = [...after].filter(([id, partition]) => partition !== before.get(id));
    expect(moved.length).toBeGreaterThan(ALARMS / 2);
    for (const [id, partition] of moved) await moveTo(id, partition);
  }

  async function moveBack(): Promise<void> {
    const { rows } = await db.query<{ id: string; query_key: string }>('select id, query_key from alarms');
    for (const { id, query_key } of rows) await moveTo(id, partitionOf(query_key));
  }

  async function moveTo(id: string, partition: number): Promise<void> {
    await db.query(
      `update alarms set previous_partition = case when partition = $2 then previous_partition else partition end,
        partition = $2,
         definition_version = definition_version + 1, revision = pg_current_xact_id() where id = $1`,
      [id, partition],
    );
  }

  async function moveTwice(): Promise<void> {
    await move();
    for (const [id, partition] of await partitions())
      await moveTo(id, (partition + 3 * PHASES_PER_INTERVAL + 5) % PARTITIONS);
  }

  async function moveThereAndBack(): Promise<void> {
    await move();
    await moveBack();
  }

  async function history(): Promise<Row[]> {
    const { rows } = await db.query<Row>(
      `select alarm_id, previous_state, detail::json ->> 'state' as state, state_version,
              (extract(epoch from timestamp) * 1000)::bigint as at
         from alarm_history where type = 'state transition' order by alarm_id, state_version`,
    );
    return rows;
  }

  async function notified(): Promise<object[]> {
    const { rows } = await db.query<object>(
      `select alarm_id, kind, sequence as state_version, action_list, (extract(epoch
        from transition_time) * 1000)::bigint as at
         from notifications order by alarm_id, ordinal`,
    );
    return rows;
  }

  /** The history without a move, apart from the moments. */
  function expectedHistory(): Omit<Row, 'at'>[] {
    return Array.from({ length: ALARMS * PHASES }, (_, index) => {
      const [n, phase] = [Math.floor(index / PHASES), index % PHASES];
      const [previous_state, state] = phase % 2 === 0 ? ['ok', 'alarm'] : ['alarm', 'ok'];
      return { alarm_id: idOf(n), previous_state, state, state_version: phase + 1 };
    });
  }

  test.each([
    { what: 'between their evaluations', when: 'idle', change: () => move() },
    { what: 'while their queries are in flight', when: 'asked', change: () => move() },
    { what: 'twice before an evaluator has noticed', when: 'asked', change: () => moveTwice() },
    { what: 'there and back', when: 'asked', change: () => moveThereAndBack() },
    { what: 'there, and back later', when: 'asked', change: () => move(), later: () => moveBack() },
  ])('change state and notify exactly as if they had stayed: $what', async ({ when, change, later }) => {
    const end = flipOf(0, PHASES);
    const atMiddle = flipOf(0, 2) + INTERVAL_MS / 2; // while values change
    while (clock.now().getTime() < atMiddle) await tick();
    await (when === 'idle' ? change() : whileBothWait(change));
    const soon = clock.now().getTime() + INTERVAL_MS / 2;
    while (clock.now().getTime() < soon) await tick();
    if (later) await whileBothWait(later);
    while (clock.now().getTime() < end - INTERVAL_MS / TICKS) await tick();
    const rows = await history();
    expect(rows.map(({ at: _, ...rest }) => rest)).toEqual(expectedHistory());
    for (const { alarm_id, at, state_version } of rows) {
      const flip = flipOf(Number(alarm_id.slice(-2)), state_version - 1);
      expect(at).toBeGreaterThanOrEqual(flip);
      expect(at - flip).toBeLessThanOrEqual(LONGEST_WAIT_MS);
    }
    const expected = rows.map(({ alarm_id, state, state_version, at }) => ({
      alarm_id,
      kind: 'transition',
      state_version,
      action_list: `${state}_actions`,
      at,
    }));
    expect(await notified()).toEqual(expected);
  });

  test('are not used in combinations while their state is older than the move', async () => {
    const [x, y, flip] = ['x', 'y', BEGIN + 4 * INTERVAL_MS + (2 * INTERVAL_MS) / PHASES_PER_INTERVAL];
    prometheus.says = ({ promql }, { now }) => {
      const value = (promql === x) === now.getTime() >= flip ? 95 : 5;
      return { kind: 'series', series: [[{ at: now.getTime(), values: { value } }]] };
    };
    for (const [query, phase] of [
      [x, 6],
      [y, 4],
    ] as const) {
      const rule = alarmTypes.prometheus.schema.parse({ query, threshold: 80, comparison_operator: 'gt' });
      await storeAlarm(db, { id: query, rule, state: query === y ? 'alarm' : 'ok' });
      await moveTo(query, phase);
    }
    await storeAlarm(db, { id: 'either', rule: combinationRule('or', x, y), state: 'alarm' });
    while (clock.now().getTime() < flip + (3 * INTERVAL_MS) / PHASES_PER_INTERVAL) await tick();
    // It would be due in this interval now. In its new partition it has just been due.
    await moveTo(x, 1);
    while (clock.now().getTime() < flip + 3 * INTERVAL_MS) await tick();
    const rows = (await history()).filter(({ alarm_id }) => !alarm_id.startsWith('alarm-'));
    expect(rows.map(({ alarm_id, state }) => [alarm_id, state])).toEqual([
      [x, 'alarm'],
      [y, 'ok'],
    ]);
  });

  async function placements(): Promise<Map<string, number>> {
    const { rows } = await db.query<{ id: string; type: AlarmKind; rule: string }>('select id, type, rule from alarms');
    return new Map(rows.map(({ id, type, rule }) => [id, placementOf(parseStoredRule(type, rule), {}, id).partition]));
  }
});
