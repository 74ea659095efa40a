import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import { ANONYMOUS, type Authenticator } from '../../../src/api/identity/identity.js';
import { createKeystoneAuthenticator, keystoneChallenge } from '../../../src/api/identity/keystone.js';
import { createTokenValidator } from '../../../src/api/identity/token-validator.js';
import { Secret } from '../../../src/config/secret.js';
import { createKeystoneSession } from '../../../src/keystone/session.js';
import { silentLogger } from '../../../src/logger.js';
import type { Database } from '../../../src/storage/database.js';
import { startApi, thresholdBody, type Answered, type Asked, type Caller, type TestApi } from '../../support/api.js';
import { anyDatabase, empty } from '../../support/databases.js';
import type { FakeClock } from '../../support/fake-clock.js';
import { startKeystoneDouble, tokenBody, type KeystoneDouble } from '../../support/keystone-double.js';
import { PATIENCE_MS, patienceFor } from '../../support/patience.js';

const PUBLIC_URL = 'https://keystone.example.com/v3';
const SECOND = 1_000;
const UNAUTHORIZED =
  '{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}';
const MEMBER: Caller = { 'x-auth-token': 'member' };

let db: Database;
let keystone: KeystoneDouble;
let api: TestApi;

beforeAll(async () => {
  db = await anyDatabase();
});
afterAll(() => db.close());
beforeEach(async () => {
  await empty(db);
  keystone = await startKeystoneDouble();
  keystone.tokens.set('member', tokenBody());
  api = await open();
});
afterEach(async () => {
  await api.close();
  await keystone.close();
});

interface Settings {
  cacheTimeMs?: number;
  adminRoles?: string[];
  serviceType?: string;
  timeoutMs?: number;
}

function open(settings: Settings = {}): Promise<TestApi> {
  const {
    cacheTimeMs = 300 * SECOND,
    adminRoles = ['admin'],
    serviceType = 'alarming',
    timeoutMs = PATIENCE_MS,
  } = settings;
  const authentication = (clock: FakeClock) => {
    const login = { kind: 'application-credential', id: 'ac', secret: new Secret('s') } as const;
    const options = { authUrl: keystone.url, timeoutMs, deadlineMs: timeoutMs, login, interface: 'public' } as const;
    const session = createKeystoneSession(options, { clock, log: silentLogger });
    const tokens = createTokenValidator({ keystone: session, clock, log: silentLogger, cacheTimeMs });
    const authenticate = createKeystoneAuthenticator({
      tokens,
      adminRoles,
      serviceType,
      serviceTokenRoles: ['service'],
    });
    return { authenticate, challenge: keystoneChallenge(PUBLIC_URL) };
  };
  return startApi(db, { authentication });
}

async function reopen(settings: Settings): Promise<void> {
  await api.close();
  api = await open(settings);
}

/** Requests a list of alarms with these headers. */
const list = (as: Caller, asked: Asked = {}): Promise<Answered> => api.ask('GET', '/v2/alarms', { ...asked, as });

function expectUnauthorized(answer: Answered): void {
  expect([answer.status, answer.text]).toEqual([401, UNAUTHORIZED]);
  expect(answer.headers['www-authenticate']).toBe(`Keystone uri="${PUBLIC_URL}"`);
  expect(answer.headers['content-type']).toBe('application/json');
}

describe('a token that Keystone validates', () => {
  test('is validated with the token of this service, and its user and project own the created alarms', async () => {
    const answer = await api.ask('POST', '/v2/alarms', { as: { 'x-auth-token': ' member ' }, body: thresholdBody() });
    expect(answer.json()).toMatchObject({ project_id: 'p1', user_id: 'u1' });
    expect(keystone.validations()).toEqual([
      expect.objectContaining({
        target: '/auth/tokens?nocatalog=1',
        headers: expect.objectContaining({
          'x-subject-token': 'member',
          'x-auth-token': 'own-1',
          'openstack-identity-access-rules': '1.0',
        }),
      }),
    ]);
  });

  test.each([
    ['no token', {}],
    ['an empty token', { 'x-auth-token': ' ' }],
    ['two tokens', { 'x-auth-token': 'member, member' }],
    ['a token that no header can carry on', { 'x-auth-token': 'mémber' }],
    ['a token that Keystone does not know', { 'x-auth-token': 'unknown' }],
    ['a Bearer token', { authorization: 'Bearer member' }],
  ])('%s is answered as Keystone’s middleware does', async (_, as: Caller) => {
    for (const path of ['/v2/alarms', '/v2/alarms/none', '/v2/nothing/here', '/v1/notifications']) {
      expectUnauthorized(await api.ask('GET', path, { as }));
    }
  });

  test.each([
    ['nothing of use', {}],
    ['no JSON', 'ok'],
    ['no user', { token: tokenBody({ user: undefined }) }],
    ['no end', { token: tokenBody({ expires_at: 'soon' }) }],
    ['an end that has passed', { token: tokenBody({ expires_at: '2026-01-01T12:00:00Z' }) }],
    ['an end that has passed, without its zone', { token: tokenBody({ expires_at: '2026-01-01T11:59:59.9' }) }],
    ['roles of another form', { token: tokenBody({ roles: ['admin'] }) }],
  ])('a 200 with %s does not admit', async (_, body) => {
    keystone.override = ({ method }) => (method === 'GET' ? { status: 200, body } : undefined);
    expectUnauthorized(await list(MEMBER));
  });

  test.each([400, 401, 403, 409, 429, 500, 503, 302, 204])(
    'a %i is no answer: 503, and worth another try',
    async (status) => {
      keystone.override = ({ method }) => (method === 'GET' ? { status } : undefined);
      const answer = await list(MEMBER);
      expect([answer.status, answer.fault, answer.headers['retry-after']]).toEqual([
        503,
        'Keystone is not available',
        undefined,
      ]);
      keystone.override = () => undefined;
      expect((await list(MEMBER)).status).toBe(200);
    },
  );

  test.each(['break off', 'hang'] as const)('a connection that it lets %s is no answer either', async (reply) => {
    if (reply === 'hang') await reopen({ timeoutMs: patienceFor('timeout') });
    keystone.override = () => reply;
    expect((await list(MEMBER)).status).toBe(503);
  });

  test.each([401, 403])('a %i to our own token is followed by one with a new token', async (status) => {
    await list(MEMBER);
    await api.clock.advance(300 * SECOND);
    keystone.override = ({ headers }) => (headers['x-auth-token'] === 'own-1' ? { status } : undefined);
    expect((await list(MEMBER)).status).toBe(200);
    expect(keystone.logins()).toHaveLength(2);
    keystone.override = ({ method }) => (method === 'GET' ? { status } : undefined);
    await api.clock.advance(300 * SECOND);
    expect((await list(MEMBER)).status).toBe(503);
    expect(keystone.logins()).toHaveLength(3);
  });

  test('public routes need no token and send no request to Keystone', async () => {
    for (const path of ['/', '/healthcheck', '/livez'])
      expect((await api.ask('GET', path, { as: {} })).status).toBe(200);
    expect(keystone.calls).toEqual([]);
  });
});

describe('a validated token is cached', () => {
  test('while it is cached, and then it is', async () => {
    for (let times = 0; times < 3; times += 1) await list(MEMBER);
    expect(keystone.validations()).toHaveLength(1);
    await api.clock.advance(300 * SECOND - 1);
    await list(MEMBER);
    expect(keystone.validations()).toHaveLength(1);
    await api.clock.advance(1);
    keystone.tokens.clear();
    expectUnauthorized(await list(MEMBER));
  });

  test('by many requests at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => list(MEMBER)));
    expect(keystone.validations()).toHaveLength(1);
  });

  test('but is over when it expires, cached or not', async () => {
    keystone.tokens.set('member', tokenBody({ expires_at: '2026-01-01T12:00:10.000000Z' }));
    expect((await list(MEMBER)).status).toBe(200);
    await api.clock.advance(10 * SECOND - 1);
    expect((await list(MEMBER)).status).toBe(200);
    await api.clock.advance(1);
    expectUnauthorized(await list(MEMBER));
  });

  test('for ten seconds if it is invalid', async () => {
    const wrong = { 'x-auth-token': 'later' };
    await list(wrong);
    keystone.tokens.set('later', tokenBody());
    await api.clock.advance(10 * SECOND - 1);
    expectUnauthorized(await list(wrong));
    expect(keystone.validations()).toHaveLength(1);
    await api.clock.advance(1);
    expect((await list(wrong)).status).toBe(200);
  });

  test('unless the cache is off', async () => {
    await reopen({ cacheTimeMs: -SECOND });
    await list(MEMBER);
    keystone.tokens.clear();
    expectUnauthorized(await list(MEMBER));
    expectUnauthorized(await list(MEMBER));
    expect(keystone.validations()).toHaveLength(3);
  });

  test('and an outage is not remembered', async () => {
    keystone.override = () => ({ status: 503 });
    await list(MEMBER);
    keystone.override = () => undefined;
    expect((await list(MEMBER)).status).toBe(200);
  });
});

describe('roles', () => {
  const withRoles = (names: string[], fields: Record<string, unknown> = {}): void =>
    void keystone.tokens.set('token', tokenBody({ roles: names.map((name) => ({ name })), ...fields }));
  /** Statuses of reading, writing, reading all projects, and reading the alarm of another project. */
  const statuses = async (foreign: string): Promise<number[]> => {
    const as = { 'x-auth-token': 'token' };
    const all = '/v2/alarms?q.field=all_projects&q.value=true';
    const answers = [
      await list(as),
      await api.ask('POST', '/v2/alarms', { as, body: thresholdBody() }),
      await api.ask('GET', all, { as }),
      await api.ask('GET', `/v2/alarms/${foreign}`, { as }),
    ];
    return answers.map(({ status }) => status);
  };
  const foreignAlarm = (): Promise<string> => {
    keystone.tokens.set('stranger', tokenBody({ project: { id: 'p2' } }));
    return api.create(thresholdBody(), { 'x-auth-token': 'stranger' });
  };
  const NO_PROJECT = { project: undefined };

  test.each([
    ['none', [], {}, [403, 403, 403, 404]],
    ['an unknown one', ['auditor'], {}, [403, 403, 403, 404]],
    ['reader', ['reader'], {}, [200, 403, 403, 404]],
    ['member', ['member', 'reader'], {}, [200, 201, 403, 404]],
    ['admin', ['admin', 'member', 'reader'], {}, [200, 201, 200, 200]],
    ['Admin', ['Admin'], {}, [200, 201, 200, 200]],
    ['admin on a domain', ['admin'], { ...NO_PROJECT, domain: { id: 'default' } }, [403, 403, 403, 404]],
    ['admin on nothing', ['admin'], NO_PROJECT, [403, 403, 403, 404]],
    ['admin on the system', ['admin'], { ...NO_PROJECT, system: { all: true } }, [403, 403, 403, 403]],
    ['reader on the system', ['reader'], { ...NO_PROJECT, system: { all: true } }, [403, 403, 403, 404]],
  ])('%s', async (_, names, fields, expected) => {
    withRoles(names, fields);
    expect(await statuses(await foreignAlarm())).toEqual(expected);
  });

  test('only those of the settings make an admin', async () => {
    await reopen({ adminRoles: ['cloud_admin'] });
    const foreign = await foreignAlarm();
    withRoles(['admin', 'member']);
    expect(await statuses(foreign)).toEqual([200, 201, 403, 404]);
    await api.clock.advance(300 * SECOND);
    withRoles(['Cloud_Admin']);
    expect(await statuses(foreign)).toEqual([200, 201, 200, 200]);
  });

  test(
    'a project of others in a filter is refused with the ' + 'challenge of every 401, in the envelope of the API',
    async () => {
      const answer = await api.ask('GET', '/v2/alarms?q.field=project_id&q.value=p2', { as: MEMBER });
      expect([answer.status, answer.fault]).toEqual([401, 'Not Authorized to access project p2']);
      expect(answer.headers['www-authenticate']).toBe(`Keystone uri="${PUBLIC_URL}"`);
    },
  );
});

test('an authenticator gets no identity headers', async () => {
  const seen: string[] = [];
  const authenticate: Authenticator = async ({ headers }) => (seen.push(...Object.keys(headers)), ANONYMOUS);
  const watched = await startApi(db, { authentication: () => ({ authenticate }) });
  await watched.ask('GET', '/v2/alarms', {
    as: { ...MEMBER, 'X-Roles': 'admin', 'X-Project-Id': 'p2', 'X-Service-Roles': 'admin' },
  });
  await watched.close();
  expect(seen.filter((name) => name.startsWith('x-'))).toEqual(['x-auth-token']);
});

test('a check of an open stream uses no old answer about the token of the user or of the service', async () => {
  const ages: unknown[] = [];
  const found = { userId: 'u', projectId: 'p', names: { user: null, project: null }, isSystemScoped: false };
  const authenticate = createKeystoneAuthenticator({
    tokens: {
      validate(_, { maxAgeMs } = {}) {
        ages.push(maxAgeMs);
        return Promise.resolve({ ...found, roleNames: ['service'], expiresAt: 0, accessRules: undefined });
      },
    },
    adminRoles: [],
    serviceType: '',
    serviceTokenRoles: ['service'],
  });
  const headers = { 'x-auth-token': 'user', 'x-service-token': 'service' };
  const request = { headers, method: 'GET', path: '/v1/stream', origin: 'http://localhost', remoteAddress: '' };
  await authenticate({ ...request, maxAgeMs: 3_000 });
  expect(ages).toEqual([3_000, 3_000]);
});

describe('the token of a service', () => {
  const EXPIRED = { 'x-auth-token': 'expired' };
  const OF_SERVICE = { ...EXPIRED, 'x-service-token': 'service' };
  const serviceWith = (role: string): void =>
    void keystone.tokens.set('service', tokenBody({ roles: [{ name: role }] }));
  beforeEach(() => {
    const expired = tokenBody({ expires_at: '2026-01-01T11:30:00Z' });
    keystone.override = ({ headers, target }) =>
      headers['x-subject-token'] === 'expired' && target.includes('allow_expired=1')
        ? { status: 200, body: { token: expired } }
        : undefined;
  });

  test('lets the user’s token be expired, and for no other request', async () => {
    serviceWith('service');
    expectUnauthorized(await list(EXPIRED));
    expect((await list(OF_SERVICE)).status).toBe(200);
    expect((await list(OF_SERVICE)).status).toBe(200);
    expectUnauthorized(await list(EXPIRED));
  });

  test('without the role of a service counts for nothing', async () => {
    serviceWith('admin');
    expectUnauthorized(await list(OF_SERVICE));
    expect((await list({ ...MEMBER, 'x-service-token': 'service' })).status).toBe(200);
  });

  test('that is not valid is refused beside any token of a user', async () => {
    expectUnauthorized(await list({ ...MEMBER, 'x-service-token': 'unknown' }));
  });

  test('gives none of its own roles to the user', async () => {
    serviceWith('service');
    keystone.tokens.set('service', tokenBody({ roles: [{ name: 'service' }, { name: 'admin' }] }));
    const all = '/v2/alarms?q.field=all_projects&q.value=true';
    expect((await api.ask('GET', all, { as: { ...MEMBER, 'x-service-token': 'service' } })).status).toBe(403);
  });
});

describe('an application credential with access rules', () => {
  const rule = (method: string, path: string, service = 'alarming') => ({ id: 'r', service, method, path });
  const limitedTo = (...rules: object[]): void =>
    void keystone.tokens.set('token', tokenBody({ application_credential: { id: 'ac', access_rules: rules } }));
  const status = async (method: string, path: string): Promise<number> =>
    (await api.ask(method, path, { as: { 'x-auth-token': 'token' } })).status;

  test.each([
    ['GET', '/v2/alarms', '/v2/alarms', true],
    ['GET', '/v2/alarms', '/v2/alarms?limit=1', true],
    ['GET', '/v2/alarms', '/v2/alarms/', true],
    ['GET', '/v2/alarms', '//v2//alarms', true],
    ['GET', '/v2/alarms', '/v2/alarms/x', false],
    ['POST', '/v2/alarms', '/v2/alarms', false],
    ['GET', '/v2/alarms/*', '/v2/alarms/x', true],
    ['GET', '/v2/alarms/*', '/v2/alarms/x/state', false],
    ['GET', '/v2/alarms/*', '/v2/alarms/', false],
    ['GET', '/v2/alarms/{alarm_id}/state', '/v2/alarms/x/state', true],
    ['GET', '/v2/alarms/{alarm_id}/state', '/v2/alarms/x/y/state', false],
    ['GET', '/v2/*/x', '/v2/alarms/x', true],
    ['GET', '/v2/**', '/v2/alarms/x/state', true],
    ['GET', '**', '/v2/alarms/x/history', true],
    ['GET', '/v2.alarms', '/v2/alarms', false],
    ['GET', '/v2/alarms(', '/v2/alarms', false],
  ])('to %s %s is asked for %s: %s', async (method, pattern, path, allowed) => {
    limitedTo(rule('GET', '/elsewhere'), rule(method, pattern));
    if (allowed) expect(await status('GET', path)).not.toBe(401);
    else expect(await status('GET', path)).toBe(401);
  });

  test('of another service, or an empty list of them, allows nothing; no list allows everything', async () => {
    limitedTo(rule('GET', '**', 'compute'));
    expect(await status('GET', '/v2/alarms')).toBe(401);
    await reopen({});
    limitedTo();
    expect(await status('GET', '/v2/alarms')).toBe(401);
    await reopen({});
    keystone.tokens.set('token', tokenBody({ application_credential: { id: 'ac', access_rules: null } }));
    expect(await status('GET', '/v2/alarms')).toBe(200);
  });

  test('allows nothing where our own type of service is not configured', async () => {
    await reopen({ serviceType: '' });
    limitedTo(rule('GET', '**', ''));
    expect(await status('GET', '/v2/alarms')).toBe(401);
  });

  test('is not limited behind a service', async () => {
    limitedTo(rule('GET', '/elsewhere'));
    keystone.tokens.set('service', tokenBody({ roles: [{ name: 'service' }] }));
    expect((await list({ 'x-auth-token': 'token', 'x-service-token': 'service' })).status).toBe(200);
  });
});
