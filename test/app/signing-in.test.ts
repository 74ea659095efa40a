import { describe, expect, test } from '@jest/globals';

import { generateApiKey } from '../../src/api/identity/api-key-form.js';
import { REQUEST_EXAMPLES } from '../../src/api/openapi/request-examples.js';
import { SessionRequest } from '../../src/api/schema/session-request.js';
import { AUTH_MODES } from '../../src/config/schema.js';
import type { Answered } from '../support/api.js';
import { tokenBody } from '../support/keystone-double.js';
import {
  alice,
  beginSession,
  cookieIn,
  OWN_PAGE,
  PASSWORD,
  SCRIPT,
  SESSION,
  sessionsRig,
  signedIn,
  statusOfList,
} from '../support/sessions-rig.js';

const SECOND = 1_000;
const WRONG = 'Wrong credentials: the key, the token, or the name, password and project';

const rig = sessionsRig();

describe('POST /v1/session', () => {
  test.each([
    ['apikey', { key: 201, password: 400, token: 400 }],
    ['keystone', { key: 400, password: 201, token: 201 }],
    ['keystone+apikey', { key: 201, password: 201, token: 201 }],
    ['noauth', { key: 400, password: 400, token: 400 }],
  ])('in auth.mode %s answers %j', async (mode, expected) => {
    const api = await rig.serve(mode);
    const { key } = await rig.storedKey();
    const bodies = { key: { api_key: key }, password: alice(), token: { token: 'good' } };
    const answers: Record<string, number> = {};
    for (const [kind, body] of Object.entries(bodies)) {
      const answer = await beginSession(api, body);
      answers[kind] = answer.status;
      if (answer.status !== 201) {
        expect(answer.fault).toMatch(new RegExp(`^auth.mode is ${mode}: `));
        continue;
      }
      expect(await statusOfList(api, { ...OWN_PAGE, cookie: cookieIn(answer) })).toBe(200);
    }
    expect(answers).toEqual(expected);
  });

  test('sets a cookie of 32 bytes for pages of this service only, without Secure on loopback', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const answer = await beginSession(api, { api_key: key });
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(/^tocsin-session=ses_[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/),
    ]);
  });

  test('sets a __Host- cookie with Secure where a trusted proxy ends TLS, which is no cookie on http', async () => {
    const api = await rig.serve('apikey', { proxies: ['127.0.0.1'] });
    const { key } = await rig.storedKey();
    const https = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'alarms.example.com' };
    const answer = await beginSession(api, { api_key: key }, { origin: 'https://alarms.example.com', ...https });
    expect(answer.headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-tocsin-session=ses_[\w-]{43}; .*; SameSite=Strict; Max-Age=43200; Secure$/),
    ]);
    const cookie = cookieIn(answer);
    expect(await statusOfList(api, { ...OWN_PAGE, ...https, cookie })).toBe(200);
    expect(await statusOfList(api, { ...OWN_PAGE, cookie })).toBe(401);
    // A page of a subdomain can set a cookie without the prefix for this host.
    expect(await statusOfList(api, { ...OWN_PAGE, ...https, cookie: cookie.replace('__Host-', '') })).toBe(401);
    const other = await beginSession(api, { api_key: key }, { ...OWN_PAGE, ...https, 'x-forwarded-proto': 'http' });
    expect([other.status, other.fault]).toEqual([
      400,
      'Signing in needs https, and the request came to http://alarms.example.com. If a proxy ends TLS, list it in ' +
        'api.trusted_proxies',
    ]);
  });

  test.each([
    ['same-origin', undefined, 201],
    ['same-origin', 'own', 201],
    ['same-site', 'own', 403],
    ['cross-site', 'own', 403],
    ['none', undefined, 403],
    [undefined, 'own', 201],
    [undefined, 'http://evil.example', 403],
    [undefined, 'null', 403],
    [undefined, undefined, 403],
  ])('with Sec-Fetch-Site %s and Origin %s is answered %i', async (site, origin, status) => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const headers = {
      ...(site !== undefined && { 'sec-fetch-site': site }),
      ...(origin !== undefined && { origin: origin === 'own' ? api.url : origin }),
    };
    expect((await beginSession(api, { api_key: key }, headers)).status).toBe(status);
  });

  test.each([
    ['nothing', {}, 'Expected one of: api_key; token; name and password'],
    ['two kinds', { api_key: 'a', token: 't' }, 'Expected one of: api_key; token; name and password'],
    ['a name alone', { name: 'alice' }, 'Expected one of: api_key; token; name and password'],
    ['a password alone', { password: 'p' }, 'Expected one of: api_key; token; name and password'],
    ['a project of a token', { token: 't', project: 'p' }, /^project is only for name and password/],
    ['another field', { api_key: 'a', x: 1 }, /^Unknown attribute for argument data: x$/],
    ['a password that is no text', { name: 'alice', password: ['secret'] }, /^Invalid input .* password\. Expected a/],
    ['an empty key', { api_key: '' }, /^Invalid input for field\/attribute api_key\. Expected a text/],
    ['a long password', { name: 'a', password: 'p'.repeat(9_000) }, /^Invalid input [^p]*password\. Expected a text/],
  ])('with %s is answered 400', async (_, body, fault) => {
    const api = await rig.serve('keystone+apikey');
    const answer = await beginSession(api, body);
    expect([answer.status, answer.fault]).toEqual([
      400,
      typeof fault === 'string' ? fault : expect.stringMatching(fault),
    ]);
  });

  test('of an unscoped user or token says that a project is needed', async () => {
    const api = await rig.serve('keystone');
    rig.keystone.tokens.set('unscoped', tokenBody({ project: undefined, roles: [] }));
    const [user, token] = [
      await beginSession(api, alice({ project: null })),
      await beginSession(api, { token: 'unscoped' }),
    ];
    expect([user.status, user.fault]).toEqual([
      400,
      'Invalid input for field/attribute project. The user has no default project in Keystone: name a project',
    ]);
    expect([token.status, token.fault]).toEqual([
      400,
      'The token belongs to no project: sign in with a token that is scoped to a project',
    ]);
    rig.keystone.tokens.set('unscoped', tokenBody());
    await rig.clock.advance(400 * SECOND); // the validation is cached
    expect((await beginSession(api, alice({ project: null }))).status).toBe(201);
  });

  test('refuses a wrong key id, a wrong secret and a text that is no key alike', async () => {
    const api = await rig.serve('apikey');
    const [{ id }, other, revoked] = [await rig.storedKey(), generateApiKey(), await rig.storedKey()];
    await rig.revoke(revoked.id);
    const ended = await rig.storedKey({ expiresAt: new Date(rig.clock.now().getTime() - 1) });
    const keys = [other.key, other.key.replace(/^ak_[^_]+/, `ak_${id}`), 'no key', revoked.key, ended.key];
    for (const api_key of keys) {
      const answer = await beginSession(api, { api_key });
      expect([answer.status, answer.fault, answer.headers['set-cookie']]).toEqual([401, WRONG, undefined]);
    }
  });

  test.each([
    ['name', alice({ name: 'bob' })],
    ['password', alice({ password: 'wrong' })],
    ['project', alice({ project: 'other' })],
    ['domain', alice({ domain: 'Other' })],
    ['token', { token: 'wrong' }],
  ])('refuses a wrong %s as any other', async (_, body) => {
    const answer = await beginSession(await rig.serve('keystone'), body);
    expect([answer.status, answer.fault]).toEqual([401, WRONG]);
  });

  test('is answered 503 while Keystone does not answer', async () => {
    const api = await rig.serve('keystone');
    rig.keystone.override = ({ method }) => (method === 'POST' ? { status: 503 } : undefined);
    for (const body of [alice(), { token: 'good' }]) {
      const answer = await beginSession(api, body);
      expect([answer.status, answer.fault]).toEqual([503, 'Keystone is not available']);
    }
  });

  test('ends the session that the browser had', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const former = await signedIn(api, { api_key: key });
    expect((await beginSession(api, { api_key: key }, { ...SCRIPT, cookie: former.cookie })).status).toBe(201);
    expect(await statusOfList(api, former)).toBe(401);
  });

  test('stores and logs no credential and no cookie, and asks Keystone with the user’s own credentials', async () => {
    const api = await rig.serve('keystone+apikey');
    const { key } = await rig.storedKey();
    const cookies = [await signedIn(api, { api_key: key }), await signedIn(api, alice())];
    await beginSession(api, alice({ password: 'wrong password' }));
    const { rows } = await rig.db.query<{ id: string; row: string }>(
      'select id, row_to_json(s)::text as row from sessions s',
    );
    expect(rows).toHaveLength(2);
    const audited = JSON.stringify((await rig.db.query('select * from audit_entries')).rows);
    const secrets = [key, PASSWORD, 'wrong password', ...cookies.map(({ cookie }) => cookie.split('=')[1]!)];
    for (const text of [...rows.map(({ row }) => row), ...rig.logged, audited])
      for (const secret of secrets) expect(text).not.toContain(secret);
    expect(rows.map(({ row }) => row).join()).not.toContain('good');
  });
});

describe('too many wrong sign-ins', () => {
  test('of an address are answered 429, also to requests with a key, and a right one passes', async () => {
    const api = await rig.serve('apikey', { failures: 3 });
    const { key } = await rig.storedKey();
    for (let failure = 0; failure < 3; failure += 1)
      expect((await beginSession(api, { api_key: generateApiKey().key })).status).toBe(401);
    const answer = await beginSession(api, { api_key: generateApiKey().key });
    expect([answer.status, answer.fault, answer.headers['retry-after']]).toEqual([
      429,
      'Too many failed authentications from this address',
      '60',
    ]);
    expect((await api.ask('GET', '/v2/alarms', { 'x-api-key': 'wrong' })).status).toBe(429);
    expect((await beginSession(api, { api_key: key })).status).toBe(201);
    await rig.clock.advance(60 * SECOND);
    expect((await beginSession(api, { api_key: generateApiKey().key })).status).toBe(401);
  });

  test.each(['key', 'password'])('of one account by %s are answered 429 from every address', async (kind) => {
    const api = await rig.serve('keystone+apikey', { failures: 3, proxies: ['127.0.0.1'] });
    const { id, key } = await rig.storedKey();
    const wrong =
      kind === 'key' ? { api_key: generateApiKey().key.replace(/^ak_[^_]+/, `ak_${id}`) } : alice({ password: 'x' });
    const right = kind === 'key' ? { api_key: key } : alice();
    const from = (address: number, body: unknown): Promise<Answered> =>
      beginSession(api, body, { origin: api.url, 'x-forwarded-for': `192.0.2.${address}` });
    for (let address = 1; address <= 3; address += 1) expect((await from(address, wrong)).status).toBe(401);
    const refused = await from(4, wrong);
    expect([refused.status, refused.fault]).toEqual([429, 'Too many failed authentications of this account']);
    expect((await from(5, right)).status).toBe(201);
  });

  test('of one account and address do not reach Keystone, which may lock the account', async () => {
    const api = await rig.serve('keystone', { failures: 3, proxies: ['127.0.0.1'] });
    const from = (address: string, body: unknown): Promise<Answered> =>
      beginSession(api, body, { origin: api.url, 'x-forwarded-for': address });
    for (let failure = 0; failure < 3; failure += 1) await from('192.0.2.1', alice({ password: `guess ${failure}` }));
    const asked = rig.keystone.calls.length;
    for (const name of ['alice', 'ALICE']) {
      const answer = await from('192.0.2.1', alice({ name }));
      expect([answer.status, answer.headers['retry-after']]).toEqual([429, '60']);
    }
    expect(rig.keystone.calls.length).toBe(asked);
    expect((await from('192.0.2.2', alice())).status).toBe(201);
    await rig.clock.advance(60 * SECOND);
    expect((await from('192.0.2.1', alice())).status).toBe(201);
  });
});

describe('GET /v1/session', () => {
  test('tells the caller, and when the session ends', async () => {
    const api = await rig.serve('keystone+apikey');
    const { id, key } = await rig.storedKey();
    const byKey = {
      auth_mode: 'keystone+apikey',
      user_id: 'u1',
      user_name: null,
      project_id: 'p1',
      project_name: null,
      role: 'member',
      all_projects: false,
    };
    const session = await api.ask('GET', SESSION, await signedIn(api, { api_key: key }));
    expect(session.json()).toEqual({ ...byKey, api_key_id: id, has_session: true, ends_at: '2026-01-02T00:00:00Z' });
    const bare = await api.ask('GET', SESSION, { 'x-api-key': key });
    expect(bare.json()).toEqual({ ...byKey, api_key_id: id, has_session: false, ends_at: null });
    const user = await api.ask('GET', SESSION, await signedIn(api, alice()));
    const names = { user_name: 'user one', project_name: 'project one' };
    const ends = { has_session: true, ends_at: '2026-01-01T13:00:00Z' };
    expect(user.json()).toEqual({ ...byKey, ...names, api_key_id: null, ...ends });
  });

  test.each(AUTH_MODES)('in auth.mode %s without credentials', async (mode) => {
    const answer = await (await rig.serve(mode)).ask('GET', SESSION);
    if (mode !== 'noauth') return expect(answer.status).toBe(401);
    expect(answer.json()).toEqual({
      auth_mode: 'noauth',
      user_id: 'default',
      user_name: null,
      project_id: 'default',
      project_name: null,
      role: 'admin',
      all_projects: true,
      api_key_id: null,
      has_session: false,
      ends_at: null,
    });
  });

  test('of other methods needs a credential before it is answered 405', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    expect((await api.ask('PUT', SESSION)).status).toBe(401);
    expect((await api.ask('PUT', SESSION, { 'x-api-key': key })).status).toBe(405);
  });
});

test.each(Object.entries(REQUEST_EXAMPLES['beginSession'] ?? {}))(
  'the example %s is a body of a sign-in',
  (_, { value }) => {
    expect(SessionRequest.safeParse(value).error).toBeUndefined();
  },
);
