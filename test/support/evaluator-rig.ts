import { randomUUID } from 'node:crypto';

import type { AlarmLink } from '../../src/alarm/notification.js';
import { PARTITIONS, PHASES_PER_INTERVAL } from '../../src/alarm/partition-key.js';
import { createDatasources, type ConfiguredDatasources } from '../../src/datasource/registry.js';
import type { CountResults } from '../../src/evaluator/count-results.js';
import { createEvaluator, type Evaluator } from '../../src/evaluator/evaluator.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createEvaluationCommit } from '../../src/storage/evaluation/evaluation-commit.js';
import { createSettleAlarms } from '../../src/storage/silences/settle-store.js';
import { createEvaluationStore } from '../../src/storage/evaluation/evaluation-store.js';
import { createTelemetry, type Telemetry } from '../../src/telemetry.js';
import { FakeClock } from './fake-clock.js';
import { metersIn } from './meters-in.js';

export const INTERVAL_MS = 60_000;
export const DEADLINE_MS = 10_000;
const TICKS = PHASES_PER_INTERVAL * 2;

/** An evaluator that holds every partition of a database, or those it is to have, on a clock that the test moves. */
export interface EvaluatorRig {
  clock: FakeClock;
  memberId: string;
  evaluator: Evaluator;
  telemetry: Telemetry;
  /** Notifications that the notifiers were woken for so far. */
  wokenFor: () => number;
  queries: () => number;
  /** Lets one tick (a sixteenth of an interval) pass, and all work of it. */
  tick: () => Promise<void>;
  /** Lets a whole interval pass: every partition is evaluated once. */
  interval: () => Promise<void>;
  stop: () => Promise<void>;
}

export interface EvaluatorRigOptions {
  clock?: FakeClock;
  mayCommit?: () => boolean;
  countResults?: CountResults;
  remote?: ConfiguredDatasources;
  /** How long alarms keep their state while their backend is unavailable; three intervals by default. */
  graceMs?: number;
  /** As `evaluator.extra_batches`; true by default. */
  hasExtraBatches?: boolean;
  /** Those that it holds, if not all. */
  partitions?: readonly number[];
  deadlineMs?: number;
  alarmLink?: AlarmLink;
}

export async function startEvaluator(db: Database, options: EvaluatorRigOptions = {}): Promise<EvaluatorRig> {
  const clock = options.clock ?? new FakeClock('2026-01-01T12:00:01Z');
  const telemetry = createTelemetry();
  const partitions = options.partitions ?? Array.from({ length: PARTITIONS }, (_, id) => id);
  const memberId = `evaluator-${randomUUID()}`;
  let wokenFor = 0;
  let queries = 0;
  const evaluator = createEvaluator({
    store: createEvaluationStore(db),
    commit: createEvaluationCommit(db, { alarmLink: options.alarmLink }),
    settle: createSettleAlarms(db),
    datasources: createDatasources({
      meters: metersIn(db, { succeeded: () => (queries += 1), failed: () => (queries += 1) }),
      ...options.remote,
    }),
    waker: { wake: (count) => (wokenFor += count) },
    clock,
    log: silentLogger,
    telemetry,
    memberId,
    intervalMs: INTERVAL_MS,
    deadlineMs: options.deadlineMs ?? DEADLINE_MS,
    statementMs: 10_000,
    graceMs: options.graceMs ?? 3 * INTERVAL_MS,
    hasExtraBatches: options.hasExtraBatches ?? true,
    random: () => 0.5,
    defaultPolicy: 'current',
    countResults: options.countResults,
    mayCommit: options.mayCommit ?? (() => true),
  });
  const { rows } = await db.query<{ id: number; epoch: number }>(
    'update partitions set owner = $1, epoch = epoch + 1 where id = any($2::smallint[]) returning id, epoch',
    [memberId, partitions],
  );
  if (rows.length !== partitions.length) throw new Error('the partitions table is not whole');
  const stopping = new AbortController();
  const running = evaluator.loop.run(stopping.signal);
  evaluator.taken(rows.map((row) => ({ ...row, lastEvaluatedAt: clock.now() })));
  const tick = async (): Promise<void> => {
    await clock.advance(INTERVAL_MS / TICKS);
    await evaluator.whenIdle();
  };
  return {
    clock,
    memberId,
    evaluator,
    telemetry,
    wokenFor: () => wokenFor,
    queries: () => queries,
    tick,
    interval: async () => {
      for (let count = 0; count < TICKS; count += 1) await tick();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
