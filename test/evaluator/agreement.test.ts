import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { Verdict } from '../../src/alarm/decide.js';
import type { EvaluationOptions } from '../../src/alarm/evaluation-options.js';
import { alarmTypes, type AlarmRule } from '../../src/alarm/types/index.js';
import { COMPARISON_OPERATORS, STATISTICS } from '../../src/alarm/types/threshold/schema.js';
import type { PrometheusQuery } from '../../src/alarm/series.js';
import type { Datasource } from '../../src/datasource/datasource.js';
import { createDatasources, type ConfiguredDatasources } from '../../src/datasource/registry.js';
import { createBacktests, type BacktestTransition } from '../../src/evaluator/backtest.js';
import { createExplain } from '../../src/evaluator/explain/explain.js';
import type { ExplainedQuery } from '../../src/evaluator/explain/explanation.js';
import { createAlarmValues } from '../../src/evaluator/values/alarm-values.js';
import { createAlarmStore, type StoredAlarm } from '../../src/storage/alarms/alarm-store.js';
import type { Database } from '../../src/storage/database.js';
import { createEvaluationStore } from '../../src/storage/evaluation/evaluation-store.js';
import { createExplanationStore } from '../../src/storage/evaluation/explanation-store.js';
import { createSilenceStore } from '../../src/storage/silences/silence-store.js';
import { createStoredEvents } from '../../src/storage/evaluation/stored-events.js';
import { embeddedDatabase } from '../support/databases.js';
import { datasourceDouble, seriesEndingAt } from '../support/datasource-double.js';
import { INTERVAL_MS, startEvaluator } from '../support/evaluator-rig.js';
import { FakeClock } from '../support/fake-clock.js';
import { metersIn } from '../support/meters-in.js';
import { storeAlarm, storeSample } from '../support/stored-alarms.js';
import { TEST_SEALER } from '../support/sealer.js';
import { NO_QUOTAS } from '../../src/storage/alarms/alarm-insert-store.js';

/** Compares commits of evaluators with explanations, backtests and values of the same alarms, data and moments. */

const ALARMS = 60;
const INTERVALS = 8;
const SEED = 20260101;
/** The moment of a tick, so that the clock of the rig stands still at each tick until its work is done. */
const BEGIN = new Date('2026-01-01T12:00:00Z');

interface Given {
  rule: AlarmRule;
  options: EvaluationOptions;
  repeatActions: boolean;
  timeConstraints: readonly unknown[];
}

interface Committed {
  at: Date;
  from: string;
  to: string;
  reason: string;
}

const condition = {
  comparison_operator: fc.constantFrom(...COMPARISON_OPERATORS),
  threshold: fc.integer({ min: 20, max: 80 }),
  evaluation_periods: fc.integer({ min: 1, max: 4 }),
};
const metered = fc
  .record({
    ...condition,
    meter_name: fc.constantFrom('m0', 'm1', 'm2', 'm3'),
    statistic: fc.constantFrom(...STATISTICS),
    period: fc.constantFrom(30, 60, 120),
    exclude_outliers: fc.boolean(),
  })
  .map((rule): AlarmRule => alarmTypes.threshold.schema.parse(rule));
const questions = fc.record({
  ...condition,
  query: fc.constantFrom('q0', 'q1', 'q2'),
  granularity: fc.constantFrom(30, 60),
});
const queried = questions.map((rule): AlarmRule =>
  alarmTypes.prometheus.scopedTo(alarmTypes.prometheus.schema.parse(rule), { projectId: null }),
);
const asked = {
  datapoints_to_alarm: fc.constant(1),
  treat_missing_data: fc.constantFrom('ok' as const, 'alarm' as const, 'ignore' as const, 'missing' as const),
  ingestion_lag: fc.constantFrom(15, 60),
};
const options = fc.record(asked, { requiredKeys: [] });
/** Options of rules within composite alarms: one of two Prometheus backends, and clear thresholds. */
const leafOptions = fc.record(
  { ...asked, backend: fc.constant('east'), clear_threshold: fc.integer({ min: 20, max: 80 }) },
  { requiredKeys: [] },
);
const leaf = fc
  .tuple(questions, leafOptions)
  .map(([rule, tocsin]) => ({ ...rule, type: 'prometheus', tocsin }))
  .filter((sent) => alarmTypes.composite.schema.safeParse(sent).success);
const combined = fc
  .tuple(fc.constantFrom('and', 'or'), fc.array(leaf, { minLength: 1, maxLength: 2 }), fc.array(leaf, { maxLength: 2 }))
  .map(([operator, some, others]): AlarmRule => {
    const inner = others.length === 0 ? [] : [{ [operator === 'and' ? 'or' : 'and']: others }];
    const rule = alarmTypes.composite.schema.parse({ [operator]: [...some, ...inner] });
    return alarmTypes.composite.scopedTo(rule, { projectId: null });
  });
const judged = fc.oneof(
  { weight: 2, arbitrary: fc.record({ rule: fc.oneof(metered, queried), options }) },
  { weight: 1, arbitrary: fc.record({ rule: combined, options: fc.constant({}) }) },
);
const given: fc.Arbitrary<Given> = fc
  .record({
    judged,
    repeatActions: fc.boolean(),
    timeConstraints: fc.constantFrom(
      [],
      [],
      [{ name: 'c', description: '', start: '*/6 * * * *', duration: 60, timezone: '' }],
    ),
  })
  .map(({ judged: { rule, options: set }, ...rest }) => ({ rule, options: set, ...rest }));

/** One or two series with gaps. They depend on the moment only, not on the requester. */
const prometheusWith = (offset: number) =>
  labelled(
    datasourceDouble<'prometheus'>(({ promql }, { now }, _, { granularityS, periods, lagS }) => {
      const end = new Date(now.getTime() - lagS * 1000);
      const points = Array.from({ length: periods }, (__, index) => index);
      const value = (minute: number, which: number): number =>
        (minute * 37 + promql.charCodeAt(1) * 11 + which * 29 + offset) % 100;
      const series = [0, 1].map((which) =>
        seriesEndingAt(end, granularityS, points).flatMap(({ at }) => {
          const minute = Math.floor(at / 60_000);
          return value(minute, which) < 10 ? [] : [{ at, values: { value: value(minute, which) } }];
        }),
      );
      return { kind: 'series', series: promql === 'q2' ? series : series.slice(0, 1) };
    }),
  );

/** Reports a label of each series to traces, as Prometheus has them. */
function labelled(source: Datasource<PrometheusQuery>): Datasource<PrometheusQuery> {
  return {
    async answers(request, asking) {
      const answers = await source.answers(request, asking);
      for (const [key, answer] of answers) {
        const count = answer.kind === 'series' ? answer.series.length : 0;
        for (let host = 0; host < count; host += 1) asking.trace?.labelled?.({ key, labels: { host: String(host) } });
      }
      return answers;
    },
  };
}
const remote: ConfiguredDatasources = {
  prometheus: new Map([
    [null, prometheusWith(0)],
    ['east', prometheusWith(43)],
  ]),
};

let db: Database;
let end: Date;
const alarms = fc.sample(given, { numRuns: ALARMS, seed: SEED });

const idOf = (index: number): string => `alarm-${index}`;

beforeAll(async () => {
  db = await embeddedDatabase();
  const volumes = fc.sample(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.nat(100), fc.nat(1_500)), {
    numRuns: 300,
    seed: SEED,
  });
  for (const [meter, volume, seconds] of volumes) {
    await storeSample(db, `m${meter}`, { volume, at: new Date(BEGIN.getTime() + (seconds - 700) * 1000) });
  }
  for (const [index, { rule, options: set, repeatActions, timeConstraints }] of alarms.entries()) {
    const actions = { okActions: ['log://'], alarmActions: ['log://', 'test://'], insufficientDataActions: [] };
    await storeAlarm(db, { id: idOf(index), rule, repeatActions, timeConstraints: [...timeConstraints], ...actions });
    await db.query('update alarms set evaluation_options = $2 where id = $1', [idOf(index), JSON.stringify(set)]);
  }
  const rig = await startEvaluator(db, { remote, clock: new FakeClock(BEGIN.toISOString()) });
  for (let count = 0; count < INTERVALS; count += 1) await rig.interval();
  end = rig.clock.now();
  await rig.stop();
});
afterAll(() => db.close());

const datasources = () =>
  createDatasources({
    meters: metersIn(db, { succeeded: () => {}, failed: () => {} }),
    ...remote,
  });

/** The alarm before its first evaluation. */
async function alarmOf(index: number): Promise<StoredAlarm> {
  const alarm = await createAlarmStore(db, { sealer: TEST_SEALER, quotas: NO_QUOTAS }).find({ all: true }, idOf(index));
  if (alarm === undefined) throw new Error(`no alarm ${index}`);
  return alarm;
}

async function committed(index: number): Promise<Committed[]> {
  const { rows } = await db.query<{ timestamp: Date; previous_state: string; detail: string }>(
    'select timestamp, previous_state, detail from alarm_history where alarm_id ' +
      "= $1 and type = 'state transition' order by state_version",
    [idOf(index)],
  );
  return rows.map(({ timestamp, previous_state: from, detail }) => {
    const { state: to, transition_reason: reason } = JSON.parse(detail) as { state: string; transition_reason: string };
    return { at: timestamp, from, to, reason };
  });
}

/** The moments at which an evaluator evaluated the alarm. */
async function evaluatedMomentsOf(index: number): Promise<Date[]> {
  const { rows } = await db.query<{ last: Date }>(
    'select p.last_evaluated_at as last from alarms a join partitions p on p.id = a.partition where a.id = $1',
    [idOf(index)],
  );
  const last = rows[0]?.last ?? end;
  const moments: Date[] = [];
  for (let at = last.getTime(); at > BEGIN.getTime(); at -= INTERVAL_MS) moments.unshift(new Date(at));
  return moments;
}

async function notificationsOf(index: number): Promise<{ kind: string; at: Date }[]> {
  const query = 'select kind, created_at as at from notifications where alarm_id = $1';
  return (await db.query<{ kind: string; at: Date }>(query, [idOf(index)])).rows;
}

const indexes = alarms.map((_, index) => index);

test('the generated alarms make transitions that can be compared', async () => {
  const all = (await Promise.all(indexes.map(committed))).flat();
  expect(new Set(all.map(({ to }) => to)).size).toBe(3);
  expect(all.length).toBeGreaterThan(ALARMS);
  const ofComposites = await Promise.all(
    indexes.filter((index) => alarms[index]!.rule.type === 'composite').map(committed),
  );
  expect(new Set(ofComposites.flat().map(({ to }) => to)).size).toBe(3);
  expect(ofComposites.filter((changes) => changes.length > 1).length).toBeGreaterThan(3);
  const repeats = (await Promise.all(indexes.map(notificationsOf))).flat().filter(({ kind }) => kind === 'repeat');
  expect(repeats.length).toBeGreaterThan(10);
});

describe('a backtest', () => {
  test('finds the transitions that evaluators committed, and counts the same notifications', async () => {
    const backtests = createBacktests({ datasources: datasources(), pause: () => Promise.resolve() });
    for (const index of indexes) {
      const alarm = await alarmOf(index);
      const [start] = await evaluatedMomentsOf(index);
      const run = { alarm, start: start!, stop: end, stepMs: INTERVAL_MS, initialState: 'insufficient data' as const };
      const { pages, summary } = backtests.start(run, new AbortController().signal);
      const found: BacktestTransition[] = [];
      for await (const page of pages) found.push(...page);
      expect([index, found.map(({ at, from, to, reason }) => ({ at, from, to, reason }))]).toEqual([
        index,
        await committed(index),
      ]);
      expect([index, summary.notifications]).toEqual([index, (await notificationsOf(index)).length]);
    }
  });
});

/** The verdict on several series, from the verdicts on each of them. */
function together(verdicts: readonly Verdict[]): Verdict {
  const decided = verdicts.filter((verdict) => verdict !== 'insufficient data' && verdict !== 'hold');
  const counted = decided.length > 0 ? decided : verdicts;
  if (counted.every((verdict) => verdict === counted[0])) return counted[0]!;
  return counted.at(-1)!.endsWith('alarm') ? 'trending alarm' : 'trending ok';
}

/** The verdicts on the series of an answer, and their combined verdict: that of the alarm or of a part of it. */
function severalOf({ series, part }: ExplainedQuery, ofAlarm: Verdict | null) {
  return {
    verdicts: (series ?? []).flatMap((one) => one.verdict ?? []),
    whole: part === null ? ofAlarm : part.verdict,
  };
}

describe('an explanation', () => {
  test('has the decision of the evaluator at each moment, and the verdicts of its series lead to it', async () => {
    const { reachableFrom } = createEvaluationStore(db);
    const store = createExplanationStore(db);
    const explain = createExplain({
      datasources: datasources(),
      store,
      reachableFrom,
      silences: createSilenceStore(db),
      intervalMs: INTERVAL_MS,
      graceMs: INTERVAL_MS,
    });
    const { signal } = new AbortController();
    let severals = 0;
    for (const index of indexes) {
      const alarm = await alarmOf(index);
      const changes = await committed(index);
      const repeats = (await notificationsOf(index)).filter(({ kind }) => kind === 'repeat');
      for (const at of await evaluatedMomentsOf(index)) {
        const label = [index, at.toISOString()];
        const { evaluation, stateAt, queries: sent } = await explain(alarm, { now: end, at, signal });
        for (const { verdicts, whole } of sent.map((one) => severalOf(one, evaluation.verdict))) {
          expect([...label, verdicts.length > 0 ? together(verdicts) : whole]).toEqual([...label, whole]);
          severals += Number(verdicts.length > 1);
        }
        const change = changes.find((one) => one.at.getTime() === at.getTime());
        expect([...label, evaluation.decision === 'transition']).toEqual([...label, change !== undefined]);
        if (change)
          expect([stateAt.state, evaluation.wouldBe, evaluation.reason]).toEqual([
            change.from,
            change.to,
            change.reason,
          ]);
        const isRepeated = repeats.some((one) => one.at.getTime() === at.getTime());
        // A repeat in insufficient data has no actions here.
        if (stateAt.state !== 'insufficient data')
          expect([...label, evaluation.decision === 'repeat']).toEqual([...label, isRepeated]);
      }
    }
    expect(severals).toBeGreaterThan(10);
  });
});

/** The newest compared datapoint of each series of each query, as far as there is one. */
function newestUsed(queries: readonly ExplainedQuery[]): unknown[] {
  return queries.flatMap(({ datapoints, part }) => {
    const newest = new Map<number, unknown>();
    for (const { used, series = 0, at, value } of datapoints)
      if (used) newest.set(series, [part?.name ?? null, at, value]);
    return [...newest.entries()].sort(([a], [b]) => a - b).map(([, one]) => one);
  });
}

describe('values', () => {
  test('are those of the explanations, with the states of a backtest and the real transitions', async () => {
    const { reachableFrom } = createEvaluationStore(db);
    const store = createExplanationStore(db);
    const sources = { datasources: datasources(), pause: () => Promise.resolve(), store, reachableFrom };
    const values = createAlarmValues({ ...sources, storedEvents: createStoredEvents(db) });
    const explain = createExplain({
      ...sources,
      silences: createSilenceStore(db),
      intervalMs: INTERVAL_MS,
      graceMs: INTERVAL_MS,
    });
    const { signal } = new AbortController();
    let compared = 0;
    for (const index of indexes) {
      const alarm = await alarmOf(index);
      const changes = await committed(index);
      const [start] = await evaluatedMomentsOf(index);
      const found = await values.ofAlarm(alarm, { start: start!, stop: end, stepMs: INTERVAL_MS }, signal);
      expect(found.transitions?.map(({ at, from, to, reason }) => ({ at, from, to, reason }))).toEqual(changes);
      const bands = found.series!.states;
      expect(bands[0]?.start).toEqual(start);
      expect(bands.at(-1)?.stop).toEqual(end);
      const states = [{ at: start!, to: found.initialState }, ...changes];
      for (const at of await evaluatedMomentsOf(index)) {
        const state = states.findLast((one) => one.at <= at)?.to;
        const band = bands.findLast((one) => one.start <= at)?.value;
        expect([index, at, band]).toEqual([index, at, state]);
        const { queries, timeConstraints } = await explain(alarm, { now: end, at, signal });
        const points = found.series!.series.flatMap(({ rule, points: all }) =>
          all.filter((point) => point.at.getTime() === at.getTime()).map((point) => ({ rule, ...point })),
        );
        const shown = points.flatMap(({ rule, timestamp, value }) =>
          value === null ? [] : [[rule, timestamp, value]],
        );
        expect([index, at, shown]).toEqual([index, at, timeConstraints.within ? newestUsed(queries) : []]);
        compared += shown.length;
      }
    }
    expect(compared).toBeGreaterThan(ALARMS * 3);
  });
});
