import { writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Terminal } from '../../src/cli/terminal.js';
import { createSystemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import { createRedis } from '../../src/redis.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Database } from '../../src/storage/database.js';
import { openPostgres } from '../../src/storage/engine/postgres.js';
import { randomMoments, type Moments } from '../support/moments.js';
import { checkRun } from './checker/check-run.js';
import { startFaultCluster } from './cluster.js';
import { watchEvaluations } from './evaluation-watch.js';
import { pickOne, type FaultContext, type FaultKind } from './fault-kind.js';
import { watchMachine } from './machine-watch.js';
import { startMetricsBackend } from './metrics-backend.js';
import { injectFault } from './nemesis.js';
import { openNotifications, readDatabase, transitionsOf } from './read-records.js';
import { startReceivers } from './receivers.js';
import type { RecordedFault, RunRecords } from './records.js';
import { TAKEOVER_MS, TIMINGS } from './timings.js';
import { createWorkload } from './workload.js';

/** Options of a run. */
export interface RunFaultsOptions {
  kinds: readonly FaultKind[];
  /** Time in which faults are injected; undefined: one fault of each kind, in their order. */
  minutes: number | undefined;
  random: Moments;
  alarms: number;
  keep: boolean;
  terminal: Pick<Terminal, 'out' | 'err' | 'environment' | 'stop'>;
}

const RECEIVERS = 3;
/** Time after the last fault until all must be delivered. */
const SETTLE_MS = 60_000;
const POLL_MS = 250;
/** Between two faults. A short run waits until the first is over, so that faults do not add up. */
const PAUSE_MS = [2_000, 8_000] as const;
const SMOKE_PAUSE_MS = 1_500;
const PARENT_MS = 1_000;
const clock = createSystemClock();

/** Runs the cluster under faults, checks it and prints what was found. Resolves to the exit code. */
export async function runFaults(options: RunFaultsOptions): Promise<number> {
  const { terminal } = options;
  const resources = new ReleaseStack();
  const orphaned = new AbortController();
  const parent = process.ppid;
  const watchingParent = setInterval(() => process.ppid !== parent && orphaned.abort(), PARENT_MS);
  const stop = AbortSignal.any([terminal.stop, orphaned.signal]);
  try {
    const records = await recordRun({ ...options, terminal: { ...terminal, stop } }, resources);
    if (records === undefined) return INTERRUPTED;
    const verdicts = checkRun(records);
    for (const verdict of verdicts)
      terminal.out(`${JSON.stringify({ ...verdict, problems: verdict.problems.slice(0, SHOWN) })}\n`);
    // In a short run each fault must have done something; in a long one those that did nothing are named.
    const isShort = options.minutes === undefined;
    const failed = verdicts.filter(
      ({ guarantee, verdict }) => verdict === 'broken' || (isShort && guarantee === 'faults' && verdict !== 'held'),
    );
    const names = failed.map(({ guarantee }) => guarantee).join(', ');
    terminal.out(
      failed.length === 0 ? `held, seed ${options.random.seed}\n` : `FAILED: ${names}, seed ${options.random.seed}\n`,
    );
    return failed.length === 0 ? 0 : 1;
  } finally {
    clearInterval(watchingParent);
    await resources.release();
  }
}

const INTERRUPTED = 130;
const SHOWN = 20;

/** Undefined if the run was interrupted. */
async function recordRun(options: RunFaultsOptions, resources: ReleaseStack): Promise<RunRecords | undefined> {
  const { terminal, random } = options;
  const say = (line: string): void => terminal.err(`faults: ${line}\n`);
  say(`seed ${random.seed}`);
  const machine = watchMachine();
  resources.push('watch of the machine', () => machine.stop());
  const numbers: { all: Iterable<number> } = { all: [] };
  const backend = await startMetricsBackend(() => numbers.all);
  resources.push('metrics backend', () => backend.close());
  const cluster = await startFaultCluster({
    backendPort: backend.port,
    environment: terminal.environment,
    say,
    resources,
    keep: options.keep,
  });
  const receivers = await startReceivers(RECEIVERS, path.join(cluster.folder, 'calls.jsonl'));
  resources.push('receivers', () => receivers.close());
  const { url } = cluster.postgres;
  const db = await openPostgres({ url, maxConnections: 6, statementTimeoutMs: 30_000 }, silentLogger);
  resources.push('database connection', () => db.close());
  const redis = createRedis(cluster.redis.url, 'command', silentLogger);
  resources.push('Redis connection', () => redis.disconnect());
  const workload = createWorkload({
    apiUrl: cluster.apiUrl,
    receiverUrls: receivers.each.map((receiver) => receiver.url),
    random: randomMoments(random.seed + 1),
    transitionsOf: (alarmId) => transitionsOf(db, alarmId),
    stop: terminal.stop,
  });
  numbers.all = workload.numbers;
  const context: FaultContext = {
    cluster,
    receivers,
    backend,
    workload,
    db,
    redis,
    random,
    stop: terminal.stop,
    sleep: (ms) => clock.sleep(ms, terminal.stop),
  };
  await workload.createAlarms(options.alarms);
  say(`${options.alarms} alarms`);
  const watch = watchEvaluations(db);
  resources.push('watch of evaluations', () => watch.stop());
  const fromMs = Date.now();
  const writing = new AbortController();
  const written = workload.write(AbortSignal.any([writing.signal, terminal.stop]));
  resources.push('writer', async () => {
    writing.abort();
    await written;
  });
  const faults = await injectFaults(options, context, say);
  writing.abort();
  await written;
  // Until the last fault can have no effect any more.
  await context.sleep(TAKEOVER_MS + TIMINGS.intervalMs);
  const toMs = Date.now();
  await settle(db, context);
  if (terminal.stop.aborted) return undefined;
  await watch.stop();
  const records: RunRecords = {
    fromMs,
    toMs,
    readMs: Date.now(),
    ...(await readDatabase(db, workload)),
    acknowledgedWrites: workload.acknowledged,
    calls: receivers.calls,
    evaluations: watch.evaluations,
    furthestQueryMs: backend.furthestMs,
    faults,
    stalls: machine.stalls,
    pressure: machine.pressure,
    stops: cluster.members.flatMap((member) => member.stops),
    crashes: cluster.members.flatMap((member) => member.crashes),
  };
  writeFileSync(path.join(cluster.folder, 'records.json'), JSON.stringify(records));
  return records;
}

async function injectFaults(
  { kinds, minutes, random }: RunFaultsOptions,
  context: FaultContext,
  say: (line: string) => void,
): Promise<RecordedFault[]> {
  const { stop } = context;
  const faults: RecordedFault[] = [];
  const untilMs = Date.now() + (minutes ?? 0) * 60_000;
  for (let k = 0; !stop.aborted && (minutes === undefined ? k < kinds.length : Date.now() < untilMs); k++) {
    const [shortest, longest] = PAUSE_MS;
    await context.sleep(minutes === undefined ? SMOKE_PAUSE_MS : shortest + random.next(longest - shortest));
    const kind = minutes === undefined ? kinds[k] : pickOne(random, kinds);
    if (kind === undefined) break;
    const fault = await injectFault(kind, context, minutes === undefined);
    faults.push(fault);
    const seconds = ((fault.toMs - fault.fromMs) / 1_000).toFixed(1);
    say(`${fault.id} ${fault.kind}, ${seconds} s, ${fault.detail}: ${fault.evidence ?? 'NO EFFECT SEEN'}`);
  }
  return faults;
}

/** Waits until all is delivered, or must have been. */
async function settle(db: Database, { sleep, stop }: FaultContext): Promise<void> {
  const deadline = clock.monotonicMs() + SETTLE_MS;
  while (!stop.aborted && clock.monotonicMs() < deadline) {
    if ((await openNotifications(db)) === 0) return;
    await sleep(POLL_MS);
  }
}
