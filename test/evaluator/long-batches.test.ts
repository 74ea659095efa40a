import { describe, expect, test } from '@jest/globals';

import { PHASES_PER_INTERVAL } from '../../src/alarm/partition-key.js';
import { yieldToEventLoop } from '../../src/async/event-loop.js';
import type { BackendAnswer } from '../../src/alarm/series.js';
import { alarmTypes, typeOf } from '../../src/alarm/types/index.js';
import type { Datasource } from '../../src/datasource/datasource.js';
import type { Datasources } from '../../src/datasource/registry.js';
import { AlarmCache } from '../../src/evaluator/alarm-cache.js';
import { BehindWatch } from '../../src/evaluator/lateness/behind-watch.js';
import { evaluateBatch } from '../../src/evaluator/evaluate-batch.js';
import { createEvaluator, type Evaluator } from '../../src/evaluator/evaluator.js';
import { Quarantine } from '../../src/evaluator/quarantine.js';
import { OutageWatch } from '../../src/evaluator/outage-watch.js';
import { silentLogger } from '../../src/logger.js';
import type { CommitEvaluations } from '../../src/storage/evaluation/evaluation-commit.js';
import type { EvaluationStore, LoadedAlarm } from '../../src/storage/evaluation/evaluation-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { noChanges, nothingChanged, pieceAt } from '../support/alarm-pieces.js';
import { FakeClock } from '../support/fake-clock.js';

/** More alarms than one chunk has. */
const MANY = 5_000;
/** Two partitions of the same phase. */
const [FIRST, SECOND] = [0, PHASES_PER_INTERVAL];
const INTERVAL_MS = 60_000;

function loaded(partition: number, count: number, constraints: (index: number) => object[] = () => []): LoadedAlarm[] {
  return Array.from({ length: count }, (_, index) => {
    const rule = alarmTypes.prometheus.schema.parse({ query: `cpu{instance="${partition}-${index}"}`, threshold: 1 });
    return {
      id: `${partition}-${index}`,
      projectId: 'p',
      kind: 'prometheus',
      ruleJson: typeOf(rule).ruleJson(rule),
      enabled: true,
      repeatActions: false,
      statesWithActions: [],
      timeConstraintsJson: JSON.stringify(constraints(index)),
      optionsJson: null,
      state: 'ok',
      stateVersion: 1,
      shownReason: null,
      definitionVersion: 1,
      partition,
      deleted: false,
    };
  });
}

/**
 * A store with `count` alarms in `FIRST` and in `SECOND`. `onPiece` is called before each piece of a load is read, with
 * the number of alarms that were read of each partition so far.
 */
function storeOf(
  count: number,
  onPiece: (read: ReadonlyMap<number, number>) => void = () => undefined,
): EvaluationStore {
  const stored = new Map([FIRST, SECOND].map((id) => [id, loaded(id, count)]));
  const read = new Map([FIRST, SECOND].map((id) => [id, 0]));
  return {
    loadPiece: async (positions, rows) => {
      onPiece(read);
      await yieldToEventLoop();
      const piece = pieceAt((id) => stored.get(id) ?? [], positions, rows);
      for (const { partition } of piece.alarms) read.set(partition, (read.get(partition) ?? 0) + 1);
      return piece;
    },
    changesPiece: noChanges,
    changedSince: nothingChanged,
    byId: async () => [],
    reachableFrom: async () => [],
  };
}

function answering(answer: BackendAnswer, onAsked: () => void = () => undefined): Datasources {
  const datasource: Datasource<never> = {
    async answers({ queries }) {
      onAsked();
      return new Map(queries.map(({ key }) => [key, answer]));
    },
  };
  return { find: () => datasource, close: () => undefined };
}

/** Counts how often the event loop runs other work during `work`. */
async function yieldsDuring(work: Promise<unknown>, onYield: () => void = () => undefined): Promise<number> {
  const done = work.then(() => 'done');
  const pause = (): Promise<string> => new Promise((resolve) => setImmediate(() => resolve('yield')));
  let yields = 0;
  for (; (await Promise.race([done, pause()])) === 'yield'; yields += 1) onYield();
  return yields;
}

const QUIET = { isConfigured: () => true, onUnreadable: () => undefined, clock: new FakeClock() };

async function cacheOf(count: number): Promise<AlarmCache> {
  const cache = new AlarmCache({
    ...storeOf(count),
    ...QUIET,
  });
  cache.take([FIRST]);
  await cache.load();
  return cache;
}

describe('many alarms at once', () => {
  test('do not block the event loop while they are loaded', async () => {
    expect(await yieldsDuring(cacheOf(20_000))).toBeGreaterThan(5);
  });

  test('do not block the event loop before their requests are sent, and while they are judged', async () => {
    const alarms = [...(await cacheOf(20_000)).alarmsOf(FIRST)];
    const telemetry = createTelemetry();
    let yields = 0;
    let before = 0;
    const deps = {
      datasources: answering({ kind: 'series', series: [] }, () => (before = yields)),
      quarantine: new Quarantine({ log: silentLogger, telemetry }),
      behind: new BehindWatch(),
      outages: new OutageWatch({ graceMs: 180_000, retryAfterMs: 7_500, random: () => 0.5 }),
      log: silentLogger,
      telemetry,
    };
    const { signal } = new AbortController();
    const parts = evaluateBatch(deps, {
      alarms,
      now: new Date(),
      isRetry: false,
      sendBy: signal,
      signal,
      cutOff: signal,
    });
    const evaluated = parts.next();
    const all = await yieldsDuring(evaluated, () => (yields += 1));
    expect((await evaluated).value?.outcomes.length).toBe(20_000);
    expect(before).toBeGreaterThan(10);
    expect(all - before).toBeGreaterThan(5);
  });

  test('do not block the event loop while their time constraints are computed, once', async () => {
    const constraints = (index: number): object[] =>
      Array.from({ length: 20 }, (_, n) => ({
        start: `${n} ${index % 24} ${1 + Math.floor(index / 24)} 2 *`,
        duration: 0,
        timezone: '',
      }));
    const cache = new AlarmCache({
      ...storeOf(0),
      loadPiece: async (positions, rows) => pieceAt(() => loaded(FIRST, 200, constraints), positions, rows),
      ...QUIET,
    });
    cache.take([FIRST]);
    await cache.load();
    const telemetry = createTelemetry();
    const deps = {
      datasources: answering({ kind: 'series', series: [] }),
      quarantine: new Quarantine({ log: silentLogger, telemetry }),
      outages: new OutageWatch({ graceMs: 180_000, retryAfterMs: 7_500, random: () => 0.5 }),
      behind: new BehindWatch(),
      log: silentLogger,
      telemetry,
    };
    const { signal } = new AbortController();
    const turnsAt = async (time: string): Promise<number> => {
      const limits = { sendBy: signal, signal, cutOff: signal };
      const batch = { alarms: [...cache.alarmsOf(FIRST)], now: new Date(time), isRetry: false, ...limits };
      return yieldsDuring(evaluateBatch(deps, batch).next());
    };
    expect(await turnsAt('2026-03-01T00:00:00Z')).toBeGreaterThan(5);
    expect(await turnsAt('2026-03-01T00:01:00Z')).toBeLessThan(3);
  });

  test('are loaded again if their partition is released and taken while they are loaded', async () => {
    let readOfSecond = 0;
    let isReleased = false;
    const onPiece = (read: ReadonlyMap<number, number>): void => {
      readOfSecond = read.get(SECOND) ?? 0;
      if (isReleased || readOfSecond === 0) return;
      isReleased = true;
      cache.drop([SECOND]);
      cache.take([SECOND]);
    };
    const cache = new AlarmCache({ ...storeOf(MANY, onPiece), ...QUIET });
    cache.take([FIRST, SECOND]);
    await cache.load();
    expect([isReleased, cache.isLoaded(FIRST), cache.isLoaded(SECOND)]).toEqual([true, true, true]);
    expect(cache.size).toBe(2 * MANY);
    expect(readOfSecond).toBeGreaterThan(0);
  });

  test('are removed if their partition is released while they are loaded', async () => {
    const onPiece = (): void => void setImmediate(() => cache.drop([FIRST, SECOND]));
    const cache = new AlarmCache({ ...storeOf(MANY, onPiece), ...QUIET });
    cache.take([FIRST, SECOND]);
    await cache.load();
    expect(cache.size).toBe(0);
  });

  test('are neither judged nor kept if their partition is released while others are judged', async () => {
    const { evaluator, clock, outcomes, stop } = evaluatorOf({ kind: 'outage', reason: 'down' }, () =>
      evaluator.dropped([SECOND]),
    );
    await clock.advance(INTERVAL_MS);
    await evaluator.whenIdle();
    expect(evaluator.alarmsInOutage()).toBe(MANY);
    expect(outcomes()).toBe(0);
    await stop();
  });

  test('are written for the held partitions if another partition is released meanwhile', async () => {
    const { evaluator, clock, outcomes, stop } = evaluatorOf({ kind: 'series', series: [] }, () =>
      evaluator.dropped([SECOND]),
    );
    await clock.advance(INTERVAL_MS);
    await evaluator.whenIdle();
    expect(outcomes()).toBe(MANY);
    await stop();
  });
});

interface Rig {
  evaluator: Evaluator;
  clock: FakeClock;
  /** The number of outcomes that were passed to a commit. */
  outcomes: () => number;
  stop: () => Promise<void>;
}

/** `meanwhile` is called when the answers are there and the first alarms are judged. */
function evaluatorOf(answer: BackendAnswer, meanwhile: () => void): Rig {
  const clock = new FakeClock('2026-01-01T12:00:01Z');
  let outcomes = 0;
  const commit: CommitEvaluations = async (batch) => {
    outcomes += batch.outcomes.length;
    const committed = batch.outcomes.map((outcome) => ({ outcome, stateVersion: outcome.stateVersion + 1 }));
    return { committed, fenced: [], locked: [], lost: [], notifications: 0 };
  };
  let isFirst = true;
  const onAsked = (): void => {
    if (isFirst) setImmediate(meanwhile);
    isFirst = false;
  };
  const evaluator = createEvaluator({
    store: storeOf(MANY),
    commit,
    settle: () => Promise.resolve({ settled: [], held: [] }),
    datasources: answering(answer, onAsked),
    waker: { wake: () => undefined },
    clock,
    log: silentLogger,
    telemetry: createTelemetry(),
    memberId: 'm',
    intervalMs: INTERVAL_MS,
    deadlineMs: 10_000,
    statementMs: 10_000,
    graceMs: 3 * INTERVAL_MS,
    hasExtraBatches: true,
    random: () => 0.5,
    defaultPolicy: 'current',
    mayCommit: () => true,
  });
  const stopping = new AbortController();
  const running = evaluator.loop.run(stopping.signal);
  evaluator.taken([FIRST, SECOND].map((id) => ({ id, epoch: 1, lastEvaluatedAt: clock.now() })));
  return {
    evaluator,
    clock,
    outcomes: () => outcomes,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
