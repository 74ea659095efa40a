import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { embeddedDatabase } from '../support/databases.js';
import { eventually } from '../support/eventually.js';
import { storeNotifications } from '../support/stored-notifications.js';

/** Reads that need many statements end when their client leaves. */

const ALARMS = 10_000;
const NOTIFICATIONS = 1_500;
const METERS = 5_500;
const AT = new Date('2026-01-01T11:00:00Z');
/** A read that does not end needs at least this many transactions of the embedded database. */
const FEWEST = 5;

let db: Database;
let api: TestApi;
let transactions = 0;
/** Of the transactions that wait; undefined: none has to. */
let waiting: (() => void)[] | undefined;

beforeAll(async () => {
  db = await embeddedDatabase();
  const held: Database = {
    ...db,
    async transaction(work) {
      transactions += 1;
      const queue = waiting;
      if (queue) await new Promise<void>((resolve) => queue.push(resolve));
      return db.transaction(work);
    },
  };
  api = await startApi(held);
  const id = await api.create(thresholdBody(), MEMBER);
  await db.query(
    `insert into alarms (id, project_id, user_id, type, name, description, enabled, rule, repeat_actions, severity,
                         time_constraints, timestamp, created_at, state, state_reason, state_timestamp, query_key,
                         partition)
     select a.id || n, project_id, user_id, type, name, description, enabled, rule, repeat_actions, severity,
            time_constraints, timestamp, created_at, state, state_reason, state_timestamp, query_key, partition
       from alarms a cross join generate_series(1, $2::int) n where a.id = $1`,
    [id, ALARMS],
  );
  await db.query(
    `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, severity, timestamp)
     select gen_random_uuid()::text, $1, 'state transition', '{"state": "ok"}', 'p1', 'low', $2::timestamptz
       from generate_series(1, 3000)`,
    [id, AT],
  );
  await db.query(
    `insert into meter_resources (meter, resource_id, project_id, source, type, unit, first_sample_at,
       last_sample_at, resource_metadata)
     select 'm' || n, 'r' || n, 'p1', 's', 'gauge', '%', $1::timestamptz, $1::timestamptz, '{}'
       from generate_series(1, $2::int) n`,
    [AT, METERS],
  );
  const dead = { projectId: 'p1', status: 'dead', finishedAt: AT };
  await storeNotifications(
    db,
    Array.from({ length: NOTIFICATIONS }, (_, n) => ({ id: `n${n}`, alarmId: id, ...dead })),
  );
}, 120_000);
afterAll(async () => {
  await api.close();
  await db.close();
});

const REQUEST_STARTS = 'http.server.request.start';

/** Settles when the server has noticed that the client of its next request has left. */
function nextIsLeft(): Promise<void> {
  return new Promise((resolve) => {
    const onStart = (message: unknown): void => {
      unsubscribe(REQUEST_STARTS, onStart);
      (message as { response: ServerResponse }).response.once('close', resolve);
    };
    subscribe(REQUEST_STARTS, onStart);
  });
}

const SILENCE = {
  matchers: [{ field: 'name', value: 'none*' }],
  ends_at: '2099-01-01T00:00:00Z',
  reason: 'r',
  owner: 'o',
};

test.each<{ method: string; path: string; body?: object }>([
  { method: 'GET', path: '/v1/notifications/replay/preview' },
  { method: 'GET', path: '/v1/transitions?type=event' },
  { method: 'GET', path: '/v1/meters' },
  { method: 'GET', path: '/v1/meters?search=none' },
  { method: 'GET', path: '/v1/resources?search=none' },
  { method: 'GET', path: '/v1/alarms?search=none' },
  { method: 'GET', path: '/v1/alarms?search=none&sort=state' },
  { method: 'POST', path: '/v1/silences/preview', body: SILENCE },
])('$method $path reads on only while its client waits for the answer', async ({ method, path, body }) => {
  transactions = 0;
  expect((await api.ask(method, path, { as: MEMBER, body })).status).toBe(200);
  expect(transactions).toBeGreaterThanOrEqual(FEWEST);

  transactions = 0;
  const queue: (() => void)[] = [];
  waiting = queue;
  const leaving = new AbortController();
  const left = nextIsLeft();
  const sent = fetch(api.url + path, {
    method,
    headers: { ...MEMBER, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
    signal: leaving.signal,
  });
  await eventually(() => expect(queue).toHaveLength(1));
  leaving.abort();
  await expect(sent).rejects.toThrow();
  await left;
  for (let n = 0; n < 3 * FEWEST; n += 1) {
    // The transaction before is over by then, and its reader has gone on.
    for (let other = 0; other < 3; other += 1) {
      expect((await api.ask('GET', '/livez')).status).toBe(200);
      await db.query('select 1');
    }
    queue.shift()?.();
  }
  waiting = undefined;
  for (const release of queue) release();
  // A limited answer reads four pages before the first is used.
  expect(transactions).toBeLessThan(FEWEST);
});
