import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createApiKeyAuthenticator } from '../../../src/api/identity/api-key.js';
import { generateApiKey } from '../../../src/api/identity/api-key-form.js';
import { unauthenticated, type Authenticator } from '../../../src/api/identity/identity.js';
import { AppError } from '../../../src/errors.js';
import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { createApiKeyStore } from '../../../src/storage/secrets/api-key-store.js';
import { MEMBER, startApi, STRANGER, type TestApi, type TestApiOptions } from '../../support/api.js';
import { anyDatabase, empty } from '../../support/databases.js';
import { openEventStream, type EventStream } from '../../support/event-stream.js';
import { eventually } from '../../support/eventually.js';

let db: Database;
let api: TestApi | undefined;
const streams: EventStream[] = [];
beforeAll(async () => {
  db = await anyDatabase();
});
beforeEach(() => empty(db));
afterEach(async () => {
  for (const stream of streams.splice(0)) stream.close();
  await api?.close();
});
afterAll(() => db.close());

async function start(options: TestApiOptions = {}): Promise<TestApi> {
  return (api = await startApi(db, options));
}

async function opened(headers: Readonly<Record<string, string>> = MEMBER): Promise<EventStream> {
  const stream = await openEventStream(`${api?.url}/v1/stream`, headers);
  streams.push(stream);
  return stream;
}

/** Lets time pass, slowly enough for the checks of credentials to read the database. */
async function pass(ms: number, isOver: () => boolean = () => false): Promise<void> {
  for (let passed = 0; passed < ms && !isOver(); passed += 100) {
    await api?.clock.advance(100);
    for (let turn = 0; turn < 3; turn += 1) await db.query('select 1');
  }
}

/** Whether the stream ends before `ms` have passed. */
async function endsWithin(ms: number, stream: EventStream): Promise<boolean> {
  await pass(ms, () => stream.isEnded());
  return stream.isEnded();
}

async function aKey(expiresAt: Date | null): Promise<{ id: string; headers: Record<string, string> }> {
  const { id, secretHash, key } = generateApiKey();
  const createdAt = new Date('2026-01-01T00:00:00Z');
  const of = { userId: 'u1', projectId: 'p1', role: 'reader' as const, allProjects: false, createdBy: 'u1' };
  await createApiKeyStore(db).create({ id, secretHash, ...of, description: '', createdAt, expiresAt });
  return { id, headers: { authorization: `Bearer ${key}` } };
}

const byKey: TestApiOptions = {
  authentication: (clock) => ({
    authenticate: createApiKeyAuthenticator({ keys: createApiKeyStore(db), clock, log: silentLogger }),
  }),
};

test('a stream ends within 5 s after its key is revoked, and those of other keys go on', async () => {
  await start(byKey);
  const revoked = await aKey(null);
  const other = await aKey(null);
  const [stream, another] = [await opened(revoked.headers), await opened(other.headers)];
  await pass(7_300);
  expect(stream.isEnded()).toBe(false);
  const of = { id: revoked.id, roles: ['reader' as const], allProjects: false };
  await createApiKeyStore(db).revoke({ all: true }, of, new Date('2026-01-01T12:00:07Z'));
  expect(await endsWithin(5_000, stream)).toBe(true);
  expect(another.isEnded()).toBe(false);
});

test('a stream ends within 5 s after its key has expired', async () => {
  const { clock } = await start(byKey);
  const { headers } = await aKey(new Date(clock.now().getTime() + 60_000));
  const stream = await opened(headers);
  await pass(58_000);
  expect(stream.isEnded()).toBe(false);
  expect(await endsWithin(7_000, stream)).toBe(true);
});

describe('a credential of any kind', () => {
  let answer: Authenticator = () => Promise.reject(unauthenticated());
  const asked: (number | undefined)[] = [];
  const valid: Authenticator = () => Promise.resolve({ userId: 'u1', projectId: 'p1', role: 'reader' });
  beforeEach(async () => {
    answer = valid;
    asked.splice(0);
    const authenticate: Authenticator = (credentials) => {
      asked.push(credentials.maxAgeMs);
      return answer(credentials);
    };
    await start({ authentication: () => ({ authenticate }) });
  });

  const CASES: [string, Authenticator][] = [
    ['is no longer valid', () => Promise.reject(unauthenticated())],
    ['has lost its role', () => Promise.resolve({ userId: 'u1', projectId: 'p1', role: null })],
    ['is of another project', () => Promise.resolve({ userId: 'u1', projectId: 'p2', role: 'reader' })],
    ['cannot be checked for 5 s', () => Promise.reject(new AppError('unavailable', 'down'))],
  ];
  test.each(CASES)('ends its stream if it %s', async (_, next) => {
    const stream = await opened({ cookie: '__Host-session=1' });
    await pass(3_000);
    expect(stream.isEnded()).toBe(false);
    answer = next;
    expect(await endsWithin(7_000, stream)).toBe(true);
  });

  test('is checked once a second for all of its streams together, with a fresh answer', async () => {
    for (let count = 0; count < 20; count += 1) await opened({ 'x-auth-token': 'one' });
    asked.splice(0);
    await pass(10_000);
    expect(asked.length).toBeGreaterThanOrEqual(9);
    expect(asked.length).toBeLessThanOrEqual(11);
    expect(new Set(asked)).toEqual(new Set([3_000]));
  });
});

test('all streams end at once on shutdown, with a time to connect again; new ones are refused', async () => {
  const { streams: hub } = await start();
  const stream = await opened();
  hub.close();
  await eventually(() => expect(stream.isEnded()).toBe(true));
  expect(stream.text().trimEnd().endsWith('retry: 1000')).toBe(true);
  expect((await opened()).status).toBe(503);
});

test('more streams than there may be are refused: 429 of one project, 503 of all', async () => {
  await start({ streamLimits: { perProject: 2, inAll: 3 } });
  const first = await opened();
  await opened();
  const ofProject = await api?.ask('GET', '/v1/stream', { as: MEMBER });
  expect(ofProject).toMatchObject({ status: 429, headers: { 'retry-after': '10' } });
  expect(ofProject?.fault).toContain('api.max_project_streams');
  expect((await opened(STRANGER)).status).toBe(200);
  const inAll = await api?.ask('GET', '/v1/stream', { as: STRANGER });
  expect(inAll).toMatchObject({ status: 503, headers: { 'retry-after': '10' } });
  expect(inAll?.fault).toContain('api.max_streams');
  first.close();
  await eventually(async () => expect((await opened()).status).toBe(200));
});

test('a client that does not read is disconnected, and others are not delayed', async () => {
  await start();
  const slow = await opened();
  const reading = await opened();
  await eventually(() => expect(slow.lastId()).not.toBe(''));
  slow.hang();
  const rows = 20_000;
  await db.query(
    `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp)
     select n::text, 'a', 'state transition', format('{"state": "ok", "state_reason": "%s"}', repeat('x', 1500)),
            'p1', $1 from generate_series(1, $2::integer) n`,
    [api?.clock.now(), rows],
  );
  await eventually(async () => {
    await api?.clock.advance(1_000);
    expect(reading.events).toHaveLength(rows);
  });
  slow.readAgain();
  await eventually(() => expect(slow.isEnded()).toBe(true));
  expect(slow.events.length).toBeLessThan(rows);
});

test('many clients cost no more reads of the database than one', async () => {
  let queries = 0;
  const counted: Database = {
    ...db,
    query: (...args) => {
      queries += 1;
      return db.query(...args);
    },
    transaction: (work) => db.transaction(work),
  };
  api = await startApi(counted);
  for (let count = 0; count < 50; count += 1) await opened();
  queries = 0;
  await db.query(
    `insert into alarm_history (event_id, alarm_id, type, detail, on_behalf_of, timestamp)
     values ('e', 'a', 'rule change', '{}', 'p1', $1)`,
    [api.clock.now()],
  );
  await eventually(async () => {
    await api?.clock.advance(1_000);
    expect(streams.every(({ events }) => events.length === 1)).toBe(true);
  });
  expect(queries).toBeLessThan(10);
});
