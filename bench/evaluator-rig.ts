import { NO_OPTIONS } from '../src/alarm/evaluation-options.js';
import { placementOf, PHASES_PER_INTERVAL, type Placement } from '../src/alarm/partition-key.js';
import type { TimeConstraint } from '../src/alarm/time-constraint/time-constraint.js';
import { typeOf, type AlarmRule } from '../src/alarm/types/index.js';
import type { BackendObserver } from '../src/datasource/datasource.js';
import { createDatasources, type ConfiguredDatasources } from '../src/datasource/registry.js';
import { createEvaluator } from '../src/evaluator/evaluator.js';
import { silentLogger } from '../src/logger.js';
import type { Database } from '../src/storage/database.js';
import { createEvaluationCommit } from '../src/storage/evaluation/evaluation-commit.js';
import { createSettleAlarms } from '../src/storage/silences/settle-store.js';
import { createEvaluationStore } from '../src/storage/evaluation/evaluation-store.js';
import { createTelemetry } from '../src/telemetry.js';
import { FakeClock } from '../test/support/fake-clock.js';
import { metersIn } from '../test/support/meters-in.js';

/** Interval of the evaluator. */
export const INTERVAL_MS = 60_000;
const TICKS = PHASES_PER_INTERVAL * 2;
/** Alarms that one SQL statement stores. */
const PIECE = 50_000;

/** One evaluator that owns all partitions, with a clock that is set by hand. */
export interface BenchEvaluator {
  /** Takes every partition. */
  own(): Promise<void>;
  /** Advances the clock by one interval and waits for all evaluations in it. */
  interval(): Promise<void>;
  /** Number of requests to backends so far. */
  queries(): number;
  stop(): Promise<void>;
}

/** Creates an evaluator for the benchmark. */
export function startBenchEvaluator(
  db: Database,
  {
    start,
    remoteWith = () => ({}),
  }: { start: Date; remoteWith?: (observer: BackendObserver) => ConfiguredDatasources },
): BenchEvaluator {
  const clock = new FakeClock(start);
  let queries = 0;
  const observer: BackendObserver = {
    succeeded: () => (queries += 1),
    failed: (reason, cause) => {
      throw new Error(`a backend failed, so its figures mean nothing: ${reason}`, { cause });
    },
  };
  const evaluator = createEvaluator({
    store: createEvaluationStore(db),
    commit: createEvaluationCommit(db),
    settle: createSettleAlarms(db),
    datasources: createDatasources({
      meters: metersIn(db, observer),
      ...remoteWith(observer),
    }),
    waker: { wake: () => undefined },
    clock,
    log: silentLogger,
    telemetry: createTelemetry(),
    memberId: 'bench',
    intervalMs: INTERVAL_MS,
    deadlineMs: 60_000,
    statementMs: 10_000,
    graceMs: 3 * INTERVAL_MS,
    hasExtraBatches: true,
    random: () => 0.5,
    defaultPolicy: 'current',
    mayCommit: () => true,
  });
  const stopping = new AbortController();
  const running = evaluator.loop.run(stopping.signal);
  return {
    queries: () => queries,
    async own() {
      const { rows } = await db.query<{ id: number; epoch: number }>(
        "update partitions set owner = 'bench', epoch = epoch + 1 returning id, epoch",
      );
      evaluator.taken(rows.map((row) => ({ ...row, lastEvaluatedAt: clock.now() })));
    },
    async interval() {
      for (let tick = 0; tick < TICKS; tick += 1) {
        await clock.advance(INTERVAL_MS / TICKS);
        await evaluator.whenIdle();
      }
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Deletes all alarms and all owners of partitions. */
export async function emptyAlarms(db: Database): Promise<void> {
  await db.query(
    'truncate alarms, alarm_members, alarm_history, notifications, notification_bodies, attempts, samples',
  );
  await db.query('update partitions set owner = null, evaluation_started_at = null, last_evaluated_at = null');
}

/** Stores alarms without actions, in state `insufficient data`. */
export async function storeAlarms(
  db: Database,
  {
    count,
    at,
    rule,
    timeConstraints = () => [],
    place = (one) => placementOf(one, NO_OPTIONS, ''),
  }: {
    count: number;
    at: Date;
    rule: (n: number) => AlarmRule;
    timeConstraints?: (n: number) => readonly TimeConstraint[];
    place?: (rule: AlarmRule) => Placement;
  },
): Promise<void> {
  for (let start = 0; start < count; start += PIECE) {
    const numbers = Array.from({ length: Math.min(PIECE, count - start) }, (_, index) => start + index);
    const rules = numbers.map(rule);
    const placements = rules.map(place);
    await db.query(
      `insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, ok_actions, alarm_actions,
        insufficient_data_actions,
                           repeat_actions, severity, time_constraints, timestamp, created_at, state, state_reason,
                             state_timestamp, query_key, partition)
       select i.id, 'p', 'u', i.type, 'alarm ' || i.id, '', true, i.rule, '{}', '{}', '{}', false, 'low',
         i.constraints, $6, $6,
              'insufficient data', '', $6, i.key, i.partition
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::smallint[], $7::text[])
              as i (id, type, rule, key, partition, constraints)`,
      [
        numbers.map((n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`),
        rules.map(({ type }) => type),
        rules.map((one) => typeOf(one).ruleJson(one)),
        placements.map(({ queryKey }) => queryKey),
        placements.map(({ partition }) => partition),
        at,
        numbers.map((n) => JSON.stringify(timeConstraints(n))),
      ],
    );
  }
  await db.query('analyze alarms');
}

/** Number of entries in the history. */
export async function transitionsIn(db: Database): Promise<number> {
  return (await db.query<{ n: number }>('select count(*)::int as n from alarm_history')).rows[0]?.n ?? 0;
}
