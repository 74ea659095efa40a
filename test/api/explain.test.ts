import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { BackendAnswer } from '../../src/alarm/series.js';
import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  combinationBody,
  MEMBER,
  READER,
  startApi,
  STRANGER,
  thresholdBody,
  type TestApi,
} from '../support/api.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { datasourceDouble, seriesEndingAt } from '../support/datasource-double.js';
import { storeSample } from '../support/stored-alarms.js';

interface Explained {
  options: object;
  summary: string;
  state_reason: string;
  notes: string[];
  state: string;
  state_at: { state: string; since: string | null; reason: string | null; known_from: string };
  evaluation: { verdict: string | null; would_be_state: string; decision: string; reason: string };
  questions: {
    rule: { name: string; verdict: string } | null;
    backend: {
      kind: string;
      name: string | null;
      configured: boolean;
      reachable: boolean | null;
      trouble: string | null;
    };
    window: Record<string, unknown>;
    requests: string[];
    refusal: string | null;
    condition: { threshold: number; effective_threshold: number };
    compared: number;
    outside: number;
    datapoints: Record<string, unknown>[];
  }[];
  time_constraints: { within: boolean; constraints: { name: string; holds: boolean }[] };
  members: { alarm_id: string; state: string | null }[] | null;
  last_firing: { timestamp: string; reason: string } | null;
  evaluation_schedule: Record<string, unknown>;
}

const NOON = new Date('2026-01-01T12:00:00Z');
const NOTHING: BackendAnswer = { kind: 'series', series: [[]] };

let db: Database;
let api: TestApi;
const gnocchi = datasourceDouble<'gnocchi'>(() => NOTHING);
const prometheus = datasourceDouble<'prometheus'>(() => NOTHING);

beforeAll(async () => {
  db = await embeddedDatabase();
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

/** A change of state as an evaluator leaves it. */
async function storeTransition(
  alarmId: string,
  { at, from, to, reason, version }: { at: Date; from: string; to: string; reason: string; version: number },
): Promise<void> {
  await db.query(
    `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp, state_version,
      previous_state)
     values ($1, $2, 'state transition', $3, 'p1', $4, $5, $6)`,
    [`${alarmId}-${version}`, alarmId, JSON.stringify({ state: to, transition_reason: reason }), at, version, from],
  );
  await db.query(
    'update alarms set state = $2, state_version = $3::bigint, state_reason = $4, state_timestamp = $5::timestamptz where id = $1',
    [alarmId, to, version, reason, at],
  );
}

async function explain(id: string, search = ''): Promise<Explained> {
  const answer = await api.ask('GET', `/v2/alarms/${id}/explain${search}`, { as: READER });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json<Explained>();
}

const rule = (fields: Record<string, unknown>) => ({
  threshold_rule: { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt', ...fields },
});
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

describe('an alarm on the built-in meters', () => {
  beforeEach(async () => {
    for (const [seconds, volume] of [
      [230, 10],
      [150, 70],
      [90, 95],
      [30, 91],
    ] as const) {
      await storeSample(db, 'cpu', { volume, at: before(seconds), project: 'p1' });
    }
  });

  test('is told with every datapoint, compared or not, and with the request that brought it', async () => {
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 2 })), MEMBER);
    const { questions, evaluation, summary } = await explain(id);
    expect(questions[0]?.backend).toEqual({
      kind: 'meters',
      name: null,
      configured: true,
      reachable: true,
      trouble: null,
    });
    expect(questions[0]?.window).toEqual({
      start: '2026-01-01T11:57:00',
      stop: '2026-01-01T12:00:00',
      granularity: 60,
      evaluation_periods: 2,
      ingestion_lag: 0,
    });
    expect(questions[0]?.datapoints).toEqual([
      { timestamp: '2026-01-01T11:56:00', value: 10, used: false, why: 'outside the window' },
      { timestamp: '2026-01-01T11:57:00', value: 70, used: false, why: 'older than the last 2 datapoints' },
      { timestamp: '2026-01-01T11:58:00', value: 95, used: true, comparison: '95.0 > 80.0', outside: true },
      { timestamp: '2026-01-01T11:59:00', value: 91, used: true, comparison: '91.0 > 80.0', outside: true },
    ]);
    expect(questions[0]?.requests).toEqual(['statistics of the built-in meters: [{"meter":"cpu","project":"p1"}]']);
    expect(evaluation).toEqual({
      verdict: 'alarm',
      would_be_state: 'alarm',
      decision: 'transition',
      reason: 'Transition to alarm due to 2 samples outside threshold, most recent: 91.0',
    });
    expect(summary).toBe(
      'It has been in state insufficient data since 2026-01-01T12:00:00: no evaluation has found another state yet. ' +
        'A look at it says alarm: all of the last 2 datapoints are above 80.0, the most recent is 91.0.',
    );
  });

  test('is told with what outliers were left out', async () => {
    for (let count = 0; count < 30; count += 1)
      await storeSample(db, 'cpu', { volume: 5, at: before(20), project: 'p1' });
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 4, exclude_outliers: true })), MEMBER);
    for (const seconds of [290, 350, 410, 470])
      await storeSample(db, 'cpu', { volume: 50, at: before(seconds), project: 'p1' });
    const { questions } = await explain(id);
    expect(questions[0]?.datapoints.at(-1)).toMatchObject({ used: false, why: 'an outlier by its number of samples' });
    expect(questions[0]?.compared).toBe(4);
  });

  test('keeps its state while its datapoints disagree, and the summary says so', async () => {
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 3 })), MEMBER);
    await storeTransition(id, {
      at: before(600),
      from: 'insufficient data',
      to: 'ok',
      reason: 'all was well',
      version: 1,
    });
    const { evaluation, summary } = await explain(id);
    expect(evaluation).toMatchObject({ verdict: 'trending alarm', would_be_state: 'ok', decision: 'stay' });
    expect(summary).toBe(
      'It has been in state ok since 2026-01-01T11:50:00: all was well. A look at it says no different: ' +
        '2 of the last 3 datapoints are above 80.0, the most recent is 91.0; a mixture changes no state.',
    );
  });

  test('is looked at as of then, from the state that it had then', async () => {
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 1 })), MEMBER);
    const at = before(70);
    await storeTransition(id, { at: before(600), from: 'insufficient data', to: 'ok', reason: 'calm', version: 1 });
    await storeTransition(id, { at, from: 'ok', to: 'alarm', reason: 'too much', version: 2 });
    const past = await explain(id, `?at=${at.toISOString()}`);
    expect(past.state_at).toEqual({
      state: 'ok',
      since: '2026-01-01T11:50:00',
      reason: 'calm',
      known_from: 'its history',
    });
    expect(past.state).toBe('alarm');
    expect(past.evaluation).toMatchObject({ verdict: 'alarm', decision: 'transition' });
    expect(past.summary).toMatch(
      /^At 2026-01-01T11:58:50 it had been in state ok since 2026-01-01T11:50:00: calm\. A look at it says alarm:/,
    );
    expect((await explain(id)).state_at).toMatchObject({ state: 'alarm', known_from: 'the alarm' });
    const longAgo = await explain(id, `?at=${before(7200).toISOString()}`);
    expect(longAgo.state_at).toMatchObject({ state: 'insufficient data', since: null });
    expect(longAgo.notes).toEqual(['The alarm did not exist yet at that moment.']);
  });

  test('is left alone when it is disabled or outside its time constraints, whatever a look says', async () => {
    const night = { name: 'night', start: '0 2 * * *', duration: 60 };
    const noon = { name: 'noon', start: '0 12 * * *', duration: 60 };
    const disabled = await explain(await api.create(thresholdBody({ ...rule({}), enabled: false }), MEMBER));
    expect(disabled.evaluation).toEqual({
      verdict: 'alarm',
      would_be_state: 'alarm',
      decision: 'stay',
      reason: 'it is disabled',
    });
    expect(disabled.summary).toMatch(/No evaluator looks at it: it is disabled\.$/);
    const asleep = await explain(await api.create(thresholdBody({ ...rule({}), time_constraints: [night] }), MEMBER));
    expect(asleep.time_constraints).toMatchObject({ within: false, constraints: [{ name: 'night', holds: false }] });
    expect(asleep.evaluation.decision).toBe('stay');
    const awake = await explain(
      await api.create(thresholdBody({ ...rule({}), time_constraints: [night, noon] }), MEMBER),
    );
    expect(awake.time_constraints).toMatchObject({
      within: true,
      constraints: [{ holds: false }, { name: 'noon', holds: true }],
    });
    expect(awake.evaluation.decision).toBe('transition');
  });

  test('says which of its time constraints never open', async () => {
    const noon = { name: 'noon', start: '0 12 * * *', duration: 60 };
    const never = { name: 'never', start: '0 0 31 2 *', duration: 60 };
    const all = await explain(await api.create(thresholdBody({ ...rule({}), time_constraints: [never] }), MEMBER));
    expect(all.state_reason).toBe('time constraint never never opens');
    expect(all.evaluation).toMatchObject({ decision: 'stay', reason: 'time constraint never never opens' });
    expect(all.notes).toEqual(['The time constraint never never opens.']);
    expect(all.summary).toMatch(/No evaluator looks at it: time constraint never never opens\.$/);
    const some = await explain(
      await api.create(thresholdBody({ ...rule({}), time_constraints: [never, noon] }), MEMBER),
    );
    expect(some.state_reason).toBe('Not evaluated yet');
    expect(some.evaluation.decision).toBe('transition');
    expect(some.notes).toEqual(['The time constraint never never opens.']);
  });

  test('has an owner and a time for its next evaluation', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    await db.query("update partitions set owner = 'evaluator-7', epoch = 4, last_evaluated_at = $1", [before(20)]);
    const { evaluation_schedule: schedule } = await explain(id);
    expect(schedule).toMatchObject({
      owner: 'evaluator-7',
      epoch: 4,
      interval: 60,
      last_evaluated_at: '2026-01-01T11:59:40',
      enabled: true,
      muted: false,
    });
    const next = new Date(`${String(schedule['next_evaluation_at'])}Z`).getTime();
    expect(next).toBeGreaterThan(NOON.getTime());
    expect(next).toBeLessThanOrEqual(NOON.getTime() + 60_000);
  });

  test.each([
    ['15 s behind is told so', '', true, 15],
    ['behind and was disabled since is not', '', false, null],
    ['behind is told for the present moment only', '?at=2026-01-01T11:59:00', true, null],
  ])('that is %s', async (_, search, enabled, seconds) => {
    const id = await api.create(thresholdBody({ ...rule({}), enabled }), MEMBER);
    await db.query('update partitions set behind = $1::jsonb', [
      JSON.stringify({ [id]: { dueMs: before(15).getTime() } }),
    ]);
    const { evaluation_schedule: schedule, notes } = await explain(id, search);
    expect(schedule['behind']).toBe(seconds);
    expect(notes.join('').match(/Tocsin is behind: \d+ s\. /g)).toEqual(seconds && ['Tocsin is behind: 15 s. ']);
  });
});

describe('an alarm on a backend', () => {
  test('is told with what the backend was asked, and what of its answer was not believed', async () => {
    gnocchi.says = (_, { now, trace }, key) => {
      trace?.dropped({ key, at: now.getTime() - 90_000, value: NaN, why: 'not a number' });
      return { kind: 'series', series: [seriesEndingAt(new Date(now.getTime() - 60_000), 60, [85])] };
    };
    const { questions, evaluation } = await explain(await api.create(gnocchiBody(), MEMBER));
    expect(questions[0]?.requests).toEqual([expect.stringContaining('"resourceId":"r1"')]);
    expect(questions[0]?.datapoints).toEqual([
      { timestamp: '2026-01-01T11:58:30', value: 'NaN', used: false, why: 'not a number' },
      { timestamp: '2026-01-01T11:59:00', value: 85, used: true, comparison: '85.0 > 80.0', outside: true },
    ]);
    expect(evaluation).toMatchObject({
      verdict: 'insufficient data',
      decision: 'stay',
      reason: 'only 1 of the 2 datapoints needed are there',
    });
  });

  test('that cannot be asked keeps its state, and nobody is told where the backend is', async () => {
    gnocchi.says = () => ({ kind: 'trouble', reason: 'connection refused' });
    const { questions, evaluation, notes, summary } = await explain(await api.create(gnocchiBody(), MEMBER));
    expect(questions[0]?.backend).toMatchObject({ reachable: false, trouble: 'connection refused' });
    expect(evaluation).toMatchObject({ verdict: 'trouble', decision: 'stay', would_be_state: 'insufficient data' });
    expect(notes).toEqual([
      'While a backend that it needs cannot be asked, the alarm keeps its state, also after the grace of 180 seconds.',
    ]);
    expect(summary).toMatch(
      /It keeps its state, since nothing new can be said: gnocchi could not be asked: connection refused\.$/,
    );
  });

  test.each([
    { kind: 'absent', reason: 'metric memory does not exist' },
    { kind: 'refused', reason: 'alarm statistics retrieval failed: no' },
  ] as const)('that is $kind is told with what the backend said', async (answer) => {
    gnocchi.says = () => answer;
    const { questions, evaluation, summary } = await explain(await api.create(gnocchiBody(), MEMBER));
    expect(questions[0]).toMatchObject({ refusal: answer.reason, backend: { reachable: true } });
    expect(evaluation.verdict).toBe('insufficient data');
    expect(summary).toContain(
      `gnocchi gives no data: ${answer.reason.replace('alarm statistics retrieval failed: ', '')}`,
    );
  });

  test('that refuses the query of a rule of a composite alarm is quoted', async () => {
    const words = 'execution: many-to-many matching not allowed (HTTP 422)';
    prometheus.says = () => ({ kind: 'refused', reason: `alarm statistics retrieval failed: ${words}` });
    const composite_rule = { or: [{ type: 'prometheus', query: 'a / b', threshold: 1 }] };
    const { summary } = await explain(await api.create({ name: 'any', type: 'composite', composite_rule }, MEMBER));
    expect(summary).toContain(`rule1 says insufficient data (prometheus gives no data: ${words})`);
  });

  test('that nobody configured is not evaluated, and says which', async () => {
    const body = {
      name: 'pool',
      type: 'loadbalancer_member_health',
      loadbalancer_member_health_rule: { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'g' },
    };
    const { questions, evaluation, summary } = await explain(await api.create(body, MEMBER));
    expect(questions[0]?.backend).toMatchObject({ kind: 'octavia', configured: false, reachable: null });
    expect(evaluation).toMatchObject({ verdict: null, decision: 'stay' });
    expect(summary).toMatch(/No evaluator looks at it: no octavia backend is configured\.$/);
  });

  test('with several series tells which point is of which, and which series stood aside', async () => {
    prometheus.says = (_, { now }) => ({
      kind: 'series',
      series: [seriesEndingAt(now, 60, [7, 9]), seriesEndingAt(now, 60, [1])],
    });
    const body = prometheusBody({ granularity: 60, evaluation_periods: 2 });
    const { questions, evaluation } = await explain(await api.create(body, MEMBER));
    expect(questions[0]?.datapoints).toEqual([
      { timestamp: '2026-01-01T11:59:00', series: 0, value: 7, used: true, comparison: '7.0 >= 5.0', outside: true },
      { timestamp: '2026-01-01T12:00:00', series: 0, value: 9, used: true, comparison: '9.0 >= 5.0', outside: true },
      { timestamp: '2026-01-01T12:00:00', series: 1, value: 1, used: false, why: 'its series has too few datapoints' },
    ]);
    expect(evaluation.verdict).toBe('alarm');
  });

  test('is compared with its clear threshold while in alarm', async () => {
    gnocchi.says = (_, { now }) => ({ kind: 'series', series: [seriesEndingAt(now, 60, [75, 75])] });
    const id = await api.create(gnocchiBody(), MEMBER);
    await db.query('update alarms set evaluation_options = $2 where id = $1', [id, '{"clear_threshold": 70}']);
    expect((await explain(id)).questions[0]?.condition.effective_threshold).toBe(80);
    await storeTransition(id, { at: before(60), from: 'ok', to: 'alarm', reason: 'much', version: 1 });
    const { questions, evaluation } = await explain(id);
    expect(questions[0]?.condition).toMatchObject({ threshold: 80, effective_threshold: 70 });
    expect(evaluation).toMatchObject({ verdict: 'alarm', would_be_state: 'alarm', decision: 'stay' });
  });

  test('of a composite rule is told part by part', async () => {
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

  test('of a rule within a composite one is judged by the options of that rule', async () => {
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
    const { questions, options, evaluation } = await explain(id);
    expect(options).toEqual({});
    expect(questions.map((question) => question.rule)).toEqual([
      { name: 'rule1', type: 'prometheus', verdict: 'alarm', options: tocsin },
      { name: 'rule2', type: 'prometheus', verdict: 'hold', options: { treat_missing_data: 'ignore' } },
    ]);
    expect(questions.map(({ window }) => window.ingestion_lag)).toEqual([60, 0]);
    expect(evaluation).toMatchObject({ verdict: 'insufficient data', decision: 'stay' });
    await storeTransition(id, { at: before(60), from: 'ok', to: 'alarm', reason: 'much', version: 1 });
    const later = await explain(id);
    expect(later.questions.map(({ condition }) => condition.effective_threshold)).toEqual([4, 5]);
    expect(later.evaluation).toMatchObject({ verdict: 'alarm', decision: 'stay' });
  });
});

test('a combination is told with its members, now and then', async () => {
  const [a, b] = [await api.create(thresholdBody(), MEMBER), await api.create(thresholdBody(), MEMBER)];
  const id = await api.create(combinationBody([a, b]), MEMBER);
  await storeTransition(a, { at: before(60), from: 'ok', to: 'alarm', reason: 'x', version: 1 });
  await storeTransition(b, { at: before(600), from: 'ok', to: 'alarm', reason: 'x', version: 1 });
  const now = await explain(id);
  expect(now.members).toEqual([
    { alarm_id: a, state: 'alarm' },
    { alarm_id: b, state: 'alarm' },
  ]);
  expect(now.evaluation).toMatchObject({ verdict: 'alarm', decision: 'transition' });
  const then = await explain(id, `?at=${before(120).toISOString()}`);
  expect(then.members?.map(({ state }) => state)).toEqual(['ok', 'alarm']);
  expect(then.evaluation).toMatchObject({ verdict: 'ok' });
});

test('an event alarm says that events set it off, and when one last did', async () => {
  const id = await api.create({ name: 'e', type: 'event', event_rule: { event_type: 'boot.*' } }, MEMBER);
  const fresh = await explain(id);
  expect(fresh.evaluation).toMatchObject({ verdict: null, reason: 'it is judged on events, as each of them comes in' });
  expect(fresh.last_firing).toBeNull();
  await storeTransition(id, {
    at: before(60),
    from: 'insufficient data',
    to: 'alarm',
    reason: 'Event hits',
    version: 1,
  });
  expect((await explain(id)).last_firing).toEqual({ timestamp: '2026-01-01T11:59:00', reason: 'Event hits' });
});

test.each([
  ['the future', '?at=2026-01-01T12:00:01Z', /attribute at\. .* It must not be in the future/],
  ['no moment', '?at=yesterday', /attribute at\. .* It is not a timestamp/],
  ['an unknown parameter', '?when=2026', /Unknown argument: "when"/],
])('%s is refused', async (_, search, fault) => {
  const id = await api.create(thresholdBody(), MEMBER);
  const answer = await api.ask('GET', `/v2/alarms/${id}/explain${search}`, { as: MEMBER });
  expect([answer.status, answer.fault]).toEqual([400, expect.stringMatching(fault)]);
});

test("others' alarms are not there", async () => {
  const id = await api.create(thresholdBody(), MEMBER);
  expect((await api.ask('GET', `/v2/alarms/${id}/explain`, { as: STRANGER })).status).toBe(404);
  expect((await api.ask('GET', `/v2/alarms/${id}/explain`, { as: ADMIN })).status).toBe(200);
});
