import { describe, expect, test } from '@jest/globals';

import { SESSION_LIFE_MS } from '../../src/api/identity/sign-in.js';
import { thresholdBody, type Caller } from '../support/api.js';
import {
  alice,
  beginSession,
  cookieIn,
  OWN_PAGE,
  SCRIPT,
  SESSION,
  sessionsRig,
  signedIn,
  statusOfList,
} from '../support/sessions-rig.js';

const SECOND = 1_000;
const HOUR = 3_600_000;

const rig = sessionsRig();

describe('the cookie of a session', () => {
  const READ = ['GET', '/v2/alarms'] as const;
  const WRITE = ['POST', '/v2/alarms'] as const;

  test.each([
    { site: 'same-origin', origin: undefined, script: false, read: 200, write: 401 },
    { site: 'same-origin', origin: undefined, script: true, read: 200, write: 201 },
    { site: 'same-origin', origin: 'own', script: false, read: 200, write: 401 },
    { site: 'same-origin', origin: 'own', script: true, read: 200, write: 201 },
    { site: undefined, origin: 'own', script: false, read: 200, write: 401 },
    { site: undefined, origin: 'own', script: true, read: 200, write: 201 },
    ...[undefined, 'none', 'same-site', 'cross-site'].flatMap((site) =>
      [undefined, 'http://evil.example', 'null', ...(site === undefined ? [] : ['own'])].flatMap((origin) =>
        [false, true].map((script) => ({ site, origin, script, read: 401, write: 401 })),
      ),
    ),
  ])('with Sec-Fetch-Site $site, Origin $origin, X-Tocsin-Console $script: read $read, write $write', async (given) => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const { cookie } = await signedIn(api, { api_key: key });
    const headers = {
      cookie,
      ...(given.site !== undefined && { 'sec-fetch-site': given.site }),
      ...(given.origin !== undefined && { origin: given.origin === 'own' ? api.url : given.origin }),
      ...(given.script && { 'x-tocsin-console': '1' }),
    };
    expect((await api.ask(...READ, headers)).status).toBe(given.read);
    expect((await api.ask(...WRITE, headers, thresholdBody())).status).toBe(given.write);
  });

  test('is accepted in the request of an EventSource', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const { cookie } = await signedIn(api, { api_key: key });
    const headers = { cookie, ...OWN_PAGE, accept: 'text/event-stream', 'sec-fetch-mode': 'cors' };
    expect((await api.ask(...READ, headers)).status).toBe(200);
  });

  test.each(['x-api-key', 'x-auth-token', 'authorization', 'x-service-token'])(
    'beside the credential %s is answered 400, also in a request of another page',
    async (name) => {
      const api = await rig.serve('keystone+apikey');
      const { key } = await rig.storedKey();
      const { cookie } = await signedIn(api, { api_key: key });
      for (const headers of [OWN_PAGE, {}]) {
        const answer = await api.ask(...READ, { ...headers, cookie, [name]: key });
        expect([answer.status, answer.fault]).toEqual([400, 'The request has more than one credential; send one']);
      }
      expect((await beginSession(api, { api_key: key }, { ...OWN_PAGE, [name]: key })).status).toBe(400);
    },
  );

  test('is refused twice in a request, with another secret, and is ignored by another name', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const { cookie } = await signedIn(api, { api_key: key });
    const twice = await api.ask(...READ, { ...OWN_PAGE, cookie: `${cookie}; ${cookie}` });
    expect([twice.status, twice.fault]).toEqual([400, 'The request has more than one cookie tocsin-session']);
    const other = cookie.slice(0, -5) + (cookie.endsWith('AAAAA') ? 'BBBBB' : 'AAAAA');
    expect(await statusOfList(api, { ...OWN_PAGE, cookie: other })).toBe(401);
    expect(await statusOfList(api, { ...OWN_PAGE, cookie: 'tocsin-session=' })).toBe(401);
    expect(await statusOfList(api, { 'x-api-key': key, cookie: 'theme=dark; session=1' })).toBe(200);
    expect(await statusOfList(api, { ...OWN_PAGE, cookie: `theme=dark; ${cookie}; a=b` })).toBe(200);
  });

  test('of another session does not open a row that was copied', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const { key: stranger } = await rig.storedKey({ projectId: 'p2', role: 'admin' });
    const own = await signedIn(api, { api_key: key });
    await signedIn(api, { api_key: stranger });
    await rig.db.query(
      `update sessions set sealed = (select max(sealed) from sessions other where other.id <> sessions.id)`,
    );
    expect(await statusOfList(api, own)).toBe(401);
  });

  test('gives the rights of its credential, and its uses do not count as failures', async () => {
    const api = await rig.serve('apikey', { failures: 2 });
    const { id, key } = await rig.storedKey({ role: 'reader' });
    const cookie = await signedIn(api, { api_key: key });
    expect(await statusOfList(api, cookie)).toBe(200);
    expect((await api.ask(...WRITE, cookie, thresholdBody())).status).toBe(403);
    await rig.revoke(id);
    await rig.clock.advance(5 * SECOND);
    for (let request = 0; request < 5; request += 1) expect(await statusOfList(api, cookie)).toBe(401);
    expect(await statusOfList(api, { 'x-api-key': 'wrong' })).toBe(401);
  });
});

describe('a session', () => {
  test.each(['apikey', 'keystone+apikey'])('in auth.mode %s ends 5 s after its key was revoked', async (mode) => {
    const processes = [await rig.serve(mode), await rig.serve(mode)];
    const { id, key } = await rig.storedKey();
    const cookie = await signedIn(processes[0]!, { api_key: key });
    for (const process of processes) expect(await statusOfList(process, cookie)).toBe(200);
    await rig.revoke(id);
    await rig.clock.advance(5 * SECOND);
    for (const process of processes) expect(await statusOfList(process, cookie)).toBe(401);
  });

  test('ends with the Keystone token that a password obtained, and its cookie ends with it', async () => {
    const api = await rig.serve('keystone'); // the token ends after an hour
    const answer = await beginSession(api, alice());
    expect(answer.headers['set-cookie']?.[0]).toContain('Max-Age=3600');
    const cookie = { ...SCRIPT, cookie: cookieIn(answer) };
    await rig.clock.advance(HOUR - SECOND);
    expect(await statusOfList(api, cookie)).toBe(200);
    await rig.clock.advance(SECOND);
    expect(await statusOfList(api, cookie)).toBe(401);
  });

  test('ends when Keystone no longer accepts its token', async () => {
    const api = await rig.serve('keystone');
    const cookie = await signedIn(api, { token: 'good' });
    rig.keystone.tokens.delete('good');
    await rig.clock.advance(300 * SECOND); // rig.keystone.token_cache_time
    expect(await statusOfList(api, cookie)).toBe(401);
  });

  test('ends after 12 hours, whatever is done in it', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const cookie = await signedIn(api, { api_key: key });
    for (let hour = 0; hour < 12; hour += 1) {
      expect([hour, await statusOfList(api, cookie)]).toEqual([hour, 200]);
      await rig.clock.advance(SESSION_LIFE_MS / 12);
    }
    expect(await statusOfList(api, cookie)).toBe(401);
  });

  test('ends by DELETE: at once in this process, in 5 s in others', async () => {
    const [api, other] = [await rig.serve('apikey'), await rig.serve('apikey')];
    const { key } = await rig.storedKey();
    const cookie = await signedIn(api, { api_key: key });
    expect(await statusOfList(other, cookie)).toBe(200);
    const answer = await api.ask('DELETE', SESSION, cookie);
    expect([answer.status, answer.headers['set-cookie']]).toEqual([
      204,
      ['tocsin-session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0'],
    ]);
    expect(await statusOfList(api, cookie)).toBe(401);
    await rig.clock.advance(5 * SECOND);
    expect(await statusOfList(other, cookie)).toBe(401);
    expect((await rig.db.query('select 1 from sessions')).rows).toEqual([]);
  });

  test('outlives a restart of the API', async () => {
    const first = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const cookie = await signedIn(first, { api_key: key });
    await first.close();
    expect(await statusOfList(await rig.serve('apikey'), cookie)).toBe(200);
  });

  test('of a request without a cookie cannot be ended', async () => {
    const api = await rig.serve('apikey');
    const { key } = await rig.storedKey();
    const answer = await api.ask('DELETE', SESSION, { 'x-api-key': key });
    expect([answer.status, answer.fault]).toEqual([404, 'The request belongs to no session']);
  });

  test('has its begin and its end in the audit trail, also a sign-in that was denied', async () => {
    const api = await rig.serve('apikey');
    const { id, key } = await rig.storedKey();
    await beginSession(api, { api_key: 'wrong' });
    const cookie = await signedIn(api, { api_key: key });
    await api.ask('DELETE', SESSION, cookie);
    await rig.clock.advance(SECOND);
    const { key: admin } = await rig.storedKey({ role: 'admin', allProjects: true });
    const entries = (await api.ask('GET', '/v1/audit?limit=3', { 'x-api-key': admin })).json<
      Record<string, unknown>[]
    >();
    const actor = { user_id: 'u1', project_id: 'p1', api_key_id: id };
    expect(entries).toMatchObject([
      { action: 'session.end', outcome: 'done', project_id: 'p1', actor },
      { action: 'session.begin', outcome: 'done', project_id: 'p1', actor },
      { action: 'session.begin', outcome: 'denied', status: 401, actor: { user_id: null, api_key_id: null } },
    ]);
  });
});

describe('in auth.mode noauth', () => {
  test.each([
    ['a page of this service', { 'sec-fetch-site': 'same-origin' }, 200],
    ['an EventSource of this service', { 'sec-fetch-site': 'same-origin', accept: 'text/event-stream' }, 200],
    ['a program', {}, 200],
    ['an address that was typed', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 200],
    [
      'a link in a foreign page',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
      200,
    ],
    [
      'a foreign frame',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
      403,
    ],
    [
      'a foreign image',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
      403,
    ],
    ['a page on another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }, 403],
    ['a foreign EventSource', { 'sec-fetch-site': 'cross-site', origin: 'http://evil.example' }, 403],
    ['a foreign page in an old browser', { origin: 'http://evil.example' }, 403],
  ])('%s reads: %i', async (_, headers, status) => {
    const api = await rig.serve('noauth');
    expect(await statusOfList(api, headers as unknown as Caller)).toBe(status);
  });

  test.each([
    ['own', 201],
    ['http://evil.example', 403],
    ['null', 403],
  ])('a page of the origin %s writes: %i', async (origin, status) => {
    const api = await rig.serve('noauth');
    const headers = { origin: origin === 'own' ? api.url : origin };
    expect((await api.ask('POST', '/v2/alarms', headers, thresholdBody())).status).toBe(status);
  });
});
