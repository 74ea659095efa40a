import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import {
  ADMIN,
  combinationBody,
  MEMBER,
  startApi,
  STRANGER,
  thresholdBody,
  type Answered,
  type TestApi,
} from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { datasourceDouble, seriesEndingAt } from '../support/datasource-double.js';
import { eventually } from '../support/eventually.js';
import { storeSample } from '../support/stored-alarms.js';

interface Backtested {
  transitions: { at: string; from: string; to: string; reason: string; notifications: string[] }[];
  repeats: number;
  summary: Record<string, unknown>;
}

const PROMETHEUS_RULE = { query: 'errors', threshold: 5, comparison_operator: 'ge' };
const ERRORS = { name: 'errors', type: 'prometheus', prometheus_rule: PROMETHEUS_RULE };
const HOUR = { start: '2026-01-01T11:00:00Z', stop: '2026-01-01T12:00:00Z' };

let db: Database;
let api: TestApi;
let open: () => void;
const prometheus = datasourceDouble<'prometheus'>(() => ({ kind: 'series', series: [] }));

/** Ten minutes above the threshold, ten below, and so on. */
const wave: typeof prometheus.says = (_, { now }) => {
  const isHigh = Math.floor(now.getTime() / 600_000) % 2 === 1;
  return { kind: 'series', series: [seriesEndingAt(now, 60, [isHigh ? 9 : 1])] };
};

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db, { remote: { prometheus: new Map([[null, prometheus]]) } });
});
beforeEach(async () => {
  await empty(db);
  prometheus.says = wave;
  prometheus.asked = [];
  prometheus.gate = () => Promise.resolve();
  open = () => undefined;
});
afterEach(() => open());
afterAll(async () => {
  await api.close();
  await db.close();
});

const backtest = (body: unknown, as = MEMBER): Promise<Answered> =>
  api.ask('POST', '/v2/alarms/backtest', { as, body });

async function run(alarm: unknown, span: Record<string, unknown> = HOUR): Promise<Backtested> {
  const answer = await backtest({ alarm, ...span });
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.json<Backtested>();
}

test('a backtest shows transitions in order, their notifications, and the time in each state', async () => {
  const alarm = {
    ...ERRORS,
    alarm_actions: ['http://user:secret@receiver/x?token=1'],
    ok_actions: ['http://receiver/ok'],
  };
  const { transitions, repeats, summary } = await run(alarm);
  expect(transitions.map(({ at, from, to, notifications }) => [at.slice(11), from, to, notifications])).toEqual([
    ['11:00:00', 'insufficient data', 'ok', ['http://receiver/ok']],
    ['11:10:00', 'ok', 'alarm', ['http://receiver/x?token=***']],
    ['11:20:00', 'alarm', 'ok', ['http://receiver/ok']],
    ['11:30:00', 'ok', 'alarm', ['http://receiver/x?token=***']],
    ['11:40:00', 'alarm', 'ok', ['http://receiver/ok']],
    ['11:50:00', 'ok', 'alarm', ['http://receiver/x?token=***']],
    ['12:00:00', 'alarm', 'ok', ['http://receiver/ok']],
  ]);
  expect(transitions[1]?.reason).toBe('Transition to alarm due to 1 samples outside threshold, most recent: 9.0');
  expect(repeats).toBe(0);
  expect(summary).toEqual({
    evaluations: 61,
    time_in_state: { ok: 1800, alarm: 1800, 'insufficient data': 0 },
    notifications: 7,
    unanswered: 0,
    unknown_reason: null,
    outside_time_constraints: 0,
  });
});

test('the step, the state to begin with, repeated actions and time constraints are the draft’s', async () => {
  const at11 = { name: 'eleven', start: '0 11 * * *', duration: 1799 };
  const alarm = { ...ERRORS, repeat_actions: true, alarm_actions: ['http://receiver/'], time_constraints: [at11] };
  const { transitions, repeats, summary } = await run(alarm, { ...HOUR, step: 300, initial_state: 'alarm' });
  expect(transitions.map(({ at, from, to }) => [at.slice(11), from, to])).toEqual([
    ['11:00:00', 'alarm', 'ok'],
    ['11:10:00', 'ok', 'alarm'],
    ['11:20:00', 'alarm', 'ok'],
  ]);
  expect(repeats).toBe(1);
  expect(summary).toMatchObject({ evaluations: 6, notifications: 2, outside_time_constraints: 7 });
  expect(prometheus.asked).toHaveLength(6);
});

test('an evaluation without an answer of the backend keeps the state and is counted', async () => {
  prometheus.says = (...asked) => {
    const minute = asked[1].now.getUTCMinutes();
    return minute >= 10 && minute < 15 ? { kind: 'outage', reason: 'no answer in time' } : wave(...asked);
  };
  const { transitions, summary } = await run(ERRORS, { start: '2026-01-01T11:00:00', stop: '2026-01-01T11:19:00' });
  expect(transitions.map(({ at, to }) => [at.slice(11), to])).toEqual([
    ['11:00:00', 'ok'],
    ['11:15:00', 'alarm'],
  ]);
  expect(summary).toMatchObject({ evaluations: 20, unanswered: 5 });
});

test('a refusal of the backend is shown, even if the state never changes', async () => {
  prometheus.says = () => ({ kind: 'refused', reason: 'alarm statistics retrieval failed: parse error (HTTP 400)' });
  const { transitions, summary } = await run(ERRORS, { start: '2026-01-01T11:00:00', stop: '2026-01-01T11:02:00' });
  expect(transitions).toEqual([]);
  expect(summary).toMatchObject({
    unanswered: 0,
    unknown_reason: 'alarm statistics retrieval failed: parse error (HTTP 400)',
  });
});

test('a backtest on built-in meters reads the caller’s project only and stores nothing', async () => {
  await storeSample(db, 'cpu', { volume: 99, at: new Date('2026-01-01T11:30:30Z'), project: 'p1' });
  const body = thresholdBody({ alarm_actions: ['http://receiver/'] });
  const mine = await run(body);
  expect(mine.transitions.map(({ at, to }) => [at.slice(11), to])).toEqual([
    ['11:31:00', 'alarm'],
    ['11:33:00', 'insufficient data'],
  ]);
  const theirs = await backtest({ alarm: body, ...HOUR }, STRANGER);
  expect(theirs.json<Backtested>().transitions).toEqual([]);
  expect((await api.ask('GET', '/v2/alarms?q.field=all_projects&q.value=true')).text).toBe('[]');
  for (const table of ['alarm_history', 'notifications']) {
    expect((await db.query(`select count(*)::int as rows from ${table}`)).rows).toEqual([{ rows: 0 }]);
  }
});

describe('a body is refused', () => {
  test.each([
    [
      'without a start',
      { alarm: ERRORS, stop: HOUR.stop },
      400,
      "field/attribute start. Value: 'None'. Mandatory field missing.",
    ],
    ['without an alarm', HOUR, 400, 'field/attribute alarm'],
    [
      'with a stop in the future',
      { alarm: ERRORS, ...HOUR, stop: '2026-01-01T12:00:01Z' },
      400,
      'field/attribute stop',
    ],
    ['that begins when it ends', { alarm: ERRORS, ...HOUR, start: HOUR.stop }, 400, 'field/attribute start'],
    ['of too many evaluations', { alarm: ERRORS, ...HOUR, start: '2025-12-31', step: 1 }, 400, 'field/attribute stop'],
    ['with a step of nothing', { alarm: ERRORS, ...HOUR, step: 0 }, 400, 'field/attribute step'],
    ['with an unknown state', { alarm: ERRORS, ...HOUR, initial_state: 'fine' }, 400, 'field/attribute initial_state'],
    ['with an unknown attribute', { alarm: { ...ERRORS, zzz: 1 }, ...HOUR }, 400, 'argument data.alarm: zzz'],
    [
      'with a rule that no alarm may have',
      { alarm: thresholdBody({ threshold_rule: {} }), ...HOUR },
      400,
      'Mandatory field missing',
    ],
    [
      'with an action that no alarm may have',
      { alarm: { ...ERRORS, ok_actions: ['ftp://x'] }, ...HOUR },
      400,
      'Unsupported action',
    ],
    [
      'with an action of admins',
      { alarm: { ...ERRORS, ok_actions: ['log://'] }, ...HOUR },
      401,
      'not authorized to create action',
    ],
    [
      'in the name of another project',
      { alarm: { ...ERRORS, project_id: 'p2' }, ...HOUR },
      401,
      'Not Authorized to access project p2',
    ],
    ['of a combination', { alarm: combinationBody(['a', 'b']), ...HOUR }, 400, "attribute type. Value: 'combination'"],
    [
      'of an event alarm',
      { alarm: { name: 'e', type: 'event', event_rule: {} }, ...HOUR },
      400,
      "attribute type. Value: 'event'",
    ],
  ])('%s', async (_, body, status, fault) => {
    const answer = await backtest(body);
    expect([answer.status, answer.fault]).toEqual([status, expect.stringContaining(fault)]);
    expect(prometheus.asked).toEqual([]);
  });

  test('of a kind whose backend is not configured', async () => {
    const rule = { pool_id: 'p', stack_id: 's', autoscaling_group_id: 'g' };
    const alarm = { name: 'l', type: 'loadbalancer_member_health', loadbalancer_member_health_rule: rule };
    expect((await backtest({ alarm, ...HOUR })).fault).toContain('No octavia backend is configured.');
  });
});

describe('while it runs', () => {
  const begun: (() => void)[] = [];
  // A backtest that is still under way would take the answers of the next test.
  afterEach(async () => {
    for (const leave of begun.splice(0)) leave();
    await eventually(() => expect(prometheus.underWay).toBe(0));
  });

  /** Begins a backtest once the project has a free permit. Resolves when the answer begins. */
  async function begin(as = MEMBER): Promise<{ response: IncomingMessage; leave: () => void }> {
    const headers = { ...as, 'content-type': 'application/json' };
    return eventually(async () => {
      const request = httpRequest(`${api.url}/v2/alarms/backtest`, { method: 'POST', headers, agent: false });
      request.on('error', () => undefined);
      request.end(JSON.stringify({ alarm: ERRORS, start: '2025-12-30T12:00:00Z', stop: HOUR.stop, step: 60 }));
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const leave = (): void => void request.destroy();
      begun.push(leave);
      expect(response.statusCode).toBe(200);
      return { response, leave };
    });
  }

  /** Answers the first question and holds all others back. */
  function answerOne(): void {
    const opened = new Promise<void>((resolve) => (open = resolve));
    prometheus.gate = (count) => (count === 0 ? Promise.resolve() : opened);
  }

  test('requests are sent for a few moments ahead, and no more', async () => {
    answerOne();
    const { leave } = await begin();
    await eventually(() => expect(prometheus.underWay).toBe(8));
    expect(prometheus.asked).toHaveLength(9);
    leave();
  });

  test('a second one of the project is told to come again, one of another project is not', async () => {
    answerOne();
    const first = await begin();
    const refused = await backtest({ alarm: ERRORS, ...HOUR });
    const told = 'Too many backtests at once: wait until one of them has ended';
    expect([refused.status, refused.fault]).toEqual([429, told]);
    prometheus.gate = () => Promise.resolve();
    expect((await backtest({ alarm: ERRORS, ...HOUR }, STRANGER)).status).toBe(200);
    first.leave();
  });

  test('a client that disconnects ends it, and frees its permit', async () => {
    answerOne();
    const { leave } = await begin();
    await eventually(() => expect(prometheus.underWay).toBe(8));
    leave();
    await eventually(() => expect(prometheus.underWay).toBe(0));
    const asked = prometheus.asked.length;
    expect(asked).toBeLessThan(20);
    prometheus.gate = () => Promise.resolve();
    await eventually(async () => expect((await backtest({ alarm: ERRORS, ...HOUR })).status).toBe(200));
  });

  test('an internal error does not look like a complete answer', async () => {
    prometheus.says = (...asked) => {
      if (asked[1].now > new Date('2026-01-01T11:30:00Z')) throw new Error('broken at secret-host');
      return wave(...asked);
    };
    const { response } = await begin(ADMIN);
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', () => undefined);
    await new Promise((resolve) => response.on('close', resolve));
    expect(response.complete).toBe(false);
    const text = Buffer.concat(chunks).toString();
    expect(text).toMatch(/^\{"transitions": \[/);
    expect(text).not.toContain('summary');
    expect(text).not.toContain('secret-host');
  });

  test('answers that overtake each other are taken in their order', async () => {
    // Of each two the first is answered after the second.
    const seconds: (() => void)[] = [];
    prometheus.gate = (count) => {
      if (count % 2 === 0) return new Promise((resolve) => (seconds[count + 1] = resolve));
      setImmediate(() => seconds[count]?.());
      return Promise.resolve();
    };
    const { transitions } = await run(ERRORS, { ...HOUR, stop: '2026-01-01T11:59:00Z' });
    expect(transitions.map(({ at }) => at.slice(11, 16))).toEqual([
      '11:00',
      '11:10',
      '11:20',
      '11:30',
      '11:40',
      '11:50',
    ]);
  });
});
