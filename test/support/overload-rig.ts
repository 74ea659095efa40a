import { setMaxListeners } from 'node:events';

import { partitionOf, PARTITIONS } from '../../src/alarm/partition-key.js';
import { alarmTypes, typeOf } from '../../src/alarm/types/index.js';
import { createBackendHealth, type BackendHealth } from '../../src/app/datasources/backend-health.js';
import { createPrometheusDatasource } from '../../src/datasource/prometheus/prometheus.js';
import type { PrometheusClient } from '../../src/datasource/prometheus/prometheus-client.js';
import { createDatasources } from '../../src/datasource/registry.js';
import { BackendUnavailable } from '../../src/http/backend-unavailable.js';
import type { BehindRow } from '../../src/storage/evaluation/behind-store.js';
import { createEvaluator, type Evaluator } from '../../src/evaluator/evaluator.js';
import type { Logger } from '../../src/logger.js';
import type { EvaluationOutcome } from '../../src/storage/evaluation/evaluation-commit.js';
import type { LoadedAlarm } from '../../src/storage/evaluation/evaluation-store.js';
import { createTelemetry, type Telemetry } from '../../src/telemetry.js';
import { noChanges, nothingChanged, pieceAt } from './alarm-pieces.js';
import { FakeClock } from './fake-clock.js';

/** An alarm on a query; queries that differ in one label's value share a request. */
export interface OverloadAlarm {
  id: string;
  project: string;
  query: string;
  /** All partitions of one phase have their batches together; by the query if not said. */
  partition?: number;
}

/** What a request takes, in milliseconds of the fake clock; Infinity for one that is never answered. */
export type Takes = (query: string) => number;

export interface OverloadOptions {
  alarms: readonly OverloadAlarm[];
  intervalMs: number;
  deadlineMs?: number;
  /** Requests that the backend works on at once; more wait in it, and are answered in their order. */
  workers: number;
  takes: Takes;
  /** As `evaluator.extra_batches`; true if not said. */
  hasExtraBatches?: boolean;
  /** As `prometheus.timeout`. */
  timeoutMs?: number;
}

export interface OverloadRig {
  clock: FakeClock;
  evaluator: Evaluator;
  telemetry: Telemetry;
  health: BackendHealth;
  /** At which moments each query was sent, by its text; those that differ in a label's value by the text of each. */
  asked: Map<string, number[]>;
  /** Everything that was decided. */
  outcomes: EvaluationOutcome[];
  /** Lines of the log from `info` up. */
  lines: { level: string; message: string; fields: object }[];
  recorded: BehindRow[][];
  /** Changes what a request takes from now on. */
  takes: Takes;
  pass: (ms: number) => Promise<void>;
  stop: () => Promise<void>;
}

/** An evaluator of alarms in memory, before a Prometheus of limited speed, on a clock that the test moves. */
export async function startOverload(options: OverloadOptions): Promise<OverloadRig> {
  const { intervalMs, deadlineMs = 10_000, timeoutMs = 10_000 } = options;
  const clock = new FakeClock('2026-01-01T12:00:00Z');
  const telemetry = createTelemetry();
  const lines: OverloadRig['lines'] = [];
  const log = loggerTo(lines);
  const health = createBackendHealth({
    clock,
    log,
    telemetry,
    intervalMs,
    graceMs: 3 * intervalMs,
    alarmsInOutage: () => evaluator.alarmsInOutage(),
  });
  const outcomes: EvaluationOutcome[] = [];
  const recorded: BehindRow[][] = [];
  const server = backendOf(clock, { ...options, timeoutMs });
  const prometheus = createPrometheusDatasource({
    client: server.client,
    tenancy: { kind: 'none' },
    observer: health.observerOf('prometheus', null),
    clock,
  });
  const evaluator: Evaluator = createEvaluator({
    store: storeOf(options.alarms),
    settle: () => Promise.resolve({ settled: [], held: [] }),
    commit: (batch) => {
      outcomes.push(...batch.outcomes);
      const committed = batch.outcomes.map((outcome) => ({ outcome, stateVersion: outcome.stateVersion + 1 }));
      return Promise.resolve({ committed, fenced: [], locked: [], lost: [], notifications: 0 });
    },
    datasources: createDatasources({
      prometheus: new Map([[null, prometheus]]),
    }),
    waker: { wake: () => undefined },
    clock,
    log,
    telemetry,
    memberId: 'm',
    intervalMs,
    deadlineMs,
    statementMs: 10_000,
    graceMs: 3 * intervalMs,
    hasExtraBatches: options.hasExtraBatches ?? true,
    random: () => 0.5,
    defaultPolicy: 'current',
    recordBehind: async (rows) => void recorded.push([...rows]),
    mayCommit: () => true,
  });
  const stopping = new AbortController();
  const running = evaluator.loop.run(stopping.signal);
  evaluator.taken(Array.from({ length: PARTITIONS }, (_, id) => ({ id, epoch: 1, lastEvaluatedAt: clock.now() })));
  return {
    clock,
    evaluator,
    telemetry,
    health,
    asked: server.asked,
    outcomes,
    lines,
    recorded,
    get takes() {
      return server.state.takes;
    },
    set takes(takes) {
      server.state.takes = takes;
    },
    pass: (ms) => clock.advance(ms),
    async stop() {
      stopping.abort();
      server.close();
      const loop = { isStopped: false };
      const stopped = running.then(() => (loop.isStopped = true));
      while (!loop.isStopped) await clock.advance(deadlineMs);
      await stopped;
    },
  };
}

/** A rule that no other can share a request with. */
export function unmergeable(n: number | string): string {
  return `absent(up${n})`;
}

interface Backend {
  client: PrometheusClient;
  asked: Map<string, number[]>;
  state: { takes: Takes };
  close: () => void;
}

/** Every query has the value 1. */
function backendOf(clock: FakeClock, { workers, takes, timeoutMs }: OverloadOptions & { timeoutMs: number }): Backend {
  const asked = new Map<string, number[]>();
  const state = { takes };
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  /** When each worker is free. */
  const free = Array.from({ length: workers }, () => 0);
  const note = (query: string): void => {
    const texts = textsIn(query);
    for (const text of texts) asked.set(text, [...(asked.get(text) ?? []), clock.now().getTime()]);
  };
  const client: PrometheusClient = {
    async send({ form }, signal) {
      const query = form['query'] as string;
      note(query);
      const now = clock.monotonicMs();
      const worker = free.indexOf(Math.min(...free));
      const doneMs = Math.max(now, free[worker] as number) + state.takes(query);
      if (Number.isFinite(doneMs)) free[worker] = doneMs;
      const waiting = new AbortController();
      for (const one of [signal, closing.signal]) one?.addEventListener('abort', () => waiting.abort(), { once: true });
      await clock.sleep(Math.min(doneMs - now, timeoutMs), waiting.signal);
      if (waiting.signal.aborted || doneMs - now > timeoutMs) throw new BackendUnavailable('no answer in time');
      const result = textsIn(query).map((_, index) => ({
        metric: { n: valuesIn(query)[index] ?? '' },
        value: [Number(form['time']), '1'],
      }));
      return {
        status: 200,
        isCutOff: false,
        text: JSON.stringify({ status: 'success', data: { resultType: 'vector', result } }),
      };
    },
    close: () => undefined,
  };
  return { client, asked, state, close: () => closing.abort() };
}

/** The values of the label `n` that a merged query asks for. */
function valuesIn(query: string): string[] {
  const [, values] = /n=~"([^"]*)"/.exec(query) ?? [];
  return values?.split('|') ?? [];
}

/** The queries that were put together in one. */
function textsIn(query: string): string[] {
  const values = valuesIn(query);
  return values.length === 0 ? [query] : values.map((value) => query.replace(/n=~"[^"]*"/, `n="${value}"`));
}

function storeOf(alarms: readonly OverloadAlarm[]): Parameters<typeof createEvaluator>[0]['store'] {
  const byPartition = new Map<number, LoadedAlarm[]>();
  for (const alarm of alarms) {
    const one = loaded(alarm);
    byPartition.set(one.partition, [...(byPartition.get(one.partition) ?? []), one]);
  }
  return {
    loadPiece: async (positions, rows) => pieceAt((id) => byPartition.get(id) ?? [], positions, rows),
    changesPiece: noChanges,
    changedSince: nothingChanged,
    byId: () => Promise.resolve([]),
    reachableFrom: () => Promise.resolve([]),
  };
}

function loaded({ id, project, query, partition = partitionOf(query) }: OverloadAlarm): LoadedAlarm {
  const rule = alarmTypes.prometheus.schema.parse({ query, threshold: 0, comparison_operator: 'gt' });
  return {
    id,
    projectId: project,
    kind: 'prometheus',
    ruleJson: typeOf(rule).ruleJson(rule),
    enabled: true,
    repeatActions: true,
    statesWithActions: ['alarm'],
    timeConstraintsJson: '[]',
    optionsJson: null,
    state: 'alarm',
    shownReason: null,
    stateVersion: 1,
    definitionVersion: 1,
    partition,
    deleted: false,
  };
}

function loggerTo(lines: OverloadRig['lines']): Logger {
  const at =
    (level: string) =>
    (message: string, fields: object = {}): void =>
      void lines.push({ level, message, fields });
  const log = { debug: () => undefined, info: at('info'), warn: at('warn'), error: at('error') };
  return Object.assign(log, { child: () => log }) as unknown as Logger;
}
