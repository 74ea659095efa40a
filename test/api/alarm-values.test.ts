import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  combinationBody,
  MEMBER,
  READER,
  STRANGER,
  thresholdBody,
  type Answered,
  type TestApi,
} from '../support/api.js';
import { embeddedDatabase, serverDatabase } from '../support/databases.js';
import { seriesEndingAt } from '../support/datasource-double.js';
import { eventually } from '../support/eventually.js';
import { explain, storeTransition } from '../support/explanations.js';
import { describeWithPostgres } from '../support/servers.js';
import {
  ALARMS,
  bodyOf,
  explainedValues,
  MOMENTARY,
  SEARCH,
  SPAN,
  startValuesRig,
  waveEnding,
  type Band,
  type Values,
  type ValuesRig,
} from '../support/values-rig.js';

function suite(open: () => Promise<Database>): void {
  let db: Database;
  let rig: ValuesRig;
  let api: TestApi;
  let prometheus: ValuesRig['prometheus'];

  beforeAll(async () => {
    db = await open();
    rig = await startValuesRig(db);
    api = rig.api;
    prometheus = rig.prometheus;
  });
  beforeEach(() => rig.reset());
  afterAll(async () => {
    await rig.close();
    await db.close();
  });

  describe.each(Object.keys(ALARMS))('the values of an alarm of type %s', (type) => {
    test('at each moment are those that the explanation of the moment shows as used', async () => {
      const id = await api.create(bodyOf(type), MEMBER);
      const { series } = await rig.values(`/v1/alarms/${id}/values${SEARCH}`);
      const moments = series[0]!.points.map(({ at }) => at);
      expect(moments).toHaveLength(46);
      let compared = 0;
      for (const [index, at] of moments.entries()) {
        const shown = series.flatMap(({ rule, points }) => {
          const { value } = points[index]!;
          return value === null ? [] : [[rule, value]];
        });
        expect([at, shown]).toEqual([at, explainedValues(await explain(api, id, `?at=${at}`))]);
        compared += shown.length;
      }
      expect(compared).toBeGreaterThan(20);
    });

    test('have states and notifications of a backtest of that span, for the alarm and for a draft', async () => {
      const told = { alarm_actions: ['http://a/', 'http://b/'], ok_actions: ['http://a/'], repeat_actions: true };
      const alarm = { ...bodyOf(type), ...told };
      const id = await api.create(alarm, MEMBER);
      const body = { alarm, ...SPAN };
      const backtest = await api.ask('POST', '/v2/alarms/backtest', { as: MEMBER, body });
      const { transitions, summary } = backtest.json<{
        transitions: { at: string; to: string }[];
        summary: { notifications: number };
      }>();
      const starts = transitions.map(({ at, to }) => [`${at}Z`, to]);
      const stored = await rig.values(`/v1/alarms/${id}/values${SEARCH}`);
      const drafted = await rig.values('/v1/alarms/values', { as: MEMBER, body });
      for (const { states, initial_state, notifications } of [stored, drafted]) {
        expect(notifications).toBe(summary.notifications);
        expect(initial_state).toBe('insufficient data');
        const bands = states!.map(({ start, state }) => [start, state]);
        expect(bands[0]![1] === 'insufficient data' ? bands.slice(1) : bands).toEqual(starts);
        expect(states!.at(-1)?.stop).toBe(SPAN.stop);
      }
      expect(starts.length).toBeGreaterThan(2);
      expect(summary.notifications).toBeGreaterThan(starts.length);
      expect({ ...stored, alarm_id: null, created_at: null, transitions: null }).toEqual(drafted);
    });
  });

  test('series have the names, thresholds and granularities that the rule gives them', async () => {
    const id = await api.create(bodyOf('composite'), MEMBER);
    const { series } = await rig.values(`/v1/alarms/${id}/values${SEARCH}`);
    const told = { comparison_operator: 'ge', threshold: 5, granularity: 60 };
    expect(series).toMatchObject([
      { rule: 'rule1', name: null, clear_threshold: null, ...told },
      { rule: 'rule2', name: '{host="a"}', clear_threshold: 3, ...told },
      { rule: 'rule2', name: '{host="b"}', clear_threshold: 3, ...told },
    ]);
  });

  test('an outage, missing data and time constraints can be told from each other', async () => {
    prometheus.says = (_, { now }) =>
      now.getUTCMinutes() < 5 ? { kind: 'outage', reason: 'refused' } : { kind: 'series', series: [] };
    const eleven = { name: 'eleven', start: '0 11 * * *', duration: 599 };
    const answer = await rig.draft({ ...MOMENTARY, time_constraints: [eleven] }, { step: 60 });
    const { series, unanswered, not_evaluated, unknown_reason } = answer.json<Values>();
    expect(series.map(({ points }) => points.map(({ value }) => value))).toEqual([Array(10).fill(null)]);
    expect([unanswered, unknown_reason]).toEqual([5, expect.stringContaining('unknown')]);
    expect(not_evaluated).toEqual([{ start: '2026-01-01T11:10:00Z', stop: SPAN.stop }]);
  });

  test('an infinite value is a text', async () => {
    prometheus.says = (_, { now }) => ({ kind: 'series', series: [seriesEndingAt(now, 60, [Infinity])] });
    const { series } = (await rig.draft(bodyOf('prometheus'), { step: 3600 })).json<Values>();
    expect(series[0]?.points).toMatchObject([{ value: 'inf' }]);
  });

  test('a stored alarm has its real transitions of the span, and begins in the state that it had', async () => {
    const id = await api.create(bodyOf('prometheus'), MEMBER);
    const steps = [
      { at: '2026-01-01T10:50:00Z', from: 'insufficient data', to: 'ok' },
      { at: '2026-01-01T11:10:00Z', from: 'ok', to: 'alarm' },
      { at: '2026-01-01T11:20:00Z', from: 'alarm', to: 'ok' },
      { at: '2026-01-01T11:50:00Z', from: 'ok', to: 'alarm' },
    ];
    for (const [version, { at, ...step }] of steps.entries())
      await storeTransition(db, id, { ...step, at: new Date(at), reason: `r${version}`, version: version + 1 });
    const found = await rig.values(`/v1/alarms/${id}/values${SEARCH}`);
    expect(found.initial_state).toBe('ok');
    expect(found).toMatchObject({ created_at: '2026-01-01T12:00:00Z' });
    expect(found.transitions).toEqual([
      { ...steps[1], reason: 'r1' },
      { ...steps[2], reason: 'r2' },
    ]);
  });

  test('an imported alarm has no known creation, since its time is that of its last edit in Aodh', async () => {
    const timestamp = '2026-01-01T11:30:00';
    const imported = { ...bodyOf('threshold'), alarm_id: 'imported', project_id: 'p1', user_id: 'u1', timestamp };
    const answer = await api.ask('POST', '/v1/imports', { as: ADMIN, body: [imported] });
    expect(answer.json()).toMatchObject([{ outcome: 'created' }]);
    expect(await rig.values(`/v1/alarms/imported/values${SEARCH}`)).toMatchObject({ created_at: null });
    const { summary, notes } = await explain(api, 'imported', '?at=2026-01-01T11:10:00Z');
    expect([summary, ...notes].join(' ')).not.toContain('did not exist');
  });

  test('a combination has the states of its members, as its explanations have them', async () => {
    const ids = [await api.create(bodyOf('prometheus'), MEMBER), await api.create(bodyOf('threshold'), MEMBER)];
    const inner = await api.create(combinationBody([ids[1]!, await api.create(thresholdBody(), MEMBER)]), MEMBER);
    const either = combinationBody([], { combination_rule: { alarm_ids: [ids[0]!, inner], operator: 'or' } });
    const id = await api.create(either, MEMBER);
    for (const [index, at] of ['11:05:30', '11:20:00', '11:31:00', '11:40:10'].entries()) {
      const version = index + 1;
      const [from, to] = index % 2 === 0 ? ['insufficient data', 'alarm'] : ['alarm', 'insufficient data'];
      for (const member of index > 1 ? ids : [ids[0]!])
        await storeTransition(db, member, { at: new Date(`2026-01-01T${at}Z`), from, to, reason: '', version });
    }
    const { members, states } = await rig.values(`/v1/alarms/${id}/values${SEARCH}`);
    const stateAt = (bands: readonly Band[], at: string): string | null | undefined =>
      bands.findLast(({ start }) => start <= at)?.state;
    const seen = new Set<unknown>();
    for (let minute = 0; minute <= 45; minute += 1) {
      const at = `2026-01-01T11:${String(minute).padStart(2, '0')}:00Z`;
      const explained = await explain(api, id, `?at=${at}`);
      expect([at, members!.map((one) => ({ alarm_id: one.alarm_id, state: stateAt(one.states, at) }))]).toEqual([
        at,
        explained.members,
      ]);
      const { verdict } = explained.evaluation;
      expect([at, stateAt(states!, at)]).toEqual([at, verdict]);
      seen.add(verdict);
    }
    expect(seen.size).toBe(2);
    const drafted = (await rig.draft(either)).json<Values>();
    expect([drafted.members, drafted.states]).toEqual([members, states]);
    const foreign = await api.create(thresholdBody(), STRANGER);
    expect((await rig.draft(combinationBody([ids[0]!, foreign]))).fault).toBe(`Alarm ${foreign} not found`);
  });

  test('an event alarm has the events of its project that matched', async () => {
    const body = { name: 'e', type: 'event', event_rule: { event_type: 'compute.*' } };
    const id = await api.create(body, MEMBER);
    const send = (message_id: string, event_type: string, project: string): Promise<Answered> => {
      const event = { message_id, event_type, traits: [['project_id', 1, project]] };
      return api.ask('POST', '/v2/events', { as: ADMIN, body: [event] });
    };
    for (const [name, type, project] of [
      ['m1', 'compute.start', 'p1'],
      ['m2', 'volume.start', 'p1'],
      ['m3', 'compute.start', 'p2'],
      ['m4', 'compute.stop', 'p1'],
    ] as const)
      expect((await send(name, type, project)).status).toBe(200);
    const stop = api.clock.now().toISOString();
    const search = `?start=${SPAN.start}&stop=${stop}`;
    const { events, states, events_searched_since, transitions } = await rig.values(`/v1/alarms/${id}/values${search}`);
    expect(events?.map(({ message_id }) => message_id).sort()).toEqual(['m1', 'm4']);
    expect([states, events_searched_since]).toEqual([null, SPAN.start]);
    expect(transitions).toMatchObject([{ from: 'insufficient data', to: 'alarm' }]);
    const drafted = await api.ask('POST', '/v1/alarms/values', {
      as: MEMBER,
      body: { alarm: body, start: SPAN.start, stop },
    });
    expect(drafted.json<Values>().events).toEqual(events);
  });

  test('many events of others end the search early, and the answer says since when it is complete', async () => {
    const id = await api.create({ name: 'e', type: 'event', event_rule: {} }, MEMBER);
    await db.query(
      `insert into events (message_id, event_type, project_id, generated, body, received_at, fired_through)
       select 'm' || n, 't', case when n % 5000 = 0 then 'p1' else 'p2' end, null, '{}',
              '2026-01-01T11:00:00Z'::timestamptz + n * interval '100 milliseconds', null
         from generate_series(0, 20000) n`,
    );
    const { events, events_searched_since } = await rig.values(`/v1/alarms/${id}/values${SEARCH}`);
    expect(events?.map(({ message_id }) => message_id)).toEqual(['m20000', 'm15000']);
    expect(events_searched_since).toBe('2026-01-01T11:16:40.100000Z');
  });

  describe('a request is refused', () => {
    test.each([
      ['without a start', '?stop=2026-01-01T11:45:00Z', 'start'],
      ['with a stop in the future', '?start=2026-01-01T11:00:00Z&stop=2030-01-01T00:00:00Z', 'stop'],
      ['that stops before it starts', `?start=${SPAN.stop}&stop=${SPAN.start}`, 'start'],
      ['with a time that is none', '?start=then&stop=2026-01-01T11:45:00Z', 'start'],
      ['with a step of nothing', `${SEARCH}&step=0`, 'step'],
      ['for too many points', SEARCH.replace('2026-01-01', '2025-12-01'), 'step'],
    ])('%s', async (_, search, field) => {
      const id = await api.create(bodyOf('prometheus'), MEMBER);
      const answer = await api.ask('GET', `/v1/alarms/${id}/values${search}`, { as: READER });
      expect([answer.status, answer.fault]).toEqual([400, expect.stringContaining(`field/attribute ${field}.`)]);
      expect(prometheus.asked).toEqual([]);
    });

    test('when its series have too many points, with the step that fits', async () => {
      prometheus.says = (_, { now }, __, { periods }) => ({
        kind: 'series',
        series: [waveEnding(now, periods), waveEnding(now, periods)],
      });
      const span = { start: '2025-12-27T00:00:00Z', stop: '2025-12-31T23:00:00Z' };
      const refused = await rig.draft(bodyOf('prometheus'), span);
      const step = Number(/Let step be at least (\d+)/.exec(refused.fault ?? '')?.[1]);
      expect([refused.status, step]).toEqual([400, expect.any(Number)]);
      expect(prometheus.asked.length).toBeLessThan(20);
      const { series } = (await rig.draft(bodyOf('prometheus'), { ...span, step })).json<Values>();
      expect(series.flatMap(({ points }) => points).length).toBeLessThanOrEqual(11_000);
    });
  });

  test('a client that leaves ends the requests', async () => {
    prometheus.gate = () => new Promise(() => undefined);
    const leaving = new AbortController();
    const body = JSON.stringify({ alarm: MOMENTARY, ...SPAN });
    const headers = { ...MEMBER, 'content-type': 'application/json' };
    const left = fetch(`${api.url}/v1/alarms/values`, { method: 'POST', headers, body, signal: leaving.signal });
    await eventually(() => expect(prometheus.underWay).toBe(8));
    leaving.abort();
    await expect(left).rejects.toThrow();
    await eventually(() => expect(prometheus.underWay).toBe(0));
    prometheus.gate = () => Promise.resolve();
    expect((await rig.draft(MOMENTARY)).status).toBe(200);
  });

  test('a third request of a project at once is told to come again, one of another project is not', async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    prometheus.gate = () => released;
    const first = [rig.draft(MOMENTARY), rig.draft(MOMENTARY)];
    await eventually(() => expect(prometheus.underWay).toBe(16));
    const told = 'Too many requests for values at once: wait until one of them has ended';
    const refused = await rig.draft(MOMENTARY);
    expect([refused.status, refused.fault]).toEqual([429, told]);
    prometheus.gate = () => Promise.resolve();
    const other = { as: STRANGER, body: { alarm: MOMENTARY, ...SPAN } };
    expect((await api.ask('POST', '/v1/alarms/values', other)).status).toBe(200);
    release();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
  });

  test('a span that takes longer than its deadline is answered 503', async () => {
    prometheus.gate = () => new Promise(() => undefined);
    const answer = rig.draft(MOMENTARY);
    await eventually(() => expect(prometheus.underWay).toBe(8));
    await api.clock.advance(60_000);
    expect((await answer).status).toBe(503);
    expect((await answer).fault).toContain('let step be longer');
  });
}

describe('with the embedded database', () => suite(embeddedDatabase));
describeWithPostgres('with PostgreSQL', () => suite(serverDatabase));
