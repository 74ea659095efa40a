import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { API_KEY_CHALLENGE, createApiKeyAuthenticator } from '../../../src/api/identity/api-key.js';
import { generateApiKey } from '../../../src/api/identity/api-key-form.js';
import { silentLogger, type LogFields, type Logger } from '../../../src/logger.js';
import { createApiKeyStore, type ApiKeyStore, type NewApiKey } from '../../../src/storage/secrets/api-key-store.js';
import type { Database } from '../../../src/storage/database.js';
import { startApi, thresholdBody, type Answered, type Caller, type TestApi } from '../../support/api.js';
import { embeddedDatabase, empty, serverDatabase } from '../../support/databases.js';
import { eventually } from '../../support/eventually.js';
import type { FakeClock } from '../../support/fake-clock.js';
import { describeWithPostgres } from '../../support/servers.js';

const SECOND = 1_000;
const HOUR = 3_600_000;
const REFUSAL = 'The request you have made requires authentication.';

function suite(openDatabase: () => Promise<Database>): void {
  let db: Database;
  let store: ApiKeyStore;
  let api: TestApi;
  /** Ids that were looked up in the database. */
  let lookups: string[];
  let logged: LogFields[];
  let noteFails: boolean;

  beforeAll(async () => {
    db = await openDatabase();
    store = createApiKeyStore(db);
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await empty(db);
    lookups = [];
    logged = [];
    noteFails = false;
    const keys = {
      credential: (id: string) => (lookups.push(id), store.credential(id)),
      recordUse: (id: string, hour: Date) =>
        noteFails ? Promise.reject(new Error('read-only')) : store.recordUse(id, hour),
    };
    const log: Logger = { ...silentLogger, info: (message, fields) => void logged.push({ message, ...fields }) };
    const authentication = (clock: FakeClock) => ({
      authenticate: createApiKeyAuthenticator({ keys, clock, log }),
      challenge: API_KEY_CHALLENGE,
    });
    api = await startApi(db, { authentication });
  });
  afterEach(() => api.close());

  async function stored(fields: Partial<NewApiKey> = {}): Promise<{ id: string; key: string }> {
    const { key, ...parts } = generateApiKey();
    const granted = {
      projectId: 'p1',
      userId: 'u1',
      role: 'member',
      allProjects: false,
      description: '',
      createdBy: 'test',
    } as const;
    await store.create({ ...parts, ...granted, createdAt: api.clock.now(), expiresAt: null, ...fields });
    return { id: parts.id, key };
  }
  const list = (as: Caller): Promise<Answered> => api.ask('GET', '/v2/alarms', { as });
  const bearer = (key: string): Caller => ({ authorization: `Bearer ${key}` });

  test.each([
    ['Authorization: Bearer', bearer],
    ['authorization: bearer', (key: string) => ({ authorization: `bearer  ${key} ` })],
    ['X-API-Key', (key: string) => ({ 'x-api-key': key })],
  ])('a key in %s authenticates the caller', async (_, as) => {
    const { key } = await stored();
    const answer = await api.ask('POST', '/v2/alarms', { as: as(key), body: thresholdBody() });
    expect(answer.json()).toMatchObject({ project_id: 'p1', user_id: 'u1' });
  });

  test('two of them at once are refused, even if they are the same', async () => {
    const { key } = await stored();
    const answer = await list({ ...bearer(key), 'x-api-key': key });
    expect([answer.status, answer.fault]).toEqual([400, 'The request has more than one credential; send one']);
  });

  test.each([
    ['nothing', () => ({})],
    ['an empty key', () => bearer('')],
    ['no key at all', () => bearer('secret')],
    ['a key cut short', (key: string) => bearer(key.slice(0, -1))],
    ['a key with more behind it', (key: string) => bearer(`${key}x`)],
    ['a key in capitals', (key: string) => bearer(key.toUpperCase())],
    ['the key as a password', (key: string) => ({ authorization: `Basic ${key}` })],
    ['the key as a token', (key: string) => ({ 'x-auth-token': key })],
    ['the key twice', (key: string) => ({ 'x-api-key': `${key}, ${key}` })],
  ])('%s is refused', async (_, as) => {
    const { key } = await stored();
    const answer = await list(as(key));
    expect([answer.status, answer.fault, answer.headers['www-authenticate']]).toEqual([
      401,
      REFUSAL,
      'Bearer realm="tocsin"',
    ]);
  });

  test('a key in the URL is no key', async () => {
    const { key } = await stored();
    expect((await api.ask('GET', `/v2/alarms?api_key=${key}&access_token=${key}`, { as: {} })).status).toBe(401);
  });

  test('a wrong id, a wrong secret, a revoked and an expired key are answered alike, after the same work', async () => {
    const { id, key } = await stored();
    expect((await list(bearer(key))).status).toBe(200);
    const revoked = await stored();
    await store.revoke({ all: true }, { id: revoked.id, roles: ['member'], allProjects: false }, api.clock.now());
    const expired = await stored({ expiresAt: api.clock.now() });
    const other = generateApiKey().key;
    lookups.length = 0;
    const wrong = [other, other.replace(/ak_[^_]+/, `ak_${id}`), revoked.key, expired.key];
    const answers = [];
    for (const text of wrong) answers.push(await list(bearer(text)));
    const withoutId = answers.map(({ status, text, headers }) => ({
      status,
      text,
      headers: { ...headers, date: '', 'x-openstack-request-id': '' },
    }));
    expect(withoutId[0]?.status).toBe(401);
    for (const answer of withoutId) expect(answer).toEqual(withoutId[0]);
    expect(lookups).toHaveLength(wrong.length);
  });

  test('a key is cached for three seconds and refused within five seconds after it was revoked', async () => {
    const { id, key } = await stored();
    for (let times = 0; times < 3; times += 1) expect((await list(bearer(key))).status).toBe(200);
    expect(lookups).toEqual([id]);
    await store.revoke({ all: true }, { id, roles: ['member'], allProjects: false }, api.clock.now());
    await api.clock.advance(3 * SECOND - 1);
    expect((await list(bearer(key))).status).toBe(200);
    await api.clock.advance(1);
    expect((await list(bearer(key))).status).toBe(401);
  });

  test('a key expires at its moment, looked up or not', async () => {
    const { key } = await stored({ expiresAt: new Date(api.clock.now().getTime() + SECOND) });
    await api.clock.advance(SECOND - 1);
    expect((await list(bearer(key))).status).toBe(200);
    await api.clock.advance(1);
    expect((await list(bearer(key))).status).toBe(401);
  });

  test('the hour of its last use is noted, and a failure to do so harms no request', async () => {
    const { id, key } = await stored();
    const hour = new Date(Math.floor(api.clock.now().getTime() / HOUR) * HOUR);
    await api.clock.advance(59 * 60 * SECOND);
    await list(bearer(key));
    await eventually(async () => expect((await store.credential(id))?.lastUsedAt).toEqual(hour));
    noteFails = true;
    await api.clock.advance(HOUR);
    expect((await list(bearer(key))).status).toBe(200);
    expect((await store.credential(id))?.lastUsedAt).toEqual(hour);
  });

  describe('by its role', () => {
    const statuses = async (key: string): Promise<number[]> => {
      const foreign = await api.create(thresholdBody(), bearer((await stored({ projectId: 'p2' })).key));
      const answers = [
        await list(bearer(key)),
        await api.ask('POST', '/v2/alarms', { as: bearer(key), body: thresholdBody() }),
        await api.ask('GET', '/v2/alarms?q.field=all_projects&q.value=true', { as: bearer(key) }),
        await api.ask('GET', `/v2/alarms/${foreign}`, { as: bearer(key) }),
        await api.ask('PUT', '/v1/delivery-pauses/*', { as: bearer(key) }),
      ];
      return answers.map(({ status }) => status);
    };

    test.each([
      ['reader', {}, [200, 403, 403, 404, 403]],
      ['member', {}, [200, 201, 403, 404, 403]],
      ['admin', {}, [200, 201, 403, 404, 403]],
      ['admin', { allProjects: true }, [200, 201, 200, 200, 204]],
    ] as const)('a key of a %s %j reads, writes, and reaches others as %j', async (role, fields, expected) => {
      const { key } = await stored({ role, ...fields });
      expect(await statuses(key)).toEqual(expected);
    });

    test('every use of a key for all projects is on record, and of no other', async () => {
      const { key } = await stored({ role: 'admin' });
      await list(bearer(key));
      expect(logged).toEqual([]);
      const all = await stored({ role: 'admin', allProjects: true });
      await list(bearer(all.key));
      await list(bearer(all.key));
      const record = {
        message: 'an API key for all projects was used',
        audit: true,
        keyId: all.id,
        userId: 'u1',
        method: 'GET',
        path: '/v2/alarms',
        remoteAddress: '127.0.0.1',
      };
      expect(logged).toEqual([record, record]);
    });
  });
}

describe('API keys on PGlite', () => suite(embeddedDatabase));
describeWithPostgres('API keys on PostgreSQL', () => suite(serverDatabase));
