import path from 'node:path';

import type { Placement } from '../../src/alarm/partition-key.js';
import { alarmTypes, type AlarmRule } from '../../src/alarm/types/index.js';
import type { Database } from '../../src/storage/database.js';
import { emptyAlarms, INTERVAL_MS, startBenchEvaluator, storeAlarms, transitionsIn } from '../evaluator-rig.js';
import { atMost, cpuSeconds, plain, type Figure } from '../figure.js';
import { cpuSecondsOf } from '../process-cpu.js';
import { prometheusDatasource, type Merging } from './datasources.js';
import { startBenchPrometheus, type BenchPrometheus } from './prometheus-server.js';

/**
 * Cycles that are not measured: the first, in which all alarms change state and all queries are parsed, and some more
 * until V8 has compiled the code.
 */
const WARM_UP = 4;
const CYCLES = 5;
/** Interval of the rule engine, long enough for the largest number of rules. */
const RULES_EVERY_S = 15;
const RULE_ROUNDS = 2;
const POLL_MS = 250;
const IDLE_MS = 10_000;

/**
 * Budgets for the cost of one alarm, evaluator and Prometheus together, at `BUDGETED` alarms: absolute, and relative to
 * the cost of one rule in Prometheus.
 */
const BUDGET_US = 18;
const BUDGETED = 10_000;
const SHARE = 1 / 5;

/** Series of a metric of which half have alarms, so that a select-all query would read too many. */
const NAMED_ALARMS = 10_000;
const NAMED_OUT_OF = 20_000;

const SHARED_ALARMS = 100_000;
const SHARED_METRICS = 1_000;

/**
 * Alarms with one series each, compared with Prometheus' rule engine with the same rules; then alarms on half of the
 * series of a metric; then many alarms on few series.
 */
export async function benchPrometheus(db: Database, dir: string, sizes: readonly number[]): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const size of sizes) figures.push(...(await benchOwnSeries(db, path.join(dir, String(size)), size)));
  figures.push(...(await benchHalf(db, path.join(dir, 'half'))));
  figures.push(...(await benchSharedSeries(db, path.join(dir, 'shared'))));
  return figures;
}

async function benchOwnSeries(db: Database, dir: string, size: number): Promise<Figure[]> {
  return withPrometheus(dir, async (prometheus) => {
    const start = await feed(prometheus, size);
    const ours = await measureCycles(db, prometheus, { start, alarms: size, series: size });
    const rule = await measureRules(prometheus, size);
    const name = `${size.toLocaleString('en')} Prometheus alarms`;
    const perAlarmUs = ((ours.evaluatorS + ours.prometheusS) / size) * 1e6;
    const perRuleUs = (rule.cpuS / size) * 1e6;
    return [
      atMost(`${name}: requests a cycle`, ours.requests, 'requests', size / 500 + 8),
      plain(`${name}: evaluator CPU a cycle`, ours.evaluatorS, 'CPU-seconds'),
      plain(`${name}: Prometheus CPU a cycle`, ours.prometheusS, 'CPU-seconds'),
      plain(`${name}: wall time a cycle`, ours.wallS, 's'),
      size === BUDGETED
        ? atMost(`${name}: CPU per alarm, both`, perAlarmUs, 'µs', BUDGET_US)
        : plain(`${name}: CPU per alarm, both`, perAlarmUs, 'µs'),
      plain(`${name}: the same as Prometheus' alerting rules, CPU per rule`, perRuleUs, 'µs'),
      plain(`${name}: the same as Prometheus' alerting rules, wall time`, rule.wallS, 's'),
      size === BUDGETED
        ? atMost(`${name}: share of what Prometheus' own rules cost`, perAlarmUs / perRuleUs, '', SHARE)
        : plain(`${name}: share of what Prometheus' own rules cost`, perAlarmUs / perRuleUs, ''),
    ];
  });
}

async function benchHalf(db: Database, dir: string): Promise<Figure[]> {
  return withPrometheus(dir, async (prometheus) => {
    const start = await feed(prometheus, NAMED_OUT_OF);
    const cost = await measureCycles(db, prometheus, { start, alarms: NAMED_ALARMS, series: NAMED_OUT_OF });
    const name = `${NAMED_ALARMS.toLocaleString('en')} alarms on half of a metric's series`;
    return [
      atMost(`${name}: requests a cycle`, cost.requests, 'requests', NAMED_ALARMS / 500),
      plain(`${name}: CPU per alarm, both`, ((cost.evaluatorS + cost.prometheusS) / NAMED_ALARMS) * 1e6, 'µs'),
    ];
  });
}

async function benchSharedSeries(db: Database, dir: string): Promise<Figure[]> {
  return withPrometheus(dir, async (prometheus) => {
    const start = await feed(prometheus, SHARED_METRICS);
    const { requests, evaluatorS, prometheusS } = await measureCycles(db, prometheus, {
      start,
      alarms: SHARED_ALARMS,
      series: SHARED_METRICS,
    });
    const name = `${SHARED_ALARMS.toLocaleString('en')} alarms on ${SHARED_METRICS.toLocaleString('en')} series`;
    return [
      atMost(`${name}: requests a cycle`, requests, 'requests', SHARED_METRICS),
      plain(`${name}: CPU per alarm, both`, ((evaluatorS + prometheusS) / SHARED_ALARMS) * 1e6, 'µs'),
    ];
  });
}

/** Runs some work with a Prometheus, which is stopped then. */
export async function withPrometheus<T>(dir: string, work: (prometheus: BenchPrometheus) => Promise<T>): Promise<T> {
  const prometheus = await startBenchPrometheus(dir);
  try {
    return await work(prometheus);
  } finally {
    await prometheus.stop();
  }
}

/**
 * Writes series with a sample a minute, since every cycle moves the evaluator's clock by a minute. Resolves to the time
 * of the first samples.
 */
export async function feed(prometheus: BenchPrometheus, series: number, cycles = WARM_UP + CYCLES): Promise<Date> {
  const start = new Date();
  for (let minute = 0; minute <= cycles; minute += 1) {
    const atMs = start.getTime() + minute * INTERVAL_MS;
    await prometheus.write(Array.from({ length: series }, (_, n) => ({ labels: labelsOf(n), value: n % 50, atMs })));
  }
  return start;
}

/** The cycles to measure. */
export interface CyclesOptions {
  /** As `feed` returned it. */
  start: Date;
  alarms: number;
  series: number;
  merging?: Merging;
  /** The partitions of the alarms; those of the service if not said. */
  place?: (rule: AlarmRule) => Placement;
  warmUp?: number;
  cycles?: number;
}

/** Costs of one cycle. */
export interface Cycles {
  requests: number;
  evaluatorS: number;
  prometheusS: number;
  wallS: number;
}

/** Costs of one cycle without a change of state. */
export async function measureCycles(
  db: Database,
  prometheus: BenchPrometheus,
  { start, alarms, series, merging, place, warmUp = WARM_UP, cycles = CYCLES }: CyclesOptions,
): Promise<Cycles> {
  await emptyAlarms(db);
  await storeAlarms(db, { count: alarms, at: start, rule: (n) => ruleOf(n, series), ...(place && { place }) });
  const evaluator = startBenchEvaluator(db, {
    start,
    remoteWith: (observer) => ({
      prometheus: new Map([[null, prometheusDatasource(prometheus.url, observer, merging)]]),
    }),
  });
  try {
    await evaluator.own();
    for (let cycle = 0; cycle < warmUp; cycle += 1) await evaluator.interval();
    const changed = await transitionsIn(db);
    if (changed !== alarms) throw new Error(`${changed} of ${alarms} alarms changed state in the first cycle`);
    const before = {
      requests: evaluator.queries(),
      own: cpuSeconds(),
      prometheus: cpuSecondsOf(prometheus.pid),
      at: performance.now(),
    };
    for (let cycle = 0; cycle < cycles; cycle += 1) await evaluator.interval();
    return {
      requests: (evaluator.queries() - before.requests) / cycles,
      evaluatorS: (cpuSeconds() - before.own) / cycles,
      prometheusS: (cpuSecondsOf(prometheus.pid) - before.prometheus) / cycles,
      wallS: (performance.now() - before.at) / 1000 / cycles,
    };
  } finally {
    await evaluator.stop();
  }
}

/**
 * CPU that Prometheus needs to evaluate all expressions once as alerting rules that do not fire, minus its CPU when
 * idle.
 */
async function measureRules(prometheus: BenchPrometheus, size: number): Promise<{ cpuS: number; wallS: number }> {
  const idleRate = await cpuRate(prometheus, () => pause(IDLE_MS));
  const expressions = Array.from({ length: size }, (_, n) => `${expressionOf(n)} > ${thresholdOf(n)}`);
  await prometheus.evaluateRules(expressions, RULES_EVERY_S);
  await untilRounds(prometheus, 1);
  const from = performance.now();
  const rate = await cpuRate(prometheus, () => untilRounds(prometheus, 1 + RULE_ROUNDS));
  const cpuS = ((rate - idleRate) * (performance.now() - from)) / 1000 / RULE_ROUNDS;
  return { cpuS, wallS: await prometheus.lastRoundS() };
}

/** CPU seconds per second during an action. */
async function cpuRate({ pid }: BenchPrometheus, during: () => Promise<void>): Promise<number> {
  const [cpu, from] = [cpuSecondsOf(pid), performance.now()];
  await during();
  return ((cpuSecondsOf(pid) - cpu) * 1000) / (performance.now() - from);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Evaluations are counted at their start, so that the time between two starts covers complete evaluations. */
async function untilRounds(prometheus: BenchPrometheus, rounds: number): Promise<void> {
  const deadline = Date.now() + (rounds + 2) * RULES_EVERY_S * 1000;
  while ((await prometheus.ruleRounds()) < rounds) {
    if (Date.now() > deadline) throw new Error('the rules of Prometheus were not evaluated in time');
    await pause(POLL_MS);
  }
}

function ruleOf(n: number, series: number): AlarmRule {
  return alarmTypes.prometheus.schema.parse({
    query: expressionOf(n % series),
    comparison_operator: 'gt',
    threshold: thresholdOf(n),
  });
}

function expressionOf(n: number): string {
  return `bench_cpu{instance="${instance(n)}",job="node"}`;
}

function thresholdOf(n: number): number {
  return 80 + (n % 7);
}

function labelsOf(n: number): [string, string][] {
  return [
    ['__name__', 'bench_cpu'],
    ['instance', instance(n)],
    ['job', 'node'],
  ];
}

function instance(n: number): string {
  return `i-${n}`;
}
