import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { egressWith } from '../support/egress.js';
import { lookup } from 'node:dns/promises';

import { listenApi } from '../../src/app/api-role.js';
import { createAuthentication } from '../../src/app/authentication.js';
import { openAudit } from '../../src/app/audit.js';
import { openKeystone } from '../../src/app/open-keystone.js';
import { ReleaseStack } from '../../src/release-stack.js';
import type { Listener } from '../../src/api/http/listen.js';
import { generateApiKey } from '../../src/api/identity/api-key-form.js';
import { createSystemClock } from '../../src/clock.js';
import { parseConfig } from '../../src/config/parse.js';
import { AUTH_MODES, type Config } from '../../src/config/schema.js';
import { StartupError } from '../../src/errors.js';
import { silentLogger } from '../../src/logger.js';
import { createApiKeyStore } from '../../src/storage/secrets/api-key-store.js';
import { createSessionStore } from '../../src/storage/secrets/session-store.js';
import type { Database } from '../../src/storage/database.js';
import { createTelemetry } from '../../src/telemetry.js';
import { ask, thresholdBody, type Answered, type Caller } from '../support/api.js';
import { anyDatabase, empty } from '../support/databases.js';
import { startKeystoneDouble, tokenBody, type KeystoneDouble } from '../support/keystone-double.js';
import { TEST_SEALER } from '../support/sealer.js';

const clock = createSystemClock();
const log = silentLogger;

let db: Database;
let keystone: KeystoneDouble;
beforeAll(async () => {
  db = await anyDatabase();
});
afterAll(() => db.close());
beforeEach(async () => {
  await empty(db);
  keystone = await startKeystoneDouble();
});
afterEach(() => keystone.close());

function configWith(mode: string, api: Record<string, unknown> = {}, auth: Record<string, unknown> = {}): Config {
  const login = {
    auth_url: keystone.url,
    public_url: 'https://keystone.example.com/v3',
    username: 'tocsin',
    password: 'secret',
  };
  const secrets = { key: Buffer.alloc(32, 1).toString('base64') };
  return parseConfig({
    auth: { mode, ...auth },
    api: { port: 0, ...api },
    secrets,
    keystone: mode.includes('keystone') ? login : {},
  });
}

describe('the address of the API', () => {
  const detailOf = async (config: Config): Promise<string> => {
    const session = openKeystone(config, { clock, log });
    const { detail } = await createAuthentication({
      config,
      clock,
      log,
      apiKeys: createApiKeyStore(db),
      sessions: createSessionStore(db),
      keystone: session,
      redis: undefined,
    });
    return detail;
  };

  const mapped = ['::ffff:127.0.0.1', '::FFFF:7f00:1', '0:0:0:0:0:ffff:127.9.9.9'];
  test.each(
    AUTH_MODES.flatMap((mode) =>
      ['127.0.0.1', '127.9.9.9', 'localhost', '::1', ...mapped].map((host) => [mode, host] as const),
    ),
  )('%s on %s: on loopback in every mode', async (mode, host) => {
    expect(await detailOf(configWith(mode, { host }))).toBe(mode);
  });

  test.each(
    AUTH_MODES.flatMap((mode) =>
      ['0.0.0.0', '::', '192.0.2.1', '::ffff:192.0.2.1', '::ffff:0.0.0.0', '64:ff9b::7f00:1'].map(
        (host) => [mode, host] as const,
      ),
    ),
  )('%s on %s: elsewhere unless every caller would be an admin', async (mode, host) => {
    if (mode === 'noauth') expect(() => configWith(mode, { host })).toThrow('every client is an admin');
    else expect(await detailOf(configWith(mode, { host }))).toBe(mode);
  });

  test('with noauth another address needs api.i_understand_noauth_is_open, and readiness shows it', async () => {
    const config = configWith('noauth', { host: '0.0.0.0', i_understand_noauth_is_open: true });
    expect(await detailOf(config)).toBe('noauth-exposed');
  });

  test('a name is checked by the addresses that it resolves to', async () => {
    const config = configWith('noauth', { host: 'localhost' });
    const addresses = await lookup('localhost', { all: true });
    expect(addresses.length).toBeGreaterThan(0);
    expect(await detailOf(config)).toBe('noauth');
    const { api } = configWith('noauth', { host: 'no.such.name.invalid' });
    await expect(detailOf({ ...config, api })).rejects.toBeInstanceOf(StartupError);
  });

  test('certificates that cannot be read are refused with the name of the option', () => {
    const config = configWith('keystone');
    const broken = { keystone: { ...config.keystone, ca_file: '/does/not/exist.pem' } };
    expect(() => openKeystone(broken, { clock, log })).toThrow(
      /^keystone\.ca_file: cannot read \/does\/not\/exist\.pem: /,
    );
  });
});

describe('the service', () => {
  let listener: Listener | undefined;
  afterEach(() => listener?.close(Promise.resolve()));

  async function serve(mode: string, auth: Record<string, unknown> = {}): Promise<void> {
    const config = configWith(mode, {}, auth);
    const session = openKeystone(config, { clock, log });
    const readiness = () => Promise.resolve([]);
    const telemetry = createTelemetry();
    const resources = new ReleaseStack();
    listener = await listenApi({
      config,
      db,
      sealer: TEST_SEALER,
      egress: egressWith(),
      keystone: session,
      clock,
      log,
      telemetry,
      audit: openAudit({ config, db, clock, log, telemetry, resources }),
      version: '0.0.0',
      readiness,
      waker: { wake: () => undefined },
      streamWaker: { wake: () => undefined, onWake: () => undefined },
      resources,
    });
  }
  const get = (path: string, as: Caller = {}): Promise<Answered> => ask('GET', `${listener?.url}${path}`, { as });

  /** A credential of each kind, good for the member u1 of p1. */
  async function credentials(): Promise<{ token: Caller; key: Caller }> {
    const end = new Date(clock.now().getTime() + 3_600_000).toISOString();
    keystone.tokens.set('good', tokenBody({ expires_at: end }));
    const { key, ...parts } = generateApiKey();
    const granted = {
      projectId: 'p1',
      userId: 'u1',
      role: 'member',
      allProjects: false,
      description: '',
      createdBy: 'test',
    } as const;
    await createApiKeyStore(db).create({ ...parts, ...granted, createdAt: clock.now(), expiresAt: null });
    return { token: { 'x-auth-token': 'good' }, key: { 'x-api-key': key } };
  }

  test.each([
    ['apikey', { none: 401, token: 401, key: 200, both: 200 }],
    ['keystone', { none: 401, token: 200, key: 401, both: 200 }],
    ['keystone+apikey', { none: 401, token: 200, key: 200, both: 400 }],
  ])('with auth.mode %s takes %j', async (mode, expected) => {
    await serve(mode);
    const { token, key } = await credentials();
    const callers = { none: {}, token, key, both: { ...token, ...key } };
    const entries = Object.entries(callers).map(
      async ([name, as]) => [name, (await get('/v2/alarms', as)).status] as const,
    );
    expect(Object.fromEntries(await Promise.all(entries))).toEqual(expected);
  });

  test.each([
    ['apikey', 'Bearer realm="tocsin"'],
    ['keystone', 'Keystone uri="https://keystone.example.com/v3"'],
    ['keystone+apikey', 'Keystone uri="https://keystone.example.com/v3"'],
  ])('with auth.mode %s sends %s with a 401, also for unknown paths', async (mode, header) => {
    await serve(mode);
    for (const path of ['/v2/alarms', '/v2/nothing', '/nothing', '/metrics']) {
      const answer = await get(path);
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, header]);
    }
  });

  test.each(AUTH_MODES)('with auth.mode %s shows the mode in /readyz, without authentication', async (mode) => {
    await serve(mode);
    const { checks } = (await get('/readyz')).json<{ checks: unknown[] }>();
    expect(checks).toEqual([{ name: 'auth', ok: true, detail: mode }]);
    expect((await get('/metrics')).status).toBe(mode === 'noauth' ? 200 : 401);
  });

  test.each([
    ['noauth', 403],
    ['apikey', 200],
    ['keystone', 200],
  ])('with auth.mode %s answers a Host of another name with %i', async (mode, status) => {
    await serve(mode);
    expect((await get('/livez', { host: 'tocsin.example.com' })).status).toBe(status);
  });

  test.each([
    ['noauth', 200],
    ['apikey', 200],
    ['keystone+apikey', 200],
    ['keystone', 404],
  ])('with auth.mode %s answers for keys with %i', async (mode, status) => {
    await serve(mode);
    const { token, key } = await credentials();
    const as = mode === 'noauth' ? {} : mode.startsWith('keystone') ? token : key;
    expect((await get('/v1/api-keys', as)).status).toBe(status);
  });

  test('tells an address with too many failures to wait, and admits its valid credentials', async () => {
    await serve('keystone+apikey', { failures_per_minute: 3 });
    const { key, token } = await credentials();
    for (const as of [{ 'x-api-key': 'wrong' }, { 'x-auth-token': 'wrong' }, { authorization: 'Bearer wrong' }]) {
      expect((await get('/v2/alarms', as)).status).toBe(401);
    }
    const answer = await get('/v2/alarms', { 'x-api-key': 'wrong' });
    expect(answer.status).toBe(429);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(50);
    expect(Number(answer.headers['retry-after'])).toBeLessThanOrEqual(60);
    for (const as of [key, token]) expect((await get('/v2/alarms', as)).status).toBe(200);
  });

  /** All identity headers of Keystone's middleware and its predecessors, in all spellings. */
  const SPOOFED = [
    'X-Identity-Status',
    ...['User', 'Project', 'Tenant'].flatMap((what) => [`X-${what}`, `X-${what}-Id`, `X-${what}-Name`]),
    ...['User', 'Project'].flatMap((what) => [`X-${what}-Domain-Id`, `X-${what}-Domain-Name`]),
    'X-Domain-Id',
    'X-Domain-Name',
    'X-Role',
    'X-Roles',
    'X-Is-Admin-Project',
    'X-Service-Catalog',
    'OpenStack-System-Scope',
    'X-Service-Identity-Status',
    'X-Service-User-Id',
    'X-Service-Project-Id',
    'X-Service-Roles',
    'X_ROLES',
    'X_Project_Id',
  ];

  describe.each(['apikey', 'keystone', 'keystone+apikey'])('with auth.mode %s', (mode) => {
    test('no header changes the identity', async () => {
      await serve(mode);
      const { token, key } = await credentials();
      for (const as of mode === 'apikey' ? [key] : mode === 'keystone' ? [token] : [key, token]) {
        for (const value of ['admin', 'p2', 'all', 'Confirmed', 'true']) {
          const spoofed = Object.fromEntries(SPOOFED.map((name) => [name, value]));
          const made = await ask('POST', `${listener?.url}/v2/alarms`, {
            as: { ...as, ...spoofed },
            body: thresholdBody(),
          });
          expect(made.json()).toMatchObject({ project_id: 'p1', user_id: 'u1' });
          expect((await get('/v2/alarms?q.field=all_projects&q.value=true', { ...as, ...spoofed })).status).toBe(403);
          expect((await get('/v2/alarms', spoofed)).status).toBe(401);
        }
      }
    });

    test.each(SPOOFED)('%s alone does not authenticate', async (name) => {
      await serve(mode);
      expect((await get('/v2/alarms', { [name]: 'admin' })).status).toBe(401);
    });
  });
});
