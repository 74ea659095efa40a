import { afterEach, expect, test } from '@jest/globals';

import { alarmTypes, typeOf } from '../../../src/alarm/types/index.js';
import { createEvaluator, type Evaluator } from '../../../src/evaluator/evaluator.js';
import { silentLogger } from '../../../src/logger.js';
import type { CommitEvaluations, EvaluationBatch } from '../../../src/storage/evaluation/evaluation-commit.js';
import type { EvaluationStore, LoadedAlarm } from '../../../src/storage/evaluation/evaluation-store.js';
import type { SettleAlarms } from '../../../src/storage/silences/settle-store.js';
import { createTelemetry } from '../../../src/telemetry.js';
import { noChanges, nothingChanged, pieceAt } from '../../support/alarm-pieces.js';
import { FakeClock } from '../../support/fake-clock.js';

const INTERVAL_MS = 60_000;
const DEADLINE_MS = 10_000;
const PIECE_MS = 9_000;
/** Partitions of one phase, so that one batch evaluates them. */
const PARTITIONS = [0, 8, 16, 24];
const ALARMS = 300;

function alarmsOf(partition: number): LoadedAlarm[] {
  const rule = alarmTypes.prometheus.schema.parse({ query: 'up', threshold: 1 });
  return Array.from({ length: ALARMS }, (_, n) => ({
    id: `${partition}-${String(n).padStart(4, '0')}`,
    projectId: 'p',
    kind: 'prometheus',
    ruleJson: typeOf(rule).ruleJson(rule),
    enabled: true,
    repeatActions: false,
    statesWithActions: [],
    timeConstraintsJson: '[]',
    optionsJson: null,
    state: 'ok',
    stateVersion: 1,
    shownReason: null,
    definitionVersion: 1,
    partition,
    deleted: false,
  }));
}

interface SlowRig {
  evaluator: Evaluator;
  clock: FakeClock;
  /** Partitions whose checkpoint was committed. */
  evaluated: Set<number>;
}

const stopping: (() => void)[] = [];
afterEach(() => stopping.splice(0).forEach((stop) => stop()));

interface SlowStore extends Partial<Pick<EvaluationStore, 'changedSince' | 'byId'>> {
  settle?: (request: Parameters<SettleAlarms>[0], clock: FakeClock) => ReturnType<SettleAlarms>;
  commit?: (batch: EvaluationBatch, clock: FakeClock) => ReturnType<CommitEvaluations>;
}

async function settleNone(): ReturnType<SettleAlarms> {
  return { settled: [], held: [] };
}

async function commitAll({ outcomes }: EvaluationBatch): ReturnType<CommitEvaluations> {
  const committed = outcomes.map((outcome) => ({ outcome, stateVersion: outcome.stateVersion + 1 }));
  return { committed, fenced: [], locked: [], lost: [], notifications: 0 };
}

/** An evaluator whose store answers `loadPiece` after `pieceMs`, or never. */
function startSlow(pieceMs: number | 'never', given: SlowStore = {}): SlowRig {
  const clock = new FakeClock('2026-01-01T12:00:01Z');
  const stored = new Map(PARTITIONS.map((id) => [id, alarmsOf(id)]));
  const evaluated = new Set<number>();
  const evaluator = createEvaluator({
    store: {
      loadPiece: async (positions, rows) => {
        if (pieceMs === 'never') return new Promise(() => undefined);
        await clock.sleep(pieceMs);
        return pieceAt((id) => stored.get(id) ?? [], positions, rows);
      },
      changesPiece: noChanges,
      changedSince: given.changedSince ?? nothingChanged,
      byId: given.byId ?? (async () => []),
      reachableFrom: async () => [],
    },
    commit: async (batch) => {
      const result = await (given.commit ?? commitAll)(batch, clock);
      if (batch.mark === 'checkpoint') for (const { id } of batch.partitions) evaluated.add(id);
      return result;
    },
    settle: (request) => (given.settle ?? settleNone)(request, clock),
    datasources: {
      find: () => ({
        answers: async ({ queries }) => new Map(queries.map(({ key }) => [key, { kind: 'series', series: [] }])),
      }),
      close: () => undefined,
    },
    waker: { wake: () => undefined },
    clock,
    log: silentLogger,
    telemetry: createTelemetry(),
    memberId: 'm',
    intervalMs: INTERVAL_MS,
    deadlineMs: DEADLINE_MS,
    statementMs: 10_000,
    graceMs: 3 * INTERVAL_MS,
    hasExtraBatches: true,
    random: () => 0.5,
    defaultPolicy: 'current',
    mayCommit: () => true,
  });
  const abort = new AbortController();
  void evaluator.loop.run(abort.signal);
  stopping.push(() => abort.abort());
  evaluator.taken(PARTITIONS.map((id) => ({ id, epoch: 1, lastEvaluatedAt: null })));
  return { evaluator, clock, evaluated };
}

test('a member that loads for longer than a batch may take makes progress with each piece', async () => {
  const { evaluator, clock } = startSlow(PIECE_MS);
  let pastSteps = 0;
  for (; evaluator.unloadedPartitions() > 0; pastSteps += 1) {
    await clock.advance(1_000);
    expect(evaluator.makingProgress()).toBe(true);
  }
  expect(pastSteps).toBeGreaterThan((10 * DEADLINE_MS) / 1_000);
  expect(evaluator.seen()).not.toBeNull();
});

test('partitions that are loaded are evaluated while others are loaded', async () => {
  const { evaluator, clock, evaluated } = startSlow(PIECE_MS);
  while (evaluated.size === 0) await clock.advance(1_000);
  expect(evaluator.unloadedPartitions()).toBeGreaterThan(0);
  while (evaluator.unloadedPartitions() > 0) await clock.advance(1_000);
  await clock.advance(INTERVAL_MS);
  expect([...evaluated].sort((a, b) => a - b)).toEqual(PARTITIONS);
});

test('a member whose piece is never read makes no progress', async () => {
  const { evaluator, clock } = startSlow('never');
  await clock.advance(20_000);
  expect(evaluator.makingProgress()).toBe(true);
  await clock.advance(10_000);
  expect(evaluator.makingProgress()).toBe(false);
});

test('a member whose refresh is never read makes no progress', async () => {
  const { evaluator, clock } = startSlow(1, { changedSince: () => new Promise(() => undefined) });
  await clock.advance(1_000);
  expect(evaluator.makingProgress()).toBe(true);
  await clock.advance(30_000);
  expect(evaluator.makingProgress()).toBe(false);
});

test('partitions that were lost while they were loaded are loaded when they are taken again', async () => {
  const { evaluator, clock, evaluated } = startSlow(PIECE_MS);
  evaluator.dropped(PARTITIONS);
  await clock.advance(INTERVAL_MS);
  expect([evaluator.unloadedPartitions(), evaluated.size]).toEqual([0, 0]);
  evaluator.taken([{ id: 0, epoch: 3, lastEvaluatedAt: null }]);
  while (evaluated.size === 0) await clock.advance(1_000);
  expect([...evaluated]).toEqual([0]);
});

/** Statements that take longer together than work may take that does not get further. */
async function statements(clock: FakeClock, onStatement: (() => void) | undefined): Promise<void> {
  for (let n = 0; n < 5; n += 1) {
    await clock.sleep(9_000);
    onStatement?.();
  }
}

test.each<{ work: string; store: SlowStore }>([
  {
    work: 'a settlement',
    store: {
      settle: async ({ onStatement }, clock) => {
        await statements(clock, onStatement);
        return settleNone();
      },
    },
  },
  {
    work: 'the commit of one chunk',
    store: {
      commit: async (batch, clock) => {
        await statements(clock, batch.onStatement);
        return commitAll(batch);
      },
    },
  },
])('a member makes progress with each statement of $work', async ({ store }) => {
  const { evaluator, clock, evaluated } = startSlow(1, store);
  for (let seconds = 0; evaluated.size < PARTITIONS.length; seconds += 1) {
    await clock.advance(1_000);
    expect(evaluator.makingProgress()).toBe(true);
    expect(seconds).toBeLessThan(300);
  }
});

/** A store whose commits fail while reads succeed. */
function failing(commits: { failed: number }, most = Infinity): SlowStore {
  return {
    commit: async (batch) => {
      if (commits.failed >= most) return commitAll(batch);
      commits.failed += 1;
      throw new Error('could not extend file: No space left on device');
    },
  };
}

test('alarms are loaded again as soon as their commit has failed', async () => {
  const commits = { failed: 0 };
  const { evaluator, clock } = startSlow(1, failing(commits, 1));
  while (commits.failed === 0) await clock.advance(1);
  // Less than a tick. A piece takes a millisecond.
  for (let ms = 0; evaluator.unloadedPartitions() > 0; ms += 1) {
    expect(ms).toBeLessThan(100);
    await clock.advance(1);
  }
});

test('while all commits fail, evaluations do not follow each other without a pause', async () => {
  const commits = { failed: 0 };
  const { clock } = startSlow(1, failing(commits));
  await clock.advance(2 * INTERVAL_MS);
  const ticks = 2 * 16;
  expect(commits.failed).toBeGreaterThan(0);
  expect(commits.failed).toBeLessThanOrEqual(2 * (ticks + 1));
});
