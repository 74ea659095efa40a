import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';

import { ALARM_STATES } from '../../src/alarm/state.js';
import { MISSING_DATA_TREATMENTS, type EvaluationOptions } from '../../src/alarm/evaluation-options.js';
import { createOpenTimesSource } from '../../src/alarm/time-constraint/open-times.js';
import type { CompositeLeaf } from '../../src/alarm/types/composite/tree.js';
import { typeOf, type AlarmRule } from '../../src/alarm/types/index.js';
import { COMPARISON_OPERATORS } from '../../src/alarm/types/threshold/schema.js';
import type { LocalServer } from '../../dev/servers/redis.js';
import { createSystemClock } from '../../src/clock.js';
import type { Datasources } from '../../src/datasource/registry.js';
import { createGnocchiClient } from '../../src/datasource/gnocchi/client/gnocchi-client.js';
import { createGnocchiDatasource } from '../../src/datasource/gnocchi/gnocchi.js';
import { SELECT_ALL_DEFAULTS, type SelectAllOptions } from '../../src/datasource/prometheus/select-all.js';
import { createDatasources } from '../../src/datasource/registry.js';
import type { HeldAlarm } from '../../src/evaluator/held-alarm.js';
import { sendRequests } from '../../src/evaluator/send-requests.js';
import { BehindWatch } from '../../src/evaluator/lateness/behind-watch.js';
import { evaluateBatch } from '../../src/evaluator/evaluate-batch.js';
import { judgeAlarm } from '../../src/evaluator/judge.js';
import { planRequests } from '../../src/evaluator/plan.js';
import { Quarantine } from '../../src/evaluator/quarantine.js';
import { OutageWatch } from '../../src/evaluator/outage-watch.js';
import { silentLogger } from '../../src/logger.js';
import type { EvaluationOutcome } from '../../src/storage/evaluation/evaluation-commit.js';
import { createTelemetry } from '../../src/telemetry.js';
import { eventually } from '../support/eventually.js';
import { ADMIN_TOKEN, startGnocchi, type RealGnocchi } from '../support/gnocchi.js';
import { startPrometheus, type StoredSeries } from '../support/prometheus.js';
import { prometheusAt } from '../support/prometheus-double.js';
import { describeWith } from '../support/servers.js';

const SEED = Number(process.env['TOCSIN_TEST_SEED'] ?? 20_260_101);
const NOW = new Date('2026-01-01T12:20:30Z');
const MINUTE = 60_000;
const MINUTES = 20;
const PROJECTS = ['p1', 'p2', 'p3'];
const HOSTS = ['h0', 'h1', 'h2'];
const GROUPS = ['g0', 'g1', '0e5a-9', 'g3', 'G0'];
const ON_PROMETHEUS = 150;
const ON_GNOCCHI = 90;
const COMPOSITE = 30;

/** Values of the last minutes, the newest first. Many are missing, and some have stopped coming. */
const values = fc
  .tuple(
    fc.array(fc.option(fc.constantFrom(1, 2, 3, 4, 5, 6, 7.25)), { minLength: MINUTES, maxLength: MINUTES }),
    fc.constantFrom(0, 0, 2, 4, 7),
  )
  .map(([some, silent]) => some.map((value, age) => (age < silent ? null : value)));

function drawn<T>(one: fc.Arbitrary<T>, count: number, offset: number): T[] {
  return fc.sample(one, { seed: SEED + offset, numRuns: count });
}

/** The newest value is that of the last full minute. The moment of a Prometheus query is between two values. */
function pointsOf(some: readonly (number | null)[], offsetMs = 0): [at: number, value: number][] {
  const newest = Math.floor(NOW.getTime() / MINUTE) * MINUTE + offsetMs;
  return some.flatMap((value, age): [number, number][] => (value === null ? [] : [[newest - age * MINUTE, value]]));
}

function storedSeries(): StoredSeries[] {
  const labels = ['cpu', 'mem'].flatMap((metric) =>
    HOSTS.flatMap((host, h) =>
      ['a', 'b'].map((mode) => ({ metric, labels: { host, mode, project: PROJECTS[h % 3]! } })),
    ),
  );
  return drawn(values, labels.length, 1).map((some, index) => ({ ...labels[index]!, points: pointsOf(some) }));
}

const condition = {
  comparison_operator: fc.constantFrom(...COMPARISON_OPERATORS),
  threshold: fc.constantFrom(1, 3, 4, 6),
};
const periods = fc.constantFrom(1, 2, 3, 4, 6, 9);
const project = fc.constantFrom(null, null, null, null, ...PROJECTS);
const options: fc.Arbitrary<EvaluationOptions> = fc.record(
  {
    treat_missing_data: fc.constantFrom(...MISSING_DATA_TREATMENTS),
    datapoints_to_alarm: fc.constantFrom(1, 2, 3),
    ingestion_lag: fc.constantFrom(0, 0, 0, 60, 90),
    clear_threshold: fc.constantFrom(0, 2, 5),
  },
  { requiredKeys: [] },
);

const promql = fc
  .record({ host: fc.constantFrom(...HOSTS, 'nobody'), metric: fc.constantFrom('cpu', 'mem'), shape: fc.nat(11) })
  .map(({ host, metric, shape }) => {
    const all = `${metric}{host="${host}"}`;
    const one = `${metric}{host="${host}",mode="a"}`;
    const shapes = [
      all,
      all,
      all,
      one,
      `sum(${all})`,
      `max by (mode) (${all})`,
      `${all} > 3`,
      `increase(${one}[5m])`,
      `avg_over_time(${all}[3m])`,
    ];
    return [...shapes, `cpu{host="${host}"} - on(host, mode) mem{host="${host}"}`, `absent(${one})`, `${all} >bool 2`][
      shape
    ]!;
  });
const prometheusRules = fc
  .record({
    ...condition,
    query: promql,
    evaluation_periods: periods,
    granularity: fc.constantFrom(60, 60, 60, 120),
    isRange: fc.nat(2),
    project,
  })
  .map(({ isRange, evaluation_periods, granularity, project: scope_to_project, ...rule }): CompositeLeaf => {
    const range = isRange > 0 ? { evaluation_periods, granularity } : {};
    return { type: 'prometheus', ...rule, ...range, scope_to_project };
  });

interface Instance {
  id: string;
  metrics: Record<string, string>;
}

function gnocchiRules(instances: readonly Instance[]): fc.Arbitrary<CompositeLeaf> {
  const nobody: Instance = { id: randomUUID(), metrics: { cpu: randomUUID() } };
  const instance = fc.constantFrom(...instances, nobody);
  const common = {
    ...condition,
    aggregation_method: fc.constantFrom('mean', 'mean', 'max', 'sum', 'rate:mean', 'last'),
    evaluation_periods: periods,
    granularity: fc.constantFrom(60, 60, 60, 300, 7),
    metric: fc.constantFrom('cpu', 'cpu', 'cpu', 'none'),
    project: fc.constantFrom(null, null, 'admin-project', 'p1'),
  };
  const resource = fc
    .record({ ...common, instance })
    .map(({ project: scope_to_project, instance: { id }, ...rule }): CompositeLeaf => {
      return {
        type: 'gnocchi_resources_threshold',
        ...rule,
        resource_id: id,
        resource_type: 'instance',
        scope_to_project,
      };
    });
  const some = fc.uniqueArray(instance, { minLength: 1, maxLength: 3 });
  const metrics = fc
    .record({ ...common, some })
    .map(({ project: scope_to_project, some: of, metric: _, ...rule }): CompositeLeaf => {
      return {
        type: 'gnocchi_aggregation_by_metrics_threshold',
        ...rule,
        metrics: of.map((each) => each.metrics['cpu']!),
        scope_to_project,
      };
    });
  const group = fc.constantFrom(...GROUPS, 'nobody');
  const search = fc
    .record({ ...common, group, wide: fc.nat(3) })
    .map(({ project: _, group: server_group, wide, ...rule }): CompositeLeaf => {
      const found = { '=': { server_group } };
      const query = JSON.stringify(wide === 0 ? { and: [found, { '=': { ended_at: null } }] } : found);
      return { type: 'gnocchi_aggregation_by_resources_threshold', ...rule, query, resource_type: 'instance' };
    });
  return fc.oneof(resource, metrics, search);
}

function compositeRules(leaf: fc.Arbitrary<CompositeLeaf>): fc.Arbitrary<AlarmRule> {
  const withOptions = fc
    .tuple(leaf, fc.option(options, { nil: {} }))
    .map(([rule, tocsin]): CompositeLeaf => ({ ...rule, tocsin }));
  const leaves = fc.array(withOptions, { minLength: 1, maxLength: 3 });
  return fc
    .tuple(leaves, leaves)
    .map(([some, others]) => ({ type: 'composite', tree: { and: [...some, { or: others }] } }));
}

function held(rule: AlarmRule, given: { options: EvaluationOptions; state: HeldAlarm['state'] }): HeldAlarm {
  const used = rule.type === 'composite' ? {} : given.options;
  const { state } = given;
  const needs = typeOf(rule).seriesNeeded(rule, used);
  const statesWithActions = ALARM_STATES;
  const rest = {
    repeats: true,
    statesWithActions,
    openTimes: createOpenTimesSource().of([]),
    partition: 0,
    definitionVersion: 1,
    stateVersion: 0,
  };
  const reason = { shownReason: null, isReasonFound: false };
  return { id: randomUUID(), projectId: 'p', rule, needs, options: used, state, ...rest, ...reason };
}

describeWith(['postgres', 'gnocchi', 'prometheus'], 'alarms on real backends', () => {
  let prometheus: LocalServer;
  let gnocchi: RealGnocchi;
  const instances: Instance[] = [];

  beforeAll(async () => {
    [prometheus, gnocchi] = await Promise.all([
      startPrometheus({ series: storedSeries(), lookback: '59s' }),
      startGnocchi({ metricd: true, tokens: true }),
    ]);
    await fill();
  });
  afterAll(() => Promise.all([prometheus.stop(), gnocchi.stop()]));

  async function create(path: string, body: object, user = ADMIN_TOKEN): Promise<Instance> {
    const answer = await gnocchi.ask('POST', path, { body, user });
    if (answer.status !== 201) throw new Error(`not made: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as Instance;
  }

  async function fill(): Promise<void> {
    const text = { type: 'string', required: false, max_length: 255 };
    await create('/v1/resource_type', { name: 'instance', attributes: { server_group: text } });
    const definition = [{ granularity: '60s' }, { granularity: '300s' }];
    await create('/v1/archive_policy', {
      name: 'all',
      aggregation_methods: ['mean', 'max', 'sum', 'rate:mean'],
      definition,
    });
    const stored = drawn(values, 8, 2);
    for (const index of stored.keys()) {
      const body = {
        id: randomUUID(),
        server_group: GROUPS[index % GROUPS.length],
        metrics: { cpu: { archive_policy_name: 'all' } },
      };
      instances.push(await create('/v1/resource/instance', body, index === 7 ? 'u:p1:member' : ADMIN_TOKEN));
    }
    const measures = stored.map((some, index) => {
      const points = pointsOf(some, 7_000).map(([at, value]) => ({
        timestamp: new Date(at).toISOString().slice(0, -1),
        value,
      }));
      return [instances[index]!.metrics['cpu']!, points.reverse()] as const;
    });
    await gnocchi.ask('POST', '/v1/batch/metrics/measures', { body: Object.fromEntries(measures) });
    const areStored = async (): Promise<void> => {
      const status = await gnocchi.ask('GET', '/v1/status?details=false');
      expect(status.body).toMatchObject({ storage: { summary: { measures: 0 } } });
      for (const [id, points] of measures) {
        const rows = await gnocchi.ask('GET', `/v1/metric/${id}/measures?aggregation=mean&granularity=60`);
        expect(rows.body).toHaveLength(points.length);
      }
    };
    await eventually(areStored);
  }

  /** Backends without knowledge from earlier requests. */
  function open(sweeping: SelectAllOptions): Datasources {
    const observer = { succeeded: () => undefined, failed: () => undefined };
    const tokens = { token: () => Promise.resolve(ADMIN_TOKEN), renew: () => Promise.resolve(ADMIN_TOKEN) };
    const ofGnocchi = createGnocchiDatasource({
      client: createGnocchiClient({ url: gnocchi.url, auth: { kind: 'token', tokens }, timeoutMs: 60_000 }),
      observer,
      clock: createSystemClock(),
      creator: () => Promise.resolve('admin-user:admin-project'),
      externalOwner: () => Promise.resolve(null),
    });
    const ofPrometheus = prometheusAt(prometheus.url, { timeoutMs: 60_000, selectAll: sweeping }).datasource;
    return createDatasources({ gnocchi: new Map([[null, ofGnocchi]]), prometheus: new Map([[null, ofPrometheus]]) });
  }

  async function judged(datasources: Datasources, alarms: readonly HeldAlarm[]): Promise<Map<string, object>> {
    const requests = await planRequests(alarms.flatMap(({ needs }) => needs));
    const answers = await sendRequests(datasources, requests, { now: NOW, signal: new AbortController().signal });
    return new Map(
      alarms.map((alarm) => {
        const { answersInWindow, evaluation, decision } = judgeAlarm(alarm, answers, NOW);
        // A series without points in the alarm's window is absent if the alarm sends its own request.
        const points = answersInWindow.map((one) =>
          one.kind === 'series' ? one.series.filter((series) => series.length > 0) : one,
        );
        return [alarm.id, { points, evaluation, decision }];
      }),
    );
  }

  async function outcomesOf(datasources: Datasources, alarms: readonly HeldAlarm[]): Promise<EvaluationOutcome[]> {
    const telemetry = createTelemetry();
    const deps = {
      datasources,
      quarantine: new Quarantine({ log: silentLogger, telemetry }),
      behind: new BehindWatch(),
      outages: new OutageWatch({ graceMs: 180_000, retryAfterMs: 7_500, random: () => 0.5 }),
      log: silentLogger,
      telemetry,
    };
    const never = new AbortController().signal;
    const limits = { sendBy: never, signal: never, cutOff: never };
    const outcomes: EvaluationOutcome[] = [];
    for await (const part of evaluateBatch(deps, { alarms, now: NOW, isRetry: false, ...limits }))
      outcomes.push(...part.outcomes);
    return outcomes;
  }

  test.each([
    { how: 'as few requests as possible', sweeping: SELECT_ALL_DEFAULTS },
    { how: 'requests for all series, wanted or not', sweeping: { fromMembers: 2, maxSeriesPerMember: Infinity } },
  ])(
    'alarms get the same points, verdict and reason in $how and each by itself',
    async ({ sweeping }) => {
      const gnocchiRule = gnocchiRules(instances);
      const rules: AlarmRule[] = [
        ...drawn(prometheusRules, ON_PROMETHEUS, 3),
        ...drawn(gnocchiRule, ON_GNOCCHI, 4),
        ...drawn(compositeRules(fc.oneof(prometheusRules, gnocchiRule)), COMPOSITE, 5),
      ];
      const given = drawn(fc.record({ options, state: fc.constantFrom(...ALARM_STATES) }), rules.length, 6);
      const alarms = rules.map((rule, index) => held(rule, given[index]!));
      const [merging, single] = [open(sweeping), open(SELECT_ALL_DEFAULTS)];
      const together = await judged(merging, alarms);
      const outcomes = new Map((await outcomesOf(merging, alarms)).map((outcome) => [outcome.alarmId, outcome]));
      const verdicts = new Map<string, number>();
      for (const alarm of alarms) {
        const alone = await judged(single, [alarm]);
        const found = { seed: SEED, rule: alarm.rule, options: alarm.options, judgement: together.get(alarm.id) };
        expect(found).toEqual({ ...found, judgement: alone.get(alarm.id) });
        const { evaluation, decision } = alone.get(alarm.id) as ReturnType<typeof judgeAlarm>;
        if (decision.kind === 'stay') expect(outcomes.has(alarm.id)).toBe(false);
        else expect(outcomes.get(alarm.id)).toMatchObject({ kind: decision.kind, reason: decision.reason });
        verdicts.set(evaluation.verdict, (verdicts.get(evaluation.verdict) ?? 0) + 1);
      }
      merging.close();
      single.close();
      expect([...verdicts.keys()].sort()).toEqual(expect.arrayContaining(['alarm', 'hold', 'insufficient data', 'ok']));
      expect(verdicts.get('insufficient data')!).toBeLessThan(alarms.length / 2);
      expect(verdicts.has('outage')).toBe(false);
    },
    240_000,
  );
});
