import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createSystemClock } from '../../src/clock.js';
import { silentLogger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { startNotifier, type NotifierRig, type NotifierRigOptions } from '../support/notifier-rig.js';
import { startReceiver, type Answer, type Receiver } from '../support/receiver-server.js';
import { storeAlarm, thresholdRule } from '../support/stored-alarms.js';
import {
  A_BODY,
  statuses,
  storeAnsweringHosts,
  storeNotification,
  type StoredNotification,
} from '../support/stored-notifications.js';

const HOUR_MS = 3_600_000;
const clock = createSystemClock();
let db: Database;
const rigs: NotifierRig[] = [];
const receivers: Receiver[] = [];

beforeAll(async () => {
  db = await embeddedDatabase();
});
beforeEach(async () => {
  await empty(db);
  for (const id of ['a', 'b']) await storeAlarm(db, { id, rule: thresholdRule() });
});
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop();
  for (const receiver of receivers.splice(0)) await receiver.close();
});
afterAll(() => db.close());

function start(options: NotifierRigOptions = {}): NotifierRig {
  const rig = startNotifier(db, options);
  rigs.push(rig);
  return rig;
}

async function serve(answer?: Answer): Promise<Receiver> {
  const receiver = await startReceiver(answer);
  receivers.push(receiver);
  return receiver;
}

function put(id: string, given: Partial<StoredNotification> = {}): Promise<void> {
  const host = (given.action && URL.canParse(given.action) && new URL(given.action).host) || 'other:';
  return storeNotification(db, { id, host, createdAt: clock.now(), ...given });
}

async function expectStatuses(expected: Record<string, string>): Promise<void> {
  await eventually(async () => expect(await statuses(db)).toEqual(expected));
}

function idsOf({ requests }: Receiver): string[] {
  return requests.map(({ headers }) => String(headers['webhook-id']).replace('msg_', ''));
}

/** Answers with these codes in order, then with 204. */
function answering(...codes: number[]): Answer {
  return (_, response) => void response.writeHead(codes.shift() ?? 204).end();
}

describe('delivery', () => {
  test('a due notification is sent once, byte for byte, with headers for its id and order', async () => {
    const receiver = await serve();
    const { waker } = start();
    await put('n1', { sequence: 7, action: `${receiver.url}/hook?a=%2f` });
    waker.wake(1);
    await expectStatuses({ n1: 'delivered' });
    expect(receiver.requests).toHaveLength(1);
    expect(receiver.requests[0]).toMatchObject({
      method: 'POST',
      target: '/hook?a=%2f',
      body: A_BODY,
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'msg_n1',
        'tocsin-sequence': '7',
        'user-agent': 'tocsin/0',
      },
    });
  });

  test('a failed notification is sent again with the same id and body, and every attempt is recorded', async () => {
    const receiver = await serve(answering(500, 503));
    await put('n1', { action: receiver.url });
    start();
    await expectStatuses({ n1: 'delivered' });
    expect(idsOf(receiver)).toEqual(['n1', 'n1', 'n1']);
    expect(new Set(receiver.requests.map(({ body }) => body))).toEqual(new Set([A_BODY]));
    const { rows } = await db.query('select attempt, outcome, http_status from attempts order by attempt');
    expect(rows).toEqual([
      { attempt: 1, outcome: 'retry', http_status: 500 },
      { attempt: 2, outcome: 'retry', http_status: 503 },
      { attempt: 3, outcome: 'delivered', http_status: 204 },
    ]);
  });

  test('a notification that fails until the end of the retry schedule is dead', async () => {
    const receiver = await serve((_, response) => void response.writeHead(500).end());
    await put('n1', { action: receiver.url });
    start();
    await expectStatuses({ n1: 'dead' });
    expect(receiver.requests).toHaveLength(4);
  });

  test.each([401, 403, 404, 409])('a receiver that answers %i once gets another attempt', async (code) => {
    const receiver = await serve(answering(code));
    await put('n1', { action: receiver.url });
    start();
    await expectStatuses({ n1: 'delivered' });
    expect(idsOf(receiver)).toEqual(['n1', 'n1']);
  });

  test.each([
    { code: 403, rejectedSchedule: [1], attempts: 2, reason: 'rejected' },
    { code: 404, rejectedSchedule: [], attempts: 1, reason: 'rejected' },
    { code: 400, rejectedSchedule: [1], attempts: 1, reason: 'rejected' },
    { code: 410, rejectedSchedule: [1], attempts: 1, reason: 'gone' },
  ])(
    'a notification whose receiver always answers $code is dead: $reason',
    async ({ code, rejectedSchedule, attempts, reason }) => {
      const receiver = await serve((_, response) => void response.writeHead(code).end());
      await put('n1', { action: receiver.url });
      start({ rules: { rejectedSchedule } });
      await expectStatuses({ n1: 'dead' });
      expect(receiver.requests).toHaveLength(attempts);
      expect((await db.query('select last_error from notifications')).rows).toEqual([{ last_error: reason }]);
      const { rows } = await db.query<{ outcome: string }>('select outcome from attempts order by attempt');
      expect(rows.map(({ outcome }) => outcome)).toEqual([...Array<string>(attempts - 1).fill('retry'), 'dead']);
    },
  );

  test('a replayed notification that was rejected gets the full schedule again', async () => {
    const receiver = await serve(answering(403, 403, 403));
    await put('n1', { action: receiver.url });
    const { waker } = start({ rules: { rejectedSchedule: [1] } });
    await expectStatuses({ n1: 'dead' });
    await db.query(
      "update notifications set status = 'pending', attempt_base = attempt, replayed_at = $1, next_attempt_at = $1",
      [clock.now()],
    );
    waker.wake(1);
    await expectStatuses({ n1: 'delivered' });
    expect(receiver.requests).toHaveLength(4);
  });

  test('a newer transition supersedes a rejected notification under policy current', async () => {
    const receiver = await serve(answering(409));
    await db.query("update alarms set state_version = 2 where id = 'a'");
    for (const sequence of [1, 2]) await put(`n${sequence}`, { sequence, action: receiver.url });
    start({ rules: { rejectedSchedule: [HOUR_MS] } });
    await expectStatuses({ n1: 'superseded', n2: 'delivered' });
  });

  test('under policy every, notifications keep their order when the first one fails', async () => {
    const receiver = await serve(answering(500, 500));
    await db.query("update alarms set state_version = 3 where id = 'a'");
    for (const sequence of [1, 2, 3]) await put(`n${sequence}`, { sequence, action: receiver.url, policy: 'every' });
    start();
    await expectStatuses({ n1: 'delivered', n2: 'delivered', n3: 'delivered' });
    expect(idsOf(receiver)).toEqual(['n1', 'n1', 'n1', 'n2', 'n3']);
  });

  test('under policy current, notifications are tried in order, and a newer one supersedes a failed one', async () => {
    const receiver = await serve(answering(500, 204, 500));
    await db.query("update alarms set state_version = 3 where id = 'a'");
    for (const sequence of [1, 2, 3]) await put(`n${sequence}`, { sequence, action: receiver.url });
    start();
    await expectStatuses({ n1: 'superseded', n2: 'delivered', n3: 'delivered' });
    expect(idsOf(receiver)).toEqual(['n1', 'n2', 'n3', 'n3']);
  });

  test('a receiver that hangs delays no other receiver', async () => {
    const hanging = await serve(() => {});
    const healthy = await serve();
    for (let n = 0; n < 40; n += 1) await put(`h${n}`, { alarmId: `h${n}`, action: hanging.url });
    for (let n = 0; n < 20; n += 1) await put(`w${n}`, { alarmId: `w${n}`, action: healthy.url });
    start();
    await eventually(() => expect(healthy.requests).toHaveLength(20));
    expect((await db.query('select 1 from attempts where error is not null')).rows).toEqual([]);
    expect(hanging.requests).toHaveLength(1);
    await hanging.close(); // ends the attempt, so that the notifier can stop
  });

  test('an attempt at a receiver that hangs ends at the time-out', async () => {
    const hanging = await serve(() => {});
    await put('n1', { action: hanging.url });
    start({ rules: { attemptTimeoutMs: 500, retrySchedule: [0] } });
    await expectStatuses({ n1: 'dead' });
    expect((await db.query('select error from attempts')).rows).toEqual([{ error: 'timeout' }]);
  });

  test('hosts that hang, each for another project, together get a quarter of the permits', async () => {
    const healthy = await serve();
    const { waker } = start();
    await put('first', { alarmId: 'first', projectId: 'w0', action: healthy.url });
    waker.wake(1);
    await expectStatuses({ first: 'delivered' });
    const hanging: Receiver[] = [];
    for (let n = 0; n < 10; n += 1) {
      hanging.push(await serve(() => {}));
      for (let m = 0; m < 3; m += 1)
        await put(`h${n} ${m}`, { alarmId: `h${n} ${m}`, projectId: `h${n}`, action: hanging[n]!.url });
    }
    for (let n = 0; n < 60; n += 1)
      await put(`w${n}`, { alarmId: `w${n}`, projectId: `w${n % 3}`, action: healthy.url });
    waker.wake(1);
    await eventually(() => expect(healthy.requests).toHaveLength(61));
    const called = (): number[] => hanging.map(({ requests }) => requests.length).sort();
    await eventually(() => expect(called()).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]));
    for (const receiver of hanging) await receiver.close(); // ends the attempts, so that the notifier can stop
  });

  test('the outbox sweeper finds a notification whose wake-up was lost', async () => {
    const receiver = await serve();
    start({ rules: { sweepEveryMs: 100 } });
    await put('n1', { action: receiver.url });
    await expectStatuses({ n1: 'delivered' });
  });

  test('a notification that a crashed process had claimed is sent by another when the claim expires', async () => {
    const receiver = await serve();
    const claimUntil = new Date(clock.now().getTime() + 200);
    await put('n1', { action: receiver.url, status: 'in_flight', attempt: 1, claimUntil });
    start({ rules: { sweepEveryMs: 100 } });
    await expectStatuses({ n1: 'delivered' });
    expect((await db.query('select attempt from notifications')).rows).toEqual([{ attempt: 2 }]);
  });
});

describe('stopping', () => {
  test('a stopping notifier ends its attempts and starts no new ones; the next process sends the rest', async () => {
    const answers: (() => void)[] = [];
    const receiver = await serve((_, response) => void answers.push(() => response.writeHead(204).end()));
    for (let n = 0; n < 10; n += 1) await put(`n${n}`, { alarmId: `a${n}`, projectId: `p${n}`, action: receiver.url });
    await storeAnsweringHosts(db, new URL(receiver.url).host);
    const first = startNotifier(db, { rules: { concurrency: 3 } });
    await eventually(() => expect(answers).toHaveLength(3));
    const stopped = first.stop();
    for (const answer of answers.splice(0)) answer();
    await stopped;
    expect(receiver.requests).toHaveLength(3);
    expect(Object.values(await statuses(db)).filter((status) => status === 'in_flight')).toEqual([]);
    start();
    await eventually(async () => {
      for (const answer of answers.splice(0)) answer();
      expect(new Set(Object.values(await statuses(db)))).toEqual(new Set(['delivered']));
    });
    expect(new Set(idsOf(receiver)).size).toBe(10);
    expect(receiver.requests).toHaveLength(10);
  });

  test('several notifiers, stopped and started under load, send nothing twice', async () => {
    const receiver = await serve();
    for (let n = 0; n < 200; n += 1)
      await put(`n${n}`, { alarmId: `a${n}`, action: receiver.url, projectId: `p${n % 7}` });
    for (let round = 0; round < 4; round += 1) {
      const pair = [startNotifier(db), startNotifier(db)];
      await eventually(() => expect(receiver.requests.length).toBeGreaterThanOrEqual(Math.min(200, (round + 1) * 40)));
      await Promise.all(pair.map((rig) => rig.stop()));
    }
    start();
    await eventually(async () => expect(new Set(Object.values(await statuses(db)))).toEqual(new Set(['delivered'])));
    expect(receiver.requests).toHaveLength(200);
  });
});

describe('actions other than webhooks', () => {
  test.each([
    { action: 'test://', status: 'delivered', error: null },
    { action: 'log:', status: 'delivered', error: null },
    { action: 'pigeon://loft', status: 'dead', error: 'invalid' },
    { action: 'http://', status: 'dead', error: 'invalid' },
    { action: 'queue://jobs', status: 'dead', error: 'queue actions are not configured' },
  ])('$action is $status', async ({ action, status, error }) => {
    await put('n1', { action });
    start();
    await expectStatuses({ n1: status });
    expect((await db.query('select last_error from notifications')).rows).toEqual([{ last_error: error }]);
  });

  test('log:// writes one line with the text of Aodh, without secrets of the action', async () => {
    const lines: string[] = [];
    const body = A_BODY.replace('h\\u00f6her', 'high');
    await put('n1', { action: 'log://u:secret@host/x?key=secret', body });
    start({ log: { ...silentLogger, info: (message) => void lines.push(message) } });
    await expectStatuses({ n1: 'delivered' });
    expect(lines).toEqual([
      'Notifying alarm cpu high a of low priority from ok to alarm with action log://host/x?key=*** because because.',
    ]);
  });
});

test('transitions above the hourly limit of a project are sent, and the log says once that repeats wait', async () => {
  const lines: unknown[] = [];
  const log = { ...silentLogger, warn: (message: string, fields: unknown) => void lines.push([message, fields]) };
  const putLogged = (id: string, projectId: string): Promise<void> =>
    put(id, { action: 'log://', host: 'log:', alarmId: id, projectId });
  for (const id of ['n1', 'n2', 'n3']) await putLogged(id, 'p');
  await putLogged('n4', 'q');
  start({ log, rules: { perProjectAndHour: 1, perHostAndProject: 1 } });
  await expectStatuses({ n1: 'delivered', n2: 'delivered', n3: 'delivered', n4: 'delivered' });
  await putLogged('n5', 'r');
  rigs[0]?.waker.wake(1);
  await expectStatuses({ n1: 'delivered', n2: 'delivered', n3: 'delivered', n4: 'delivered', n5: 'delivered' });
  const message = 'a project has reached limits.notifications_per_hour; its repeats wait';
  const expected = expect.arrayContaining(['p', 'q', 'r'].map((projectId) => [message, { projectId }]));
  await eventually(() => expect(lines).toEqual(expected));
  expect(lines).toHaveLength(3);
});

describe('log lines of attempts', () => {
  test.each([
    { code: 503, level: 'warn', line: 'delivery failed, will try again', reason: 'http_status 503' },
    { code: 403, level: 'warn', line: 'delivery failed, will try again', reason: 'rejected' },
    { code: 400, level: 'error', line: 'notification given up', reason: 'rejected' },
    { code: 410, level: 'error', line: 'notification given up', reason: 'gone' },
    { code: 500, sequence: 0, level: 'info', line: 'notification dropped', reason: 'superseded: http_status 500' },
  ] as const)('an answer $code is logged as: $line', async ({ code, level, line, reason, ...given }) => {
    const receiver = await serve((_, response) => void response.writeHead(code).end());
    await db.query("update alarms set state_version = 1 where id = 'a'");
    const lines: unknown[] = [];
    const log = {
      ...silentLogger,
      [level]: (message: string, fields: object) => void lines.push({ message, ...fields }),
    };
    await put('n1', {
      sequence: 1,
      ...given,
      action: `${receiver.url.replace('//', '//u:secret@')}/hooks/secret?key=secret`,
    });
    await db.query('update notifications set host = $1', [new URL(receiver.url).host]);
    start({ log, rules: { retrySchedule: [0, HOUR_MS], rejectedSchedule: [HOUR_MS] } });
    await eventually(() => expect(lines).toHaveLength(1));
    expect(lines).toEqual([
      {
        message: line,
        notificationId: 'n1',
        alarmId: 'a',
        alarmName: 'alarm a',
        host: new URL(receiver.url).host,
        attempt: 1,
        httpStatus: code,
        reason,
        ...(level === 'info' ? { status: 'superseded' } : {}),
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('secret');
  });
});
