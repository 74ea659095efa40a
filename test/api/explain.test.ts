import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { ADMIN, combinationBody, MEMBER, startApi, STRANGER, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { explain, storeTransition } from '../support/explanations.js';
import { storeSample } from '../support/stored-alarms.js';

const NOON = new Date('2026-01-01T12:00:00Z');

let db: Database;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
});
beforeEach(() => empty(db));
afterAll(async () => {
  await api.close();
  await db.close();
});

const before = (seconds: number): Date => new Date(NOON.getTime() - seconds * 1000);

const rule = (fields: Record<string, unknown>) => ({
  threshold_rule: { meter_name: 'cpu', threshold: 80, comparison_operator: 'gt', ...fields },
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

  test('is explained with all datapoints, compared or not, and with the request for them', async () => {
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 2 })), MEMBER);
    const { questions, evaluation, summary } = await explain(api, id);
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
      'It has been in state insufficient data since 2026-01-01T12:00:00Z: no evaluation has found another state yet. ' +
        'Its evaluation gives alarm: all of the last 2 datapoints are above 80.0, the most recent is 91.0.',
    );
  });

  test('is explained with the outliers that were left out', async () => {
    for (let count = 0; count < 30; count += 1)
      await storeSample(db, 'cpu', { volume: 5, at: before(20), project: 'p1' });
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 4, exclude_outliers: true })), MEMBER);
    for (const seconds of [290, 350, 410, 470])
      await storeSample(db, 'cpu', { volume: 50, at: before(seconds), project: 'p1' });
    const { questions } = await explain(api, id);
    expect(questions[0]?.datapoints.at(-1)).toMatchObject({ used: false, why: 'an outlier by its number of samples' });
    expect(questions[0]?.compared).toBe(4);
  });

  test('keeps its state while its datapoints disagree, and the summary says so', async () => {
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 3 })), MEMBER);
    await storeTransition(db, id, {
      at: before(600),
      from: 'insufficient data',
      to: 'ok',
      reason: 'all was well',
      version: 1,
    });
    const { evaluation, summary } = await explain(api, id);
    expect(evaluation).toMatchObject({ verdict: 'trending alarm', would_be_state: 'ok', decision: 'stay' });
    expect(summary).toBe(
      'It has been in state ok since 2026-01-01T11:50:00Z: all was well. Its evaluation gives the same: ' +
        '2 of the last 3 datapoints are above 80.0, the most recent is 91.0; a mixture changes no state.',
    );
  });

  test('is explained for a time in the past from the state of that time', async () => {
    const id = await api.create(thresholdBody(rule({ evaluation_periods: 1 })), MEMBER);
    const at = before(70);
    await storeTransition(db, id, { at: before(600), from: 'insufficient data', to: 'ok', reason: 'calm', version: 1 });
    await storeTransition(db, id, { at, from: 'ok', to: 'alarm', reason: 'too much', version: 2 });
    const past = await explain(api, id, `?at=${at.toISOString()}`);
    expect(past.state_at).toEqual({
      state: 'ok',
      since: '2026-01-01T11:50:00',
      reason: 'calm',
      known_from: 'its history',
    });
    expect(past.state).toBe('alarm');
    expect(past.evaluation).toMatchObject({ verdict: 'alarm', decision: 'transition' });
    expect(past.summary).toMatch(
      /^At 2026-01-01T11:58:50Z it had been in state ok since 2026-01-01T11:50:00Z: calm\. Its evaluation gives alarm:/,
    );
    expect((await explain(api, id)).state_at).toMatchObject({ state: 'alarm', known_from: 'the alarm' });
    const longAgo = await explain(api, id, `?at=${before(7200).toISOString()}`);
    expect(longAgo.state_at).toMatchObject({ state: 'insufficient data', since: null });
    expect(longAgo.summary).toMatch(
      /^At 2026-01-01T10:00:00Z the alarm did not exist yet\. An evaluation of that moment /,
    );
    expect(longAgo.notes).toEqual(['The alarm did not exist yet at that moment.']);
  });

  test('changes no state if it is disabled or outside its time constraints', async () => {
    const night = { name: 'night', start: '0 2 * * *', duration: 60 };
    const noon = { name: 'noon', start: '0 12 * * *', duration: 60 };
    const disabled = await explain(api, await api.create(thresholdBody({ ...rule({}), enabled: false }), MEMBER));
    expect(disabled.evaluation).toEqual({
      verdict: 'alarm',
      would_be_state: 'alarm',
      decision: 'stay',
      reason: 'it is disabled',
    });
    expect(disabled.summary).toMatch(/No evaluator looks at it: it is disabled\.$/);
    const asleep = await explain(
      api,
      await api.create(thresholdBody({ ...rule({}), time_constraints: [night] }), MEMBER),
    );
    expect(asleep.time_constraints).toMatchObject({ within: false, constraints: [{ name: 'night', holds: false }] });
    expect(asleep.evaluation.decision).toBe('stay');
    const awake = await explain(
      api,
      await api.create(thresholdBody({ ...rule({}), time_constraints: [night, noon] }), MEMBER),
    );
    expect(awake.time_constraints).toMatchObject({
      within: true,
      constraints: [{ holds: false }, { name: 'noon', holds: true }],
    });
    expect(awake.evaluation.decision).toBe('transition');
  });

  test('has notes that name the time constraints that never open', async () => {
    const noon = { name: 'noon', start: '0 12 * * *', duration: 60 };
    const never = { name: 'never', start: '0 0 31 2 *', duration: 60 };
    const all = await explain(api, await api.create(thresholdBody({ ...rule({}), time_constraints: [never] }), MEMBER));
    expect(all.state_reason).toBe('time constraint never never opens');
    expect(all.evaluation).toMatchObject({ decision: 'stay', reason: 'time constraint never never opens' });
    expect(all.notes).toEqual(['The time constraint never never opens.']);
    expect(all.summary).toMatch(/No evaluator looks at it: time constraint never never opens\.$/);
    const some = await explain(
      api,
      await api.create(thresholdBody({ ...rule({}), time_constraints: [never, noon] }), MEMBER),
    );
    expect(some.state_reason).toBe('Not evaluated yet');
    expect(some.evaluation.decision).toBe('transition');
    expect(some.notes).toEqual(['The time constraint never never opens.']);
  });

  test('is explained with its owner and the time of its next evaluation', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    await db.query("update partitions set owner = 'evaluator-7', epoch = 4, last_evaluated_at = $1", [before(20)]);
    const { evaluation_schedule: schedule } = await explain(api, id);
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
    ['15 s late is reported', '', true, 15],
    ['late and was disabled since is not', '', false, null],
    ['late is reported for the present only', '?at=2026-01-01T11:59:00', true, null],
  ])('that is %s', async (_, search, enabled, seconds) => {
    const id = await api.create(thresholdBody({ ...rule({}), enabled }), MEMBER);
    await db.query('update partitions set behind = $1::jsonb', [
      JSON.stringify({ [id]: { dueMs: before(15).getTime() } }),
    ]);
    const { evaluation_schedule: schedule, notes } = await explain(api, id, search);
    expect(schedule['behind']).toBe(seconds);
    expect(notes.join('').match(/Tocsin is behind: \d+ s\. /g)).toEqual(seconds && ['Tocsin is behind: 15 s. ']);
  });
});

test('a combination is explained with its members, for now and for a time in the past', async () => {
  const [a, b] = [await api.create(thresholdBody(), MEMBER), await api.create(thresholdBody(), MEMBER)];
  const id = await api.create(combinationBody([a, b]), MEMBER);
  await storeTransition(db, a, { at: before(60), from: 'ok', to: 'alarm', reason: 'x', version: 1 });
  await storeTransition(db, b, { at: before(600), from: 'ok', to: 'alarm', reason: 'x', version: 1 });
  const now = await explain(api, id);
  expect(now.members).toEqual([
    { alarm_id: a, state: 'alarm' },
    { alarm_id: b, state: 'alarm' },
  ]);
  expect(now.evaluation).toMatchObject({ verdict: 'alarm', decision: 'transition' });
  const then = await explain(api, id, `?at=${before(120).toISOString()}`);
  expect(then.members?.map(({ state }) => state)).toEqual(['ok', 'alarm']);
  expect(then.evaluation).toMatchObject({ verdict: 'ok' });
});

test('an event alarm is explained with its last firing', async () => {
  const id = await api.create({ name: 'e', type: 'event', event_rule: { event_type: 'boot.*' } }, MEMBER);
  const fresh = await explain(api, id);
  expect(fresh.evaluation).toMatchObject({ verdict: null, reason: 'it is judged on events, as each of them comes in' });
  expect(fresh.last_firing).toBeNull();
  await storeTransition(db, id, {
    at: before(60),
    from: 'insufficient data',
    to: 'alarm',
    reason: 'Event hits',
    version: 1,
  });
  expect((await explain(api, id)).last_firing).toEqual({ timestamp: '2026-01-01T11:59:00', reason: 'Event hits' });
});

test.each([
  ['a time in the future', '?at=2026-01-01T12:00:01Z', /attribute at\. .* It must not be in the future/],
  ['text that is not a time', '?at=yesterday', /attribute at\. .* It is not a timestamp/],
  ['an unknown parameter', '?when=2026', /Unknown argument: "when"/],
])('GET /v2/alarms/{id}/explain refuses %s', async (_, search, fault) => {
  const id = await api.create(thresholdBody(), MEMBER);
  const answer = await api.ask('GET', `/v2/alarms/${id}/explain${search}`, { as: MEMBER });
  expect([answer.status, answer.fault]).toEqual([400, expect.stringMatching(fault)]);
});

test("GET /v2/alarms/{id}/explain answers 404 for another project's alarm", async () => {
  const id = await api.create(thresholdBody(), MEMBER);
  expect((await api.ask('GET', `/v2/alarms/${id}/explain`, { as: STRANGER })).status).toBe(404);
  expect((await api.ask('GET', `/v2/alarms/${id}/explain`, { as: ADMIN })).status).toBe(200);
});
