import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';

import { generateApiKey } from '../../src/api/identity/api-key-form.js';
import { listenApi } from '../../src/app/api-role.js';
import { openAudit } from '../../src/app/audit.js';
import { openKeystone } from '../../src/app/open-keystone.js';
import { parseConfig } from '../../src/config/parse.js';
import { silentLogger, type Logger } from '../../src/logger.js';
import { ReleaseStack } from '../../src/release-stack.js';
import { ROLES } from '../../src/role.js';
import type { Database } from '../../src/storage/database.js';
import { createApiKeyStore, type NewApiKey } from '../../src/storage/secrets/api-key-store.js';
import { createTelemetry } from '../../src/telemetry.js';
import { ask, type Answered, type Caller } from './api.js';
import { anyDatabase, empty } from './databases.js';
import { egressWith } from './egress.js';
import { FakeClock } from './fake-clock.js';
import {
  startKeystoneDouble,
  tokenBody,
  type KeystoneCall,
  type KeystoneDouble,
  type KeystoneReply,
} from './keystone-double.js';
import { TEST_SEALER } from './sealer.js';

export const SESSION = '/v1/session';
/** The header of a browser in requests of a page of this service. */
export const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };
/** The same of a request by a script that writes. */
export const SCRIPT = { ...OWN_PAGE, 'x-tocsin-console': '1' };
/** The password of alice, whom Keystone knows. */
export const PASSWORD = 'her secret';

/** An API process. */
export interface ApiProcess {
  url: string;
  ask(method: string, path: string, as?: Caller, body?: unknown): Promise<Answered>;
  close(): Promise<void>;
}

export interface SessionsRig {
  readonly db: Database;
  readonly clock: FakeClock;
  readonly keystone: KeystoneDouble;
  /** All that the processes of the test have logged. */
  readonly logged: readonly string[];
  serve(mode: string, options?: { failures?: number; proxies?: string[] }): Promise<ApiProcess>;
  /** Stores the key of a member of p1. Fields given replace its own. */
  storedKey(fields?: Partial<NewApiKey>): Promise<{ id: string; key: string }>;
  revoke(id: string): Promise<unknown>;
}

/** The login of alice, who has a role in the project web, and the same without a project. */
const DOMAIN = { name: 'Default' };
const USER = { name: 'alice', password: PASSWORD, domain: DOMAIN };
const UNSCOPED = { identity: { methods: ['password'], password: { user: USER } } };
const TOKENS = new Map([
  [JSON.stringify(UNSCOPED), 'unscoped'],
  [JSON.stringify({ ...UNSCOPED, scope: { project: { name: 'web', domain: DOMAIN } } }), 'good'],
]);

/** Answers logins of users. The service's own login has its own answer. */
function loginOfUser({ method, target, body }: KeystoneCall): KeystoneReply | undefined {
  const auth = JSON.stringify((body as { auth?: object } | undefined)?.auth ?? null);
  if (method !== 'POST' || auth.includes('"tocsin"')) return undefined;
  expect(target).toBe('/auth/tokens?nocatalog=1');
  const token = TOKENS.get(auth);
  if (token === undefined) return { status: 401, body: { error: { code: 401, message: 'no' } } };
  return { status: 201, headers: { 'x-subject-token': token }, body: {} };
}

/** API processes on one database with a fake clock and a double of Keystone, new for each test. */
export function sessionsRig(): SessionsRig {
  let db: Database;
  let clock: FakeClock;
  let keystone: KeystoneDouble;
  let open: Set<() => Promise<void>>;
  let logged: string[];

  beforeAll(async () => {
    db = await anyDatabase();
  });
  afterAll(() => db.close());
  beforeEach(async () => {
    await empty(db);
    clock = new FakeClock();
    open = new Set();
    logged = [];
    keystone = await startKeystoneDouble();
    keystone.tokens.set('good', tokenBody());
    keystone.override = loginOfUser;
  });
  afterEach(async () => {
    for (const close of open) await close();
    await keystone.close();
  });

  const serve: SessionsRig['serve'] = async (mode, { failures = 1_000, proxies = [] } = {}) => {
    const login = { auth_url: keystone.url, username: 'tocsin', password: 'secret' };
    const config = parseConfig({
      auth: { mode, failures_per_minute: failures },
      api: { port: 0, trusted_proxies: proxies },
      keystone: mode.includes('keystone') ? login : {},
      secrets: { key: Buffer.alloc(32, 1).toString('base64') },
    });
    const note = (message: string, fields?: unknown): void => void logged.push(JSON.stringify([message, fields]));
    const log: Logger = { ...silentLogger, debug: note, info: note, warn: note, error: note, child: () => log };
    const telemetry = createTelemetry();
    const resources = new ReleaseStack();
    const listener = await listenApi({
      config,
      db,
      sealer: TEST_SEALER,
      egress: egressWith(),
      keystone: openKeystone(config, { clock, log }),
      clock,
      log,
      telemetry,
      audit: openAudit({ config, db, clock, log, telemetry, resources }),
      version: '0.0.0',
      readiness: () => Promise.resolve([]),
      waker: { wake: () => undefined },
      streamWaker: { wake: () => undefined, onWake: () => undefined },
      resources,
    });
    const close = async (): Promise<void> => {
      open.delete(close);
      await listener.close(Promise.resolve());
      await resources.release();
    };
    open.add(close);
    return {
      url: listener.url,
      ask: (method, path, as = {}, body?) => ask(method, listener.url + path, { as, body }),
      close,
    };
  };

  return {
    get db() {
      return db;
    },
    get clock() {
      return clock;
    },
    get keystone() {
      return keystone;
    },
    get logged() {
      return logged;
    },
    serve,
    async storedKey(fields = {}) {
      const { key, ...parts } = generateApiKey();
      const granted = { projectId: 'p1', userId: 'u1', role: 'member', allProjects: false, description: '' } as const;
      const made = { createdBy: 'u1', createdAt: clock.now(), expiresAt: null };
      await createApiKeyStore(db).create({ ...parts, ...granted, ...made, ...fields });
      return { id: parts.id, key };
    },
    revoke: (id) => createApiKeyStore(db).revoke({ all: true }, { id, roles: ROLES, allProjects: true }, clock.now()),
  };
}

/** The body with which alice signs in. Fields given replace its own. */
export const alice = (fields: object = {}) => ({ name: 'alice', password: PASSWORD, project: 'web', ...fields });

export const beginSession = (api: ApiProcess, body: unknown, headers: Caller = OWN_PAGE): Promise<Answered> =>
  api.ask('POST', SESSION, headers, body);

/** Name and value of the cookie that an answer sets. */
export const cookieIn = ({ headers }: Answered): string => headers['set-cookie']?.[0]?.split(';')[0] ?? '';

/** Signs in, and returns the headers of the requests that follow. */
export async function signedIn(api: ApiProcess, body: unknown): Promise<Caller & { cookie: string }> {
  const answer = await beginSession(api, body);
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return { ...SCRIPT, cookie: cookieIn(answer) };
}

export const statusOfList = async (api: ApiProcess, as: Caller): Promise<number> =>
  (await api.ask('GET', '/v2/alarms', as)).status;
