import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createStreamStore, STREAM_PAGE } from '../../../src/storage/stream/stream-store.js';
import type { Database } from '../../../src/storage/database.js';
import {
  ADMIN,
  MEMBER,
  STREAM_KEEP_MS,
  STRANGER,
  startApi,
  thresholdBody,
  type Caller,
  type TestApi,
} from '../../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { openEventStream, type EventStream } from '../../support/event-stream.js';
import { eventually } from '../../support/eventually.js';
import { describeWithPostgres } from '../../support/servers.js';
import { storeNotification } from '../../support/stored-notifications.js';

describe('GET /v1/stream on the embedded database', () => contract(embeddedDatabase));
describeWithPostgres('GET /v1/stream on PostgreSQL', () => contract(() => serverDatabase()));

function contract(open: () => Promise<Database>): void {
  let db: Database;
  let api: TestApi;
  const streams: EventStream[] = [];
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(async () => {
    await empty(db);
    await db.query('delete from stream_marks');
    api = await startApi(db);
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.close();
    await api.close();
  });
  afterAll(() => db.close());

  async function opened(search = '', { as = MEMBER, id }: { as?: typeof MEMBER; id?: string } = {}) {
    const headers = { ...as, ...(id === undefined ? {} : { 'last-event-id': id }) };
    const stream = await openEventStream(`${api.url}/v1/stream${search}`, headers);
    streams.push(stream);
    await eventually(() => expect(stream.lastId()).not.toBe(''));
    return stream;
  }

  /** Has the database read, until the condition holds. */
  const until = (check: () => void): Promise<void> =>
    eventually(async () => {
      api.streams.wake();
      await api.clock.advance(100);
      check();
    });
  const has = (stream: EventStream, count: number): Promise<void> =>
    until(() => expect(stream.events).toHaveLength(count));
  const setState = (id: string, state: string, as = MEMBER): Promise<unknown> =>
    api.ask('PUT', `/v2/alarms/${id}/state`, { as, body: state });
  const kindsOf = ({ events }: EventStream): string[] => events.map(({ event }) => event);

  test('is a stream of server-sent events that no proxy keeps back, with a position from the start', async () => {
    const { status, headers, lastId, retryMs } = await opened();
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    expect(lastId()).toMatch(/^[0-9a-f]{10}-\d+-0$/);
    expect(retryMs()).toBeGreaterThanOrEqual(1_000);
  });

  test('tells that an alarm was created, changed its state, and was deleted, in this order', async () => {
    const stream = await opened();
    const id = await api.create(thresholdBody({ name: 'cpu', severity: 'critical' }), MEMBER);
    await has(stream, 1);
    await setState(id, 'alarm');
    await has(stream, 2);
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: MEMBER });
    await has(stream, 3);
    const shared = { alarm_id: id, alarm_name: 'cpu', project_id: 'p1', type: 'threshold', severity: 'critical' };
    expect(stream.events.map(({ event, data }) => ({ event, ...data }))).toMatchObject([
      { event: 'definition', change: 'creation', state: 'insufficient data', series: null, ...shared },
      {
        event: 'transition',
        previous_state: 'insufficient data',
        state: 'alarm',
        reason: 'Manually set via API',
        time: expect.stringMatching(/^2026-01-01T12:00:.*Z$/) as unknown,
        series: null,
        ...shared,
      },
      { event: 'definition', change: 'deletion', ...shared },
    ]);
  });

  test('tells how a delivery ended', async () => {
    const alarmId = await api.create(thresholdBody(), MEMBER);
    const stream = await opened();
    await storeNotification(db, { id: 'n', alarmId, projectId: 'p1', actionList: 'ok_actions' });
    await db.query(`update notifications set status = 'dead', last_error = 'unreadable_answer: ssh' where id = 'n'`);
    await has(stream, 1);
    expect(stream.events[0]?.event).toBe('delivery');
    expect(stream.events[0]?.data).toMatchObject({
      notification_id: 'n',
      alarm_id: alarmId,
      status: 'dead',
      state: 'ok',
      host: 'receiver:80',
      error: 'connect_failed',
    });
  });

  test('shows a project what happens in it, and an admin what happens in all', async () => {
    const own = await opened();
    const foreign = await opened('', { as: STRANGER });
    const all = await opened('', { as: ADMIN });
    const chosen = await opened('?project_id=p2', { as: ADMIN });
    await setState(await api.create(thresholdBody(), MEMBER), 'ok');
    await api.create(thresholdBody(), STRANGER);
    await has(all, 3);
    expect(kindsOf(own)).toEqual(['definition', 'transition']);
    expect(foreign.events.map(({ data }) => data['project_id'])).toEqual(['p2']);
    expect(chosen.events.map(({ data }) => data['project_id'])).toEqual(['p2']);
    expect((await api.ask('GET', '/v1/stream?project_id=p2', { as: MEMBER })).status).toBe(401);
  });

  test('shows an alarm that an admin creates for a project to that project', async () => {
    const own = await opened();
    await api.create(thresholdBody({ project_id: 'p1' }), ADMIN);
    await has(own, 1);
  });

  test('tells the former project of an alarm nothing of what it is now', async () => {
    const id = await api.create(thresholdBody({ name: 'before' }), MEMBER);
    const { lastId } = await opened();
    await setState(id, 'ok');
    await db.query(`update alarms set project_id = 'p2', name = 'secret' where id = $1`, [id]);
    const stream = await opened('', { id: lastId() });
    await has(stream, 1);
    expect(stream.events[0]?.data).toMatchObject({ alarm_id: id, alarm_name: null, type: null });
  });

  test.each([
    ['event=transition', ['transition']],
    ['event=definition&event=delivery', ['definition', 'definition']],
    ['state=ok', ['transition']],
    ['state=alarm', ['definition']],
    ['severity=critical', ['definition', 'transition']],
    ['severity=low', ['definition']],
    ['type=event', []],
    ['type=threshold&state=ok', ['transition']],
  ])('with ?%s has these events', async (search, expected) => {
    const stream = await opened(`?${search}`);
    const all = await opened();
    const id = await api.create(thresholdBody({ severity: 'critical' }), MEMBER);
    await has(all, 1);
    await setState(id, 'ok');
    await api.create(thresholdBody({ name: 'other', severity: 'low', state: 'alarm' }), MEMBER);
    await has(all, 3);
    expect(kindsOf(stream)).toEqual(expected);
  });

  test('has the events of one alarm only with ?alarm_id', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    const stream = await opened(`?alarm_id=${id}`);
    await api.create(thresholdBody({ name: 'other' }), MEMBER);
    await setState(id, 'ok');
    await has(stream, 1);
    expect(kindsOf(stream)).toEqual(['transition']);
  });

  test('refuses unknown values of filters', async () => {
    const answer = await api.ask('GET', '/v1/stream?event=nothing', { as: MEMBER });
    expect(answer.status).toBe(400);
    expect(answer.fault).toContain('transition, definition, delivery, silence');
  });

  test('goes on after the last event that the client has seen, also after a restart', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    const first = await opened();
    await setState(id, 'ok');
    await has(first, 1);
    first.close();
    await setState(id, 'alarm');
    await api.close();
    api = await startApi(db);
    const second = await opened('', { id: first.lastId() });
    await has(second, 1);
    expect(second.events[0]?.data['state']).toBe('alarm');
    const third = await opened(`?last_event_id=${first.lastId()}`);
    await has(third, 1);
  });

  test('misses and repeats nothing for a client that is cut 100 times', async () => {
    const id = await api.create(thresholdBody(), MEMBER);
    const expected: string[] = [];
    const seen: string[] = [];
    let stream = await opened();
    for (let cut = 0; cut < 100; cut += 1) {
      const count = 1 + (cut % 3);
      for (let n = 0; n < count; n += 1) {
        await setState(id, (cut + n) % 2 ? 'ok' : 'alarm');
        expected.push((cut + n) % 2 ? 'ok' : 'alarm');
      }
      // The stream is cut at any moment: before, while, or after the events come.
      if (cut % 2) await until(() => expect(stream.events.length).toBeGreaterThan(0));
      stream.close();
      await eventually(() => expect(stream.isEnded()).toBe(true));
      seen.push(...stream.events.map(({ data }) => String(data['state'])));
      stream = await opened('', { id: stream.lastId() });
    }
    await until(() => expect(seen.length + stream.events.length).toBeGreaterThanOrEqual(expected.length));
    expect([...seen, ...stream.events.map(({ data }) => String(data['state']))]).toEqual(expected);
  });

  test('has all that a client missed, however much it is, and then what is new', async () => {
    const first = await opened();
    const missed = 12 * STREAM_PAGE;
    await db.query(
      `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp)
       select lpad(n::text, 9, '0'), 'a', 'rule change', '{}', 'p1', $1 from generate_series(1, $2::integer) n`,
      [api.clock.now(), missed],
    );
    await has(first, missed);
    const second = await opened('', { id: first.events[0]?.id ?? '' });
    const id = await api.create(thresholdBody(), MEMBER);
    await has(second, missed);
    const ids = second.events.map(({ data }) => data['event_id']);
    expect(ids.slice(0, -1)).toEqual(first.events.slice(1, missed).map(({ data }) => data['event_id']));
    expect(second.events.at(-1)?.data['alarm_id']).toBe(id);
  });

  test.each([
    ['of another epoch', () => '0123456789-1-1'],
    ['of no form', () => 'yesterday'],
    ['of a later transaction than the database has had', (id: string) => id.replace(/-\d+-0$/, '-99999999-1')],
  ])('begins with a reset for an id %s', async (_, change) => {
    const { lastId } = await opened();
    const stream = await opened('', { id: change(lastId()) });
    await has(stream, 1);
    expect(stream.events[0]?.event).toBe('reset');
    expect(stream.lastId()).toMatch(/^[0-9a-f]{10}-\d+-0$/);
  });

  test('begins with a reset for an id that is older than what is kept, and not for one that is kept', async () => {
    const store = createStreamStore(db);
    const { lastId } = await opened();
    const id = await api.create(thresholdBody(), MEMBER);
    const now = api.clock.now();
    const ago = (ms: number): Date => new Date(now.getTime() - ms);
    await store.mark(ago(STREAM_KEEP_MS), ago(2 * STREAM_KEEP_MS));
    for (const stream of streams.splice(0)) stream.close();
    await api.close();
    api = await startApi(db);
    const { events } = await opened('', { id: lastId() });
    await until(() => expect(events).toHaveLength(1));
    expect(events[0]?.event).toBe('reset');
    const kept = (await opened()).lastId();
    await setState(id, 'ok');
    const again = await opened('', { id: kept });
    await has(again, 1);
    expect(again.events[0]?.event).toBe('transition');
  });

  test('begins with a reset for a client whose unread events were deleted', async () => {
    const { lastId } = await opened();
    await storeNotification(db, { id: 'n', projectId: 'p1', status: 'delivered' });
    await db.query('delete from notifications');
    for (const stream of streams.splice(0)) stream.close();
    await api.close();
    api = await startApi(db);
    const stream = await opened('', { id: lastId() });
    await has(stream, 1);
    expect(stream.events[0]?.event).toBe('reset');
  });

  test('has a reset in the middle when the data is restored under it, and goes on', async () => {
    const stream = await opened();
    await createStreamStore(db).newEpoch();
    await has(stream, 1);
    expect(stream.events[0]).toMatchObject({ event: 'reset', data: { reason: 'the data was restored' } });
    await api.create(thresholdBody(), MEMBER);
    await has(stream, 2);
    expect(stream.events[1]?.event).toBe('definition');
  });

  test('has what users do to silences: for the project of the silence, or for all', async () => {
    const stream = await opened('?event=silence');
    const body = {
      matchers: [{ field: 'name', value: '*' }],
      ends_at: '2030-01-01T00:00:00Z',
      reason: 'r',
      owner: 'o',
    };
    const make = async (fields: object, as: Caller = MEMBER): Promise<string> =>
      (await api.ask('POST', '/v1/silences', { as, body: { ...body, ...fields } })).json<{ id: string }>().id;
    const own = await make({});
    await make({}, STRANGER);
    const all = await make({ all_projects: true }, ADMIN);
    const several = await make({ project_ids: ['p0', 'p1'] }, ADMIN);
    await api.ask('PUT', `/v1/silences/${own}`, { as: MEMBER, body: { ...body, reason: 'another' } });
    await api.ask('DELETE', `/v1/silences/${own}`, { as: MEMBER });
    await has(stream, 5);
    expect(
      stream.events.map(({ event, data }) => [event, data['silence_id'], data['change'], data['project_id']]),
    ).toEqual([
      ['silence', own, 'created', 'p1'],
      ['silence', all, 'created', null],
      ['silence', several, 'created', 'p1'],
      ['silence', own, 'changed', 'p1'],
      ['silence', own, 'ended', 'p1'],
    ]);
    expect(stream.events.map(({ data }) => data['all_projects'])).toEqual([false, true, false, false, false]);
  });

  test('has pauses of deliveries that begin, change and end: of the project, or of all', async () => {
    const stream = await opened('?event=pause');
    const pause = async (method: string, project: string, as: Caller): Promise<void> => {
      await api.clock.advance(1_000);
      expect((await api.ask(method, `/v1/delivery-pauses/${project}`, { as })).status).toBe(204);
    };
    await pause('PUT', 'p1', MEMBER);
    await pause('PUT', 'p2', STRANGER);
    await pause('PUT', '*', ADMIN);
    await pause('PUT', 'p1', MEMBER);
    await pause('DELETE', 'p1', MEMBER);
    await pause('DELETE', 'p1', MEMBER);
    await has(stream, 4);
    expect(stream.events.map(({ event, data }) => [event, data['project_id'], data['change']])).toEqual([
      ['pause', 'p1', 'begun'],
      ['pause', '*', 'begun'],
      ['pause', 'p1', 'changed'],
      ['pause', 'p1', 'ended'],
    ]);
    const others = await opened(`?event=pause&last_event_id=${stream.events[0]?.id}`, { as: STRANGER });
    await has(others, 2);
    expect(others.events.map(({ data }) => data['project_id'])).toEqual(['p2', '*']);
  });

  test('shows every 15 s that it is alive, with a position that passes what the client does not see', async () => {
    const stream = await opened('?event=silence');
    const first = stream.lastId();
    await api.create(thresholdBody(), MEMBER);
    await until(() => expect(stream.lastId()).not.toBe(first));
    expect(stream.text()).toContain(': heartbeat\n');
    expect(stream.events).toEqual([]);
  });
}
