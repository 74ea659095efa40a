import { randomUUID } from 'node:crypto';

import { alarmTypes, type AlarmRule } from '../../src/alarm/types/index.js';
import type { Database } from '../../src/storage/database.js';
import { startGnocchi, type RealGnocchi } from '../../test/support/gnocchi.js';
import { emptyAlarms, startBenchEvaluator, storeAlarms, transitionsIn } from '../evaluator-rig.js';
import { atLeast, atMost, cpuSeconds, plain, type Figure } from '../figure.js';
import { cpuSecondsOf } from '../process-cpu.js';
import { gnocchiDatasource } from './datasources.js';

const ALARMS = 1_000;
const CYCLES = 2;
const GRANULARITY_S = 60;
/** Concurrent requests if each alarm has its own request. */
const CONCURRENCY = 4;
const POLL_MS = 250;
const FEED_TIMEOUT_MS = 120_000;

/** Budgets: alarms per second of one evaluator, and the total cost of one alarm. */
const RATE = 900;
const BUDGET_US = 1_500;

/**
 * Alarms with one metric and resource each, compared with one request per alarm. `postgresPid` is the PostgreSQL server
 * of Gnocchi's index.
 */
export async function benchGnocchi(db: Database, postgresPid: number): Promise<Figure[]> {
  const gnocchi = await startGnocchi({ metricd: true });
  try {
    const resources = await feed(gnocchi);
    const cpuOf = (): Cpu => ({
      ours: cpuSeconds(),
      gnocchi: gnocchi.pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
      postgres: cpuSecondsOf(postgresPid),
    });
    const merged = await measureCycles(db, gnocchi, resources, cpuOf);
    const single = await measureSingly(gnocchi, resources, cpuOf);
    const name = `${ALARMS.toLocaleString('en')} Gnocchi alarms`;
    return [
      plain(`${name}: requests a cycle`, merged.requests, 'requests'),
      plain(`${name}: wall time of the requests, a cycle`, merged.wallS, 's'),
      atLeast(`${name}: alarms a second, one evaluator`, ALARMS / merged.wallS, 'per second', RATE),
      plain(`${name}: evaluator CPU per alarm`, (merged.ours / ALARMS) * 1e6, 'µs'),
      plain(`${name}: Gnocchi CPU per alarm`, (merged.gnocchi / ALARMS) * 1e6, 'µs'),
      plain(`${name}: PostgreSQL CPU per alarm`, (merged.postgres / ALARMS) * 1e6, 'µs'),
      atMost(
        `${name}: CPU per alarm, evaluator and Gnocchi`,
        ((merged.ours + merged.gnocchi) / ALARMS) * 1e6,
        'µs',
        BUDGET_US,
      ),
      plain(`${name}, a request each: alarms a second`, ALARMS / single.wallS, 'per second'),
      plain(
        `${name}, a request each: CPU per alarm, Tocsin and Gnocchi`,
        ((single.ours + single.gnocchi) / ALARMS) * 1e6,
        'µs',
      ),
    ];
  } finally {
    await gnocchi.stop();
  }
}

interface Cpu {
  ours: number;
  gnocchi: number;
  postgres: number;
}

interface Measured extends Cpu {
  requests: number;
  wallS: number;
}

/** Costs of one cycle without a change of state. */
async function measureCycles(
  db: Database,
  gnocchi: RealGnocchi,
  resources: readonly string[],
  cpuOf: () => Cpu,
): Promise<Measured> {
  const start = new Date();
  await emptyAlarms(db);
  await storeAlarms(db, { count: ALARMS, at: start, rule: (n) => ruleOf(resources[n] as string) });
  const evaluator = startBenchEvaluator(db, {
    start,
    remoteWith: (observer) => ({ gnocchi: new Map([[null, gnocchiDatasource(gnocchi.url, observer)]]) }),
  });
  try {
    await evaluator.own();
    await evaluator.interval();
    const changed = await transitionsIn(db);
    if (changed !== ALARMS) throw new Error(`${changed} of ${ALARMS} alarms changed state in the first cycle`);
    const requests = evaluator.queries();
    const measured = await measure(cpuOf, CYCLES, () => evaluator.interval());
    return { ...measured, requests: (evaluator.queries() - requests) / CYCLES };
  } finally {
    await evaluator.stop();
  }
}

/** The same queries as Aodh sends them, several at once. */
async function measureSingly(gnocchi: RealGnocchi, resources: readonly string[], cpuOf: () => Cpu): Promise<Measured> {
  const measured = await measure(cpuOf, 1, async () => {
    const waiting = [...resources];
    const start = new Date(Date.now() - 2 * GRANULARITY_S * 1000).toISOString().slice(0, -1);
    const work = async (): Promise<void> => {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        const query = `aggregation=mean&granularity=${GRANULARITY_S}&start=${encodeURIComponent(start)}`;
        const { status } = await gnocchi.ask('GET', `/v1/resource/generic/${id}/metric/cpu/measures?${query}`);
        if (status !== 200) throw new Error(`Gnocchi answered with status ${status}`);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  });
  return { ...measured, requests: resources.length };
}

async function measure(cpuOf: () => Cpu, rounds: number, round: () => Promise<void>): Promise<Cpu & { wallS: number }> {
  const before = cpuOf();
  const from = performance.now();
  for (let n = 0; n < rounds; n += 1) await round();
  const wallS = (performance.now() - from) / 1000 / rounds;
  const after = cpuOf();
  return {
    ours: (after.ours - before.ours) / rounds,
    gnocchi: (after.gnocchi - before.gnocchi) / rounds,
    postgres: (after.postgres - before.postgres) / rounds,
    wallS,
  };
}

/**
 * Resources with one metric each. Measures lie between some minutes in the past and some minutes in the future, since
 * the clock of the evaluator is put forward.
 */
async function feed(gnocchi: RealGnocchi): Promise<string[]> {
  const policy = {
    name: 'bench',
    back_window: 0,
    aggregation_methods: ['mean'],
    definition: [{ granularity: '60 s', timespan: '1 day' }],
  };
  await expectStatus(gnocchi.ask('POST', '/v1/archive_policy', { body: policy }), 201);
  const resources = Array.from({ length: ALARMS }, () => randomUUID());
  for (const id of resources) {
    const body = { id, user_id: 'u', project_id: 'p', metrics: { cpu: { archive_policy_name: 'bench' } } };
    await expectStatus(gnocchi.ask('POST', '/v1/resource/generic', { body }), 201);
  }
  const now = Date.now();
  const times = Array.from({ length: 12 }, (_, n) =>
    new Date(now + (n - 4) * GRANULARITY_S * 1000).toISOString().slice(0, -1),
  );
  const measures = Object.fromEntries(
    resources.map((id, n) => [id, { cpu: times.map((timestamp) => ({ timestamp, value: n % 50 })) }]),
  );
  await expectStatus(gnocchi.ask('POST', '/v1/batch/resources/metrics/measures', { body: measures }), 202);
  await untilProcessed(gnocchi);
  return resources;
}

async function untilProcessed(gnocchi: RealGnocchi): Promise<void> {
  for (const deadline = Date.now() + FEED_TIMEOUT_MS; Date.now() < deadline;) {
    const { body } = await gnocchi.ask('GET', '/v1/status?details=false');
    const { storage } = body as { storage: { summary: { metrics: number; measures: number } } };
    if (storage.summary.metrics === 0 && storage.summary.measures === 0) return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error('Gnocchi did not process its measures in time');
}

async function expectStatus(answer: Promise<{ status: number; body: unknown }>, expected: number): Promise<void> {
  const { status, body } = await answer;
  if (status !== expected) throw new Error(`Gnocchi answered with status ${status}: ${JSON.stringify(body)}`);
}

function ruleOf(resource_id: string): AlarmRule {
  return alarmTypes.gnocchi_resources_threshold.schema.parse({
    resource_id,
    resource_type: 'generic',
    metric: 'cpu',
    aggregation_method: 'mean',
    granularity: GRANULARITY_S,
    comparison_operator: 'gt',
    threshold: 80,
  });
}
