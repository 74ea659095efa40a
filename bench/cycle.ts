import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { PARTITIONS, PHASES_PER_INTERVAL } from '../src/alarm/partition-key.js';
import type { TimeConstraint } from '../src/alarm/time-constraint/time-constraint.js';
import { alarmTypes, type AlarmRule } from '../src/alarm/types/index.js';
import type { Database } from '../src/storage/database.js';
import { emptyAlarms, startBenchEvaluator, storeAlarms, transitionsIn } from './evaluator-rig.js';
import { atMost, cpuSeconds, plain, type Figure } from './figure.js';

// The heap is measured after a garbage collection, which needs this flag of V8.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const METERS = 1_000;
export const START = new Date('2026-01-01T12:00:01Z');
/** Alarms per request that merging must reach if the keys can be merged. */
const MERGE = 500;

/** A full cycle of threshold alarms over 1,000 meters, first with every alarm changing state, then with none. */
export async function benchCycle(db: Database, alarms: number): Promise<Figure[]> {
  await fill(db, alarms);
  const rig = startBenchEvaluator(db, { start: START });
  const heapBefore = heap();
  await rig.own();
  await rig.interval();
  const heapPerAlarm = (heap() - heapBefore) / alarms;
  const changed = await transitionsIn(db);
  const rowsBefore = await rowsWritten(db);
  const queriesBefore = rig.queries();
  const cpuBefore = cpuSeconds();
  const wallBefore = performance.now();
  await rig.interval();
  const cpu = cpuSeconds() - cpuBefore;
  const wallS = (performance.now() - wallBefore) / 1000;
  const queries = rig.queries() - queriesBefore;
  const rows = (await rowsWritten(db)) - rowsBefore;
  await rig.stop();
  if (changed !== alarms) throw new Error(`${changed} of ${alarms} alarms changed state in the first cycle`);
  const name = `cycle of ${alarms.toLocaleString('en')} alarms`;
  return [
    atMost(
      `${name}: backend queries`,
      queries,
      'queries',
      Math.min(METERS, Math.max(PHASES_PER_INTERVAL, alarms / MERGE)),
    ),
    atMost(`${name}, unchanged: rows written beside checkpoints`, rows - PARTITIONS, 'rows', 0),
    plain(`${name}, unchanged: evaluator CPU`, cpu, 'CPU-seconds'),
    plain(`${name}, unchanged: evaluator CPU per alarm`, (cpu / alarms) * 1e6, 'µs'),
    plain(`${name}, unchanged: wall time`, wallS, 's'),
    atMost(`${name}: evaluator heap per alarm`, heapPerAlarm / 1024, 'KiB', 1.5),
  ];
}

/** Stores alarms. All time constraints must be open, since an alarm that is not evaluated costs nothing. */
export async function fill(
  db: Database,
  alarms: number,
  timeConstraints?: (n: number) => readonly TimeConstraint[],
): Promise<void> {
  await emptyAlarms(db);
  await storeAlarms(db, { count: alarms, at: START, rule: ruleOf, ...(timeConstraints && { timeConstraints }) });
  await db.query(
    `insert into samples (message_id, meter, type, unit, volume, resource_id, project_id, user_id, source, timestamp,
      recorded_at, resource_metadata)
     select m || '-' || s, 'meter' || m, 'gauge', '%', m % 50, 'r', 'p', 'u', 'bench',
       $1::timestamptz + s * interval '10 seconds', $1, '{}'
       from generate_series(0, ${METERS - 1}) m, generate_series(-30, 30) s`,
    [START],
  );
  await db.query('analyze samples');
}

function ruleOf(n: number): AlarmRule {
  return alarmTypes.threshold.schema.parse({
    meter_name: `meter${n % METERS}`,
    threshold: 80 + (n % 7),
    comparison_operator: 'lt',
    evaluation_periods: 1 + (n % 3),
  });
}

/** Number of rows that this database has inserted, updated or deleted so far. */
async function rowsWritten(db: Database): Promise<number> {
  await db.query('select pg_stat_clear_snapshot()');
  await db.query('select pg_stat_force_next_flush()');
  const { rows } = await db.query<{ written: number }>(
    'select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int as written from pg_stat_user_tables',
  );
  return rows[0]?.written ?? 0;
}

function heap(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
