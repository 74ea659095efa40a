import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { createNoauthAuthenticator } from '../../src/api/identity/noauth.js';
import type { Authenticator } from '../../src/api/identity/identity.js';
import { silentLogger, type Logger } from '../../src/logger.js';
import type { Database } from '../../src/storage/database.js';
import { createTrustStore } from '../../src/storage/secrets/trust-store.js';
import {
  ADMIN,
  combinationBody,
  MEMBER,
  startApi,
  thresholdBody,
  type Answered,
  type Caller,
  type TestApi,
} from '../support/api.js';
import { CANARY, startCloud, type CloudDouble } from '../support/cloud-double.js';
import { eventually } from '../support/eventually.js';
import { embeddedDatabase, empty } from '../support/databases.js';
import { TEST_SEALER } from '../support/sealer.js';

const HOOK = 'trust+http://heat/v1/p1/signal';
const OTHER_HOOK = 'trust+http://elsewhere/';
const COLLEAGUE: Caller = { ...MEMBER, 'x-user-id': 'u9', 'x-auth-token': 'token-of-u9' };
const OWNER: Caller = { ...MEMBER, 'x-auth-token': 'token-of-u1' };
const TOKENLESS: Caller = MEMBER;

let db: Database;
let api: TestApi;
let cloud: CloudDouble;
const logged: unknown[] = [];

/** As with Keystone: the caller's roles by name, and the token. */
const withToken: Authenticator = async (credentials) => {
  const token = credentials.headers['x-auth-token'];
  const roleNames = String(credentials.headers['x-roles'] ?? '').split(',');
  const identity = await createNoauthAuthenticator()(credentials);
  return { ...identity, roleNames, ...(typeof token === 'string' ? { token } : {}) };
};

const recordingLogger: Logger = {
  ...silentLogger,
  warn: (message, fields) => void logged.push([message, fields, (fields?.['err'] as Error | undefined)?.stack]),
  error: (message, fields) => void logged.push([message, fields, (fields?.['err'] as Error | undefined)?.stack]),
};

beforeAll(async () => {
  db = await embeddedDatabase();
  cloud = await startCloud();
  api = await startApi(db, { trusts: cloud.keystone, authenticate: withToken, log: recordingLogger });
});
beforeEach(async () => {
  await empty(db);
  cloud.override = () => undefined;
  cloud.trusts.clear();
  (cloud.requests as unknown[]).length = 0;
  logged.length = 0;
});
afterAll(async () => {
  await api.close();
  await cloud.close();
  await db.close();
});

function body(...actions: string[]): Record<string, unknown> {
  return thresholdBody({ alarm_actions: actions });
}

function put(id: string, given: unknown, as: Caller = OWNER): Promise<Answered> {
  return api.ask('PUT', `/v2/alarms/${id}`, { as, body: given });
}

/** The trust ids that alarms use, opened, and those that wait for their removal. */
async function storedTrusts(): Promise<{ inUse: string[]; discarded: string[] }> {
  const store = createTrustStore(db, TEST_SEALER);
  const { rows } = await db.query<{ alarm_id: string }>('select distinct alarm_id from alarm_trusts');
  const inUse: string[] = [];
  const discarded: string[] = [];
  for (const { alarm_id } of rows) {
    const used = await store.ofAlarm(alarm_id);
    if (used) inUse.push(store.reveal(used).trustId);
    discarded.push(...(await store.discarded(alarm_id)).map((trust) => store.reveal(trust).trustId));
  }
  return { inUse, discarded };
}

async function dump(): Promise<string> {
  const { rows: tables } = await db.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public'",
  );
  const contents = [];
  for (const { name } of tables) contents.push((await db.query(`select to_jsonb(t) as row from "${name}" t`)).rows);
  return JSON.stringify(contents);
}

describe('creating an alarm with trust+ actions', () => {
  test('creates one trust with the caller’s token for any number of actions', async () => {
    const trustful = {
      ok_actions: [HOOK],
      alarm_actions: [HOOK, OTHER_HOOK],
      insufficient_data_actions: ['trust+heat://'],
    };
    const created = await api.ask('POST', '/v2/alarms', {
      as: { ...OWNER, 'x-roles': 'member,reader' },
      body: thresholdBody(trustful),
    });
    expect(created.status).toBe(201);
    const asked = cloud.requests.filter(({ target }) => target.includes('OS-TRUST'));
    expect(asked).toMatchObject([
      { method: 'POST', target: '/v3/OS-TRUST/trusts', headers: { 'x-auth-token': 'token-of-u1' } },
    ]);
    expect(asked[0]?.body).toBe(
      '{"trust":{"trustor_user_id":"u1","trustee_user_id":"tocsin-id","project_id":"p1","impersonation":true,' +
        '"roles":[{"name":"member"},{"name":"reader"}],"expires_at":null,"remaining_uses":null}}',
    );
    expect((await storedTrusts()).inUse).toEqual([...cloud.trusts.keys()]);
  });

  test.each([
    { keystone: 'removes', override: (): undefined => undefined, expected: { left: ['used'], discarded: [] } },
    {
      keystone: 'does not remove',
      override: () => ({ status: 503 }),
      expected: { left: ['used', 'spare'], discarded: ['spare'] },
    },
  ])('that a slow Keystone makes twice has one; the spare one it $keystone', async ({ override, expected }) => {
    cloud.trusts.set('used', {}).set('spare', {});
    const trusts = {
      ...cloud.keystone,
      create: async (_: unknown, onSpare: (trustId: string | undefined) => void) => {
        setImmediate(() => onSpare('spare'));
        return 'used';
      },
    };
    cloud.override = override;
    const slow = await startApi(db, { trusts, authenticate: withToken, log: recordingLogger });
    await slow.create(body(HOOK), OWNER);
    await eventually(async () => {
      expect([...cloud.trusts.keys()]).toEqual(expected.left);
      expect(await storedTrusts()).toEqual({ inUse: ['used'], discarded: expected.discarded });
    });
    await slow.close();
  });

  test('logs a warning when a slow Keystone may have made one more trust', async () => {
    const trusts = {
      ...cloud.keystone,
      create: async (_: unknown, onSpare: (trustId: string | undefined) => void) => {
        onSpare(undefined);
        return 'used';
      },
    };
    const slow = await startApi(db, { trusts, authenticate: withToken, log: recordingLogger });
    const alarmId = await slow.create(body(HOOK), OWNER);
    expect(logged).toEqual([
      [
        'a trust may be left at Keystone: no answer to a request that creates one',
        { alarmId, trustorId: 'u1' },
        undefined,
      ],
    ]);
    await slow.close();
  });

  test('sends nothing to Keystone if there are none', async () => {
    const id = await api.create(body('http://receiver/'), OWNER);
    await put(id, body('http://other/'));
    await api.ask('DELETE', `/v2/alarms/${id}`, { as: OWNER });
    expect(cloud.requests).toEqual([]);
  });

  test('shows the id of the trust in no answer, no history, no row and no log', async () => {
    const id = await api.create(body(HOOK, 'trust+zaqar://?queue_name=q'), OWNER);
    await put(id, body(HOOK, OTHER_HOOK));
    cloud.override = ({ method }) =>
      method === 'DELETE' ? { status: 503, body: { error: `no ${CANARY}` } } : undefined;
    await put(id, body());
    expect((await storedTrusts()).discarded).toHaveLength(1);
    const answers = await Promise.all(
      ['/v2/alarms', `/v2/alarms/${id}`, `/v2/alarms/${id}/history`].map((path) => api.ask('GET', path, { as: OWNER })),
    );
    const seen = [...answers.map(({ text }) => text), await dump(), JSON.stringify(logged)].join();
    expect(seen).not.toContain(CANARY);
    expect(seen).not.toContain('token-of-u1');
    expect(logged).toHaveLength(1);
  });

  test.each<[string, Caller, number]>([
    ['no token', TOKENLESS, 400],
    ['a token without a project', { ...ADMIN, 'x-project-id': '', 'x-auth-token': 't' }, 400],
  ])('is refused with %s', async (_, as, status) => {
    const answer = await api.ask('POST', '/v2/alarms', { as, body: body(HOOK) });
    expect([answer.status, answer.fault]).toEqual([
      status,
      expect.stringContaining('trust+ actions need a Keystone token'),
    ]);
    expect(cloud.requests).toEqual([]);
  });

  test.each([
    [401, 400],
    [403, 400],
    [404, 400],
    [409, 400],
    [500, 503],
    [418, 503],
  ])('stores nothing when Keystone answers %i', async (status, expected) => {
    cloud.override = ({ target }) => (target.includes('OS-TRUST') ? { status, body: {} } : undefined);
    const answer = await api.ask('POST', '/v2/alarms', { as: OWNER, body: body(HOOK) });
    expect(answer.status).toBe(expected);
    const { rows } = await db.query('select id from alarms');
    expect([rows, await storedTrusts()]).toEqual([[], { inUse: [], discarded: [] }]);
  });

  test('that fails afterwards removes its trust again', async () => {
    const answer = await api.ask('POST', '/v2/alarms', {
      as: OWNER,
      body: combinationBody(['no-such', 'alarm'], { alarm_actions: [HOOK] }),
    });
    expect(answer.status).toBe(400 + 4);
    expect(cloud.asked('/v3/OS-TRUST')).toEqual([
      'POST /v3/OS-TRUST/trusts',
      expect.stringMatching(/^DELETE .*canary-\d+$/),
    ]);
    expect(cloud.trusts.size).toBe(0);
    expect(await storedTrusts()).toEqual({ inUse: [], discarded: [] });
  });

  test('that fails while Keystone goes away keeps the trust in mind', async () => {
    cloud.override = ({ method }) => (method === 'DELETE' ? { status: 503 } : undefined);
    await api.ask('POST', '/v2/alarms', { as: OWNER, body: combinationBody(['no-such', 'a'], { ok_actions: [HOOK] }) });
    expect(await storedTrusts()).toEqual({ inUse: [], discarded: [...cloud.trusts.keys()] });
  });
});

describe('replacing an alarm', () => {
  test('keeps the trust while one is needed, and removes it when none is', async () => {
    const id = await api.create(body(HOOK), OWNER);
    const { inUse } = await storedTrusts();
    expect((await put(id, body(OTHER_HOOK, 'trust+heat:'))).status).toBe(200);
    expect(await storedTrusts()).toEqual({ inUse, discarded: [] });
    expect((await put(id, body('http://plain/'))).status).toBe(200);
    expect(await storedTrusts()).toEqual({ inUse: [], discarded: [] });
    expect(cloud.asked('/v3/OS-TRUST')).toEqual(['POST /v3/OS-TRUST/trusts', `DELETE /v3/OS-TRUST/trusts/${inUse[0]}`]);
    expect(cloud.requests.at(-1)?.headers['x-auth-token']).toBe('token-of-u1');
  });

  test('makes one when the first trust+ action comes', async () => {
    const id = await api.create(body(), OWNER);
    await put(id, body(HOOK));
    expect((await storedTrusts()).inUse).toEqual([...cloud.trusts.keys()]);
    expect(cloud.trusts.size).toBe(1);
  });

  test.each<[string, Record<string, unknown>, Caller, boolean]>([
    ['the owner adds an address', body(HOOK, OTHER_HOOK), OWNER, true],
    ['a colleague edits the rest', { ...body(HOOK), name: 'new' }, COLLEAGUE, true],
    ['a requester without a token edits the rest', { ...body(HOOK), name: 'new' }, TOKENLESS, true],
    ['a colleague adds an address', body(HOOK, OTHER_HOOK), COLLEAGUE, false],
    ['a colleague has another stack healed', thresholdBody({ alarm_actions: ['trust+heat:'] }), COLLEAGUE, false],
    [
      'an admin gives it to another project',
      { ...body(HOOK), project_id: 'p7' },
      { ...ADMIN, 'x-auth-token': 't' },
      false,
    ],
  ])('goes on with the same trust when %s: %#', async (_, given, as, same) => {
    const id = await api.create(body(HOOK), OWNER);
    const { inUse: first } = await storedTrusts();
    expect((await put(id, given, as)).status).toBe(200);
    const { inUse: second, discarded } = await storedTrusts();
    expect([second.length, discarded]).toEqual([1, []]);
    expect(second[0] === first[0]).toBe(same);
    expect([...cloud.trusts.keys()]).toEqual(second);
  });

  test('with a body that was read keeps the trust, also if the actions are read in a normalised form', async () => {
    const id = await api.create(body('trust+heat://', 'trust+zaqar://?queue_name=q', HOOK), OWNER);
    const before = await storedTrusts();
    const read = (await api.ask('GET', `/v2/alarms/${id}`, { as: TOKENLESS })).json();
    expect(read['alarm_actions']).toEqual(['trust+heat:', 'trust+zaqar:?queue_name=q', HOOK]);
    expect((await put(id, { ...read, severity: 'critical' }, TOKENLESS)).status).toBe(200);
    expect(await storedTrusts()).toEqual(before);
  });

  test(
    'never lends the rights of one user to an action or stack ' + 'of another, and is refused without a token',
    async () => {
      const id = await api.create(body('trust+heat:'), OWNER);
      const before = await storedTrusts();
      const rule = { meter_name: 'cpu', threshold: 1, comparison_operator: 'gt' };
      const answers = [
        await put(id, body('trust+heat:', OTHER_HOOK), TOKENLESS),
        await put(id, { ...body('trust+heat:'), threshold_rule: rule }, TOKENLESS),
      ];
      expect(answers.map(({ status }) => status)).toEqual([400, 400]);
      expect(await storedTrusts()).toEqual(before);
    },
  );

  test('of an alarm that another replaces at the same time leaves one alarm with one trust', async () => {
    const id = await api.create(body(HOOK), OWNER);
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) => put(id, body(`trust+http://h${n}/`), { ...COLLEAGUE, 'x-user-id': `v${n}` })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses[0]).toBe(200);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    const { inUse, discarded } = await storedTrusts();
    expect([inUse.length, discarded]).toEqual([1, []]);
    expect([...cloud.trusts.keys()]).toEqual(inUse);
  });
});

describe('deleting an alarm', () => {
  const remove = (id: string, as = OWNER): Promise<Answered> => api.ask('DELETE', `/v2/alarms/${id}`, { as });

  test('removes its trust with the caller’s token', async () => {
    const id = await api.create(body(HOOK), OWNER);
    expect((await remove(id)).status).toBe(204);
    expect([cloud.trusts.size, await storedTrusts()]).toEqual([0, { inUse: [], discarded: [] }]);
    expect(cloud.requests.at(-1)).toMatchObject({ method: 'DELETE', headers: { 'x-auth-token': 'token-of-u1' } });
  });

  test.each<[string, Caller]>([
    ['may not remove it', COLLEAGUE],
    ['has no token', TOKENLESS],
  ])('uses the service’s own rights when the caller %s', async (_, as) => {
    const id = await api.create(body(HOOK), OWNER);
    cloud.override = ({ method, headers }) =>
      method === 'DELETE' && !String(headers['x-auth-token']).startsWith('own-') ? { status: 403 } : undefined;
    expect((await remove(id, as)).status).toBe(204);
    expect([cloud.trusts.size, await storedTrusts()]).toEqual([0, { inUse: [], discarded: [] }]);
  });

  test('is done when Keystone no longer knows the trust', async () => {
    const id = await api.create(body(HOOK), OWNER);
    cloud.trusts.clear();
    expect((await remove(id)).status).toBe(204);
    expect([await storedTrusts(), logged]).toEqual([{ inUse: [], discarded: [] }, []]);
  });

  test('is done while Keystone is away; the trust stays marked, and the log names the alarm', async () => {
    const id = await api.create(body(HOOK), OWNER);
    const { inUse } = await storedTrusts();
    cloud.override = () => ({ status: 503 });
    expect((await remove(id)).status).toBe(204);
    expect((await api.ask('GET', `/v2/alarms/${id}`, { as: OWNER })).status).toBe(404);
    expect(await storedTrusts()).toEqual({ inUse: [], discarded: inUse });
    expect(JSON.stringify(logged)).toContain(id);
    expect(JSON.stringify(logged)).not.toContain(CANARY);
  });
});
