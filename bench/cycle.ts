import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { NO_OPTIONS } from '../src/alarm/evaluation-options.js';
import { PARTITIONS, partitionOf, queryKeyOf } from '../src/alarm/partition-key.js';
import { alarmTypes, typeOf } from '../src/alarm/types/index.js';
import { createDatasources } from '../src/datasource/registry.js';
import { createEvaluator } from '../src/evaluator/evaluator.js';
import { SLOTS } from '../src/evaluator/schedule.js';
import { silentLogger } from '../src/logger.js';
import type { Database } from '../src/storage/database.js';
import { createEvaluationCommit } from '../src/storage/evaluation-commit.js';
import { createEvaluationStore } from '../src/storage/evaluation-store.js';
import { createMeterSeriesStore } from '../src/storage/meter-series-store.js';
import { createTelemetry } from '../src/telemetry.js';
import { FakeClock } from '../test/support/fake-clock.js';
import { atMost, cpuSeconds, plain, type Figure } from './figure.js';

// Without garbage collected first, what is in the heap says nothing about what is held.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const METERS = 1_000;
/** Alarms stored by one statement. */
const PIECE = 50_000;
const INTERVAL_MS = 60_000;
const TICKS = SLOTS * 2;
const START = new Date('2026-01-01T12:00:01Z');
/** Alarms per request that merging must reach where keys can be merged. */
const MERGE = 500;

/** A full cycle of threshold alarms over 1,000 meters, first with every alarm changing state, then with none. */
export async function benchCycle(db: Database, alarms: number): Promise<Figure[]> {
  await fill(db, alarms);
  const rig = start(db);
  const heapBefore = heap();
  await rig.own();
  await rig.interval();
  const heapPerAlarm = (heap() - heapBefore) / alarms;
  const changed = await count(db, 'alarm_history');
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
    atMost(`${name}: backend queries`, queries, 'queries', Math.min(METERS, Math.max(SLOTS, alarms / MERGE))),
    atMost(`${name}, unchanged: rows written beside checkpoints`, rows - PARTITIONS, 'rows', 0),
    plain(`${name}, unchanged: evaluator CPU`, cpu, 'CPU-seconds'),
    plain(`${name}, unchanged: evaluator CPU per alarm`, (cpu / alarms) * 1e6, 'µs'),
    plain(`${name}, unchanged: wall time`, wallS, 's'),
    atMost(`${name}: evaluator heap per alarm`, heapPerAlarm / 1024, 'KiB', 1.5),
  ];
}

async function fill(db: Database, alarms: number): Promise<void> {
  await db.query('truncate alarms, alarm_members, alarm_history, notifications, attempts, samples');
  await db.query('update partitions set owner = null, evaluation_started_at = null, last_evaluated_at = null');
  for (let start = 0; start < alarms; start += PIECE) await storeAlarms(db, start, Math.min(PIECE, alarms - start));
  await db.query(
    `insert into samples (message_id, meter, type, unit, volume, resource_id, project_id, user_id, source, timestamp, recorded_at, resource_metadata)
     select m || '-' || s, 'meter' || m, 'gauge', '%', m % 50, 'r', 'p', 'u', 'bench', $1::timestamptz + s * interval '10 seconds', $1, '{}'
       from generate_series(0, ${METERS - 1}) m, generate_series(-30, 30) s`,
    [START],
  );
  await db.query('analyze alarms');
  await db.query('analyze samples');
}

async function storeAlarms(db: Database, first: number, count: number): Promise<void> {
  const columns: { id: string[]; rule: string[]; key: string[]; partition: number[] } = {
    id: [],
    rule: [],
    key: [],
    partition: [],
  };
  for (let n = first; n < first + count; n += 1) {
    const fields = {
      meter_name: `meter${n % METERS}`,
      threshold: 80 + (n % 7),
      comparison_operator: 'lt',
      evaluation_periods: 1 + (n % 3),
    };
    const rule = alarmTypes.threshold.schema.parse(fields);
    const key = queryKeyOf(rule, NO_OPTIONS, '');
    columns.id.push(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
    columns.rule.push(typeOf(rule).ruleJson(rule));
    columns.key.push(key);
    columns.partition.push(partitionOf(key));
  }
  await db.query(
    `insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, ok_actions, alarm_actions, insufficient_data_actions,
                         repeat_actions, severity, time_constraints, timestamp, created_at, state, state_reason, state_timestamp, query_key, partition)
     select i.id, 'p', 'u', 'threshold', 'alarm ' || i.id, '', true, i.rule, '{}', '{}', '{}', false, 'low', '[]', $5, $5,
            'insufficient data', '', $5, i.key, i.partition
       from unnest($1::text[], $2::text[], $3::text[], $4::smallint[]) as i (id, rule, key, partition)`,
    [columns.id, columns.rule, columns.key, columns.partition, START],
  );
}

function start(db: Database) {
  const clock = new FakeClock(START);
  let queries = 0;
  const evaluator = createEvaluator({
    store: createEvaluationStore(db),
    commit: createEvaluationCommit(db),
    datasources: createDatasources({
      meterStatistics: createMeterSeriesStore(db),
      observerOf: () => ({ succeeded: () => (queries += 1), failed: () => (queries += 1) }),
    }),
    doorbell: { ring: () => undefined },
    clock,
    log: silentLogger,
    telemetry: createTelemetry(),
    memberId: 'bench',
    intervalMs: INTERVAL_MS,
    deadlineMs: 60_000,
    graceMs: 3 * INTERVAL_MS,
    random: Math.random,
    defaultPolicy: 'current',
    mayCommit: () => true,
  });
  const stopping = new AbortController();
  const running = evaluator.loop.run(stopping.signal);
  return {
    queries: () => queries,
    async own(): Promise<void> {
      const { rows } = await db.query<{ id: number; epoch: number }>(
        "update partitions set owner = 'bench', epoch = epoch + 1 returning id, epoch",
      );
      evaluator.taken(rows.map((row) => ({ ...row, lastEvaluatedAt: clock.now() })));
    },
    async interval(): Promise<void> {
      for (let tick = 0; tick < TICKS; tick += 1) {
        await clock.advance(INTERVAL_MS / TICKS);
        await evaluator.settled();
      }
    },
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}

/** Rows that this database has inserted, updated or deleted so far. */
async function rowsWritten(db: Database): Promise<number> {
  await db.query('select pg_stat_clear_snapshot()');
  await db.query('select pg_stat_force_next_flush()');
  const { rows } = await db.query<{ written: number }>(
    'select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::int as written from pg_stat_user_tables',
  );
  return rows[0]?.written ?? 0;
}

async function count(db: Database, table: 'alarm_history'): Promise<number> {
  return (await db.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]?.n ?? 0;
}

function heap(): number {
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
