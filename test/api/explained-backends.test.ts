import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { BackendAnswer } from '../../src/alarm/series.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { datasourceDouble, seriesEndingAt } from '../support/datasource-double.js';
import { explain, storeTransition } from '../support/explanations.js';

const NOON = new Date('2026-01-01T12:00:00Z');
const NOTHING: BackendAnswer = { kind: 'series', series: [[]] };

let db: Database;
let api: TestApi;
const gnocchi = datasourceDouble<'gnocchi'>(() => NOTHING);
const prometheus = datasourceDouble<'prometheus'>(() => NOTHING);

beforeAll(async () => {
  db = await anyDatabase();
  const remote = { gnocchi: new Map([[null, gnocchi]]), prometheus: new Map([[null, prometheus]]) };
  api = await startApi(db, { remote });
});
beforeEach(async () => {
  await empty(db);
  gnocchi.says = () => NOTHING;
  prometheus.says = () => NOTHING;
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const before = (seconds: number): Date => new Date(NOON.getTime() - seconds * 1000);

const gnocchiBody = (fields: Record<string, unknown> = {}) => ({
  name: 'memory',
  type: 'gnocchi_resources_threshold',
  gnocchi_resources_threshold_rule: {
    metric: 'memory',
    resource_id: 'r1',
    resource_type: 'instance',
    aggregation_method: 'mean',
    threshold: 80,
    comparison_operator: 'gt',
    granularity: 60,
    evaluation_periods: 2,
    ...fields,
  },
});
const prometheusBody = (fields: Record<string, unknown> = {}) => ({
  name: 'errors',
  type: 'prometheus',
  prometheus_rule: { query: 'errors', threshold: 5, comparison_operator: 'ge', ...fields },
});

describe('an alarm on a backend', () => {
  test('is explained with the request and with the dropped datapoints of the answer', async () => {
    gnocchi.says = (_, { now, trace }, key) => {
      trace?.dropped({ key, at: now.getTime() - 90_000, value: NaN, why: 'not a number' });
      return { kind: 'series', series: [seriesEndingAt(new Date(now.getTime() - 60_000), 60, [85])] };
    };
    const { questions, evaluation } = await explain(api, await api.create(gnocchiBody(), MEMBER));
    expect(questions[0]?.requests).toEqual([expect.stringContaining('"resourceId":"r1"')]);
    expect(questions[0]?.datapoints).toEqual([
      { timestamp: '2026-01-01T11:58:30', value: 'NaN', used: false, why: 'not a number' },
      { timestamp: '2026-01-01T11:59:00', value: 85, used: true, comparison: '85.0 > 80.0', outside: true },
    ]);
    expect(evaluation).toMatchObject({
      verdict: 'insufficient data',
      decision: 'stay',
      reason: 'only 1 of the 2 datapoints needed is there',
    });
  });

  test('that is unavailable keeps the state of the alarm, and the explanation shows no address', async () => {
    gnocchi.says = () => ({ kind: 'outage', reason: 'connection refused' });
    const { questions, evaluation, notes, summary } = await explain(api, await api.create(gnocchiBody(), MEMBER));
    expect(questions[0]?.backend).toMatchObject({ reachable: false, trouble: 'connection refused' });
    expect(evaluation).toMatchObject({ verdict: 'trouble', decision: 'stay', would_be_state: 'insufficient data' });
    expect(notes).toEqual([
      'While a backend that it needs cannot be asked, the alarm keeps its state, also after the grace of 180 seconds.',
    ]);
    expect(summary).toMatch(
      /It keeps its state, since nothing new can be said: gnocchi could not be asked: connection refused\.$/,
    );
  });

  test('that is unavailable is named for a moment before the alarm, of which no state is given', async () => {
    gnocchi.says = () => ({ kind: 'outage', reason: 'connection refused' });
    const id = await api.create(gnocchiBody(), MEMBER);
    expect((await explain(api, id, '?at=2026-01-01T10:00:00Z')).summary).toBe(
      'At 2026-01-01T10:00:00Z the alarm did not exist yet. An evaluation of that moment is not possible: ' +
        'gnocchi could not be asked: connection refused.',
    );
  });

  test.each([
    { kind: 'absent', reason: 'metric memory does not exist' },
    { kind: 'refused', reason: 'alarm statistics retrieval failed: no' },
  ] as const)('that answers $kind is explained with the reason of the backend', async (answer) => {
    gnocchi.says = () => answer;
    const { questions, evaluation, summary } = await explain(api, await api.create(gnocchiBody(), MEMBER));
    expect(questions[0]).toMatchObject({ refusal: answer.reason, backend: { reachable: true } });
    expect(evaluation.verdict).toBe('insufficient data');
    expect(summary).toContain(
      `gnocchi gives no data: ${answer.reason.replace('alarm statistics retrieval failed: ', '')}`,
    );
  });

  test('that refuses the query of a part of a composite rule is quoted in the summary', async () => {
    const words = 'execution: many-to-many matching not allowed (HTTP 422)';
    prometheus.says = () => ({ kind: 'refused', reason: `alarm statistics retrieval failed: ${words}` });
    const composite_rule = { or: [{ type: 'prometheus', query: 'a / b', threshold: 1 }] };
    const { summary } = await explain(
      api,
      await api.create({ name: 'any', type: 'composite', composite_rule }, MEMBER),
    );
    expect(summary).toContain(`rule1 says insufficient data (prometheus gives no data: ${words})`);
  });

  test('that is not configured is named in the summary, and the alarm is not evaluated', async () => {
    const body = {
      name: 'pool',
      type: 'loadbalancer_member_health',
      loadbalancer_member_health_rule: { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'g' },
    };
    const { questions, evaluation, summary } = await explain(api, await api.create(body, MEMBER));
    expect(questions[0]?.backend).toMatchObject({ kind: 'octavia', configured: false, reachable: null });
    expect(evaluation).toMatchObject({ verdict: null, decision: 'stay' });
    expect(summary).toMatch(/No evaluator looks at it: no octavia backend is configured\.$/);
  });

  test('with several series shows the series of each datapoint, and the series that were not compared', async () => {
    prometheus.says = (_, { now }) => ({
      kind: 'series',
      series: [seriesEndingAt(now, 60, [7, 9]), seriesEndingAt(now, 60, [1])],
    });
    const body = prometheusBody({ granularity: 60, evaluation_periods: 2 });
    const { questions, evaluation } = await explain(api, await api.create(body, MEMBER));
    expect(questions[0]?.datapoints).toEqual([
      { timestamp: '2026-01-01T11:59:00', series: 0, value: 7, used: true, comparison: '7.0 >= 5.0', outside: true },
      { timestamp: '2026-01-01T12:00:00', series: 0, value: 9, used: true, comparison: '9.0 >= 5.0', outside: true },
      { timestamp: '2026-01-01T12:00:00', series: 1, value: 1, used: false, why: 'its series has too few datapoints' },
    ]);
    expect(evaluation.verdict).toBe('alarm');
  });

  test('is compared with the clear threshold of the alarm while it is in alarm', async () => {
    gnocchi.says = (_, { now }) => ({ kind: 'series', series: [seriesEndingAt(now, 60, [75, 75])] });
    const id = await api.create(gnocchiBody(), MEMBER);
    await db.query('update alarms set evaluation_options = $2 where id = $1', [id, '{"clear_threshold": 70}']);
    expect((await explain(api, id)).questions[0]?.condition.effective_threshold).toBe(80);
    await storeTransition(db, id, { at: before(60), from: 'ok', to: 'alarm', reason: 'much', version: 1 });
    const { questions, evaluation } = await explain(api, id);
    expect(questions[0]?.condition).toMatchObject({ threshold: 80, effective_threshold: 70 });
    expect(evaluation).toMatchObject({ verdict: 'alarm', would_be_state: 'alarm', decision: 'stay' });
  });

  test('of a composite rule is explained for each part', async () => {
    gnocchi.says = (_, { now }) => ({ kind: 'series', series: [seriesEndingAt(now, 60, [90, 90])] });
    prometheus.says = (_, { now }) => ({ kind: 'series', series: [seriesEndingAt(now, 60, [1])] });
    const { gnocchi_resources_threshold_rule: memory } = gnocchiBody();
    const { prometheus_rule: errors } = prometheusBody();
    const composite_rule = {
      or: [
        { ...memory, type: 'gnocchi_resources_threshold' },
        { ...errors, type: 'prometheus' },
      ],
    };
    const { questions, evaluation, summary } = await explain(
      api,
      await api.create({ name: 'any', type: 'composite', composite_rule }, MEMBER),
    );
    expect(questions.map((question) => question.rule)).toEqual([
      { name: 'rule1', type: 'gnocchi_resources_threshold', verdict: 'alarm', options: {} },
      { name: 'rule2', type: 'prometheus', verdict: 'ok', options: {} },
    ]);
    expect(questions.map(({ backend }) => backend.kind)).toEqual(['gnocchi', 'prometheus']);
    expect(evaluation).toMatchObject({ verdict: 'alarm', decision: 'transition' });
    expect(summary).toContain('rule1 says alarm, rule2 says ok');
  });

  test('of a part of a composite rule is evaluated with the options of that part', async () => {
    prometheus.says = (_, { now }) => ({ kind: 'series', series: [seriesEndingAt(now, 60, [1, 9])] });
    const { prometheus_rule } = prometheusBody({ granularity: 60, evaluation_periods: 3 });
    const leaf = { ...(prometheus_rule as object), type: 'prometheus' };
    const tocsin = { datapoints_to_alarm: 1, clear_threshold: 4, ingestion_lag: 60 };
    const composite_rule = {
      and: [
        { ...leaf, tocsin },
        { ...leaf, tocsin: { treat_missing_data: 'ignore' } },
      ],
    };
    const id = await api.create({ name: 'any', type: 'composite', composite_rule }, MEMBER);
    const { questions, options, evaluation } = await explain(api, id);
    expect(options).toEqual({});
    expect(questions.map((question) => question.rule)).toEqual([
      { name: 'rule1', type: 'prometheus', verdict: 'alarm', options: tocsin },
      { name: 'rule2', type: 'prometheus', verdict: 'hold', options: { treat_missing_data: 'ignore' } },
    ]);
    expect(questions.map(({ window }) => window.ingestion_lag)).toEqual([60, 0]);
    expect(evaluation).toMatchObject({ verdict: 'insufficient data', decision: 'stay' });
    await storeTransition(db, id, { at: before(60), from: 'ok', to: 'alarm', reason: 'much', version: 1 });
    const later = await explain(api, id);
    expect(later.questions.map(({ condition }) => condition.effective_threshold)).toEqual([4, 5]);
    expect(later.evaluation).toMatchObject({ verdict: 'alarm', decision: 'stay' });
  });
});
