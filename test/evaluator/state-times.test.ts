import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { PARTITIONS } from '../../src/alarm/partition-key.js';
import { stateTimeAfter } from '../../src/alarm/state-time.js';
import { alarmTypes, typeOf } from '../../src/alarm/types/index.js';
import { createDatasources } from '../../src/datasource/registry.js';
import { createEvaluator } from '../../src/evaluator/evaluator.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createEvaluationCommit } from '../../src/storage/evaluation/evaluation-commit.js';
import type { LoadedAlarm } from '../../src/storage/evaluation/evaluation-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { NOON } from '../support/builders.js';
import { anyDatabase, empty } from '../support/databases.js';
import { datasourceDouble } from '../support/datasource-double.js';
import { metersIn } from '../support/meters-in.js';
import { INTERVAL_MS } from '../support/evaluator-rig.js';
import { FakeClock } from '../support/fake-clock.js';
import { storeAlarm, thresholdRule } from '../support/stored-alarms.js';

const after = (seconds: number): Date => new Date(NOON.getTime() + seconds * 1_000);

describe('the time of a change of state', () => {
  test.each([
    { when: 'later than the one before', since: after(-1), expected: NOON },
    { when: 'at the time of the one before', since: NOON, expected: NOON },
    { when: 'earlier than the one before', since: after(5), expected: after(5.001) },
  ])('that comes $when is $expected', ({ since, expected }) => {
    expect(stateTimeAfter(since, NOON)).toEqual(expected);
  });
});

describe('the time of a transition that was evaluated at 12:00:00', () => {
  let db: Database;
  beforeAll(async () => {
    db = await anyDatabase();
  });
  beforeEach(() => empty(db));
  afterAll(() => db.close());

  test.each([
    { when: 'the alarm is older', created: after(-60), since: after(-30), expected: NOON },
    { when: 'the alarm was created at 12:00:02', created: after(2), since: after(-30), expected: after(2) },
    { when: 'the last transition was at 12:00:03', created: after(-60), since: after(3), expected: after(3.001) },
    { when: 'both are later', created: after(2), since: after(2), expected: after(2.001) },
  ])('is $expected if $when', async ({ created, since, expected }) => {
    await storeAlarm(db, { id: 'a', rule: thresholdRule(), alarmActions: ['log://alarm'] });
    await db.query('update alarms set created_at = $1, state_timestamp = $2', [created, since]);
    await db.query(`update partitions set owner = 'me'`);
    const { rows } = await db.query<{ partition: number; epoch: number }>(
      'select a.partition, p.epoch from alarms a join partitions p on p.id = a.partition',
    );
    const { partition, epoch } = rows[0]!;
    const versions = { alarmId: 'a', partition, stateVersion: 0, definitionVersion: 1 };
    const states = { kind: 'transition', from: 'insufficient data', to: 'alarm', reason: 'because' } as const;
    await createEvaluationCommit(db)({
      memberId: 'me',
      partitions: [{ id: partition, epoch }],
      outcomes: [{ ...versions, ...states, reasonData: {} }],
      at: NOON,
      now: NOON,
      mark: 'none',
      staleBefore: new Date(0),
      defaultPolicy: 'current',
    });
    const times = await db.query(
      `select a.state_timestamp as state, h.timestamp as history, n.transition_time as notification
         from alarms a join alarm_history h on h.alarm_id = a.id join notifications n on n.alarm_id = a.id`,
    );
    expect(times.rows).toEqual([{ state: expected, history: expected, notification: expected }]);
  });

  test('is a moment after the alarms were read, however long that takes', async () => {
    const clock = new FakeClock(NOON);
    const rule = alarmTypes.prometheus.schema.parse({ query: 'cpu', threshold: 80, comparison_operator: 'gt' });
    const createdMs: number[] = [];
    const loaded = (): LoadedAlarm => {
      createdMs.push(clock.now().getTime());
      return {
        id: 'a',
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
        partition: 3,
        deleted: false,
      };
    };
    const prometheus = datasourceDouble<'prometheus'>((_, { now }) => ({
      kind: 'series',
      series: [[{ at: now.getTime(), values: { value: 95 } }]],
    }));
    const committed: Date[] = [];
    const evaluator = createEvaluator({
      store: {
        loadPiece: () => Promise.resolve({ alarms: [], seen: '1', until: '2' }),
        changedSince: () => Promise.resolve({ seen: '1', changed: new Set([3]) }),
        async changesPiece() {
          await clock.sleep(4_700);
          return { alarms: [{ ...loaded(), readFor: 3, revision: '2' }], seen: '2', until: '3' };
        },
        byId: () => Promise.resolve([]),
        reachableFrom: () => Promise.resolve([]),
      },
      async commit({ outcomes, at }) {
        committed.push(...outcomes.map(() => at));
        const versions = outcomes.map((outcome) => ({ outcome, stateVersion: outcome.stateVersion + 1 }));
        return { committed: versions, fenced: [], locked: [], lost: [], notifications: 0 };
      },
      settle: () => Promise.resolve({ settled: [], held: [] }),
      datasources: createDatasources({
        meters: metersIn(db, { succeeded: () => undefined, failed: () => undefined }),
        prometheus: new Map([[null, prometheus]]),
      }),
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
    const all = Array.from({ length: PARTITIONS }, (_, id) => ({ id, epoch: 1, lastEvaluatedAt: NOON }));
    evaluator.taken(all.filter(({ id }) => id === 3 || id === 4));
    await clock.advance(2 * INTERVAL_MS);
    await evaluator.whenIdle();
    stopping.abort();
    await running;
    expect(committed.length).toBeGreaterThan(0);
    expect(prometheus.asked[0]!.getTime()).toBeGreaterThanOrEqual(createdMs[0]!);
    expect(committed[0]!.getTime()).toBeGreaterThanOrEqual(createdMs[0]!);
  });
});
