import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inspect } from 'node:util';

import { Secret } from '../../src/config/secret.js';
import type { KeystoneLogin } from '../../src/keystone/own-token.js';
import { createKeystoneSession, type KeystoneSession, type KeystoneSettings } from '../../src/keystone/session.js';
import { silentLogger } from '../../src/logger.js';
import { FakeClock } from '../support/fake-clock.js';
import {
  ownToken,
  SERVICE_TOKEN_LIFE_MS,
  SERVICE_USER,
  startKeystoneDouble,
  type KeystoneDouble,
  type KeystoneReply,
} from '../support/keystone-double.js';
import { PATIENCE_MS, patienceFor } from '../support/patience.js';
import { freePort } from '../support/service-process.js';

const PASSWORD: KeystoneLogin = {
  kind: 'password',
  username: 'tocsin',
  password: new Secret('pass phrase'),
  userDomainName: 'Users',
  projectName: 'service',
  projectDomainName: 'Default',
};
const APPLICATION_CREDENTIAL: KeystoneLogin = {
  kind: 'application-credential',
  id: 'ac',
  secret: new Secret('pass phrase'),
};
const MINUTE = 60_000;

let keystone: KeystoneDouble;
let clock: FakeClock;
beforeEach(async () => {
  keystone = await startKeystoneDouble();
  clock = new FakeClock();
});
afterEach(() => keystone.close());

function open(settings: Partial<KeystoneSettings> = {}): KeystoneSession {
  const { timeoutMs = PATIENCE_MS } = settings;
  const usual = {
    authUrl: keystone.url,
    timeoutMs,
    deadlineMs: timeoutMs,
    login: PASSWORD,
    interface: 'public' as const,
  };
  return createKeystoneSession({ ...usual, ...settings }, { clock, log: silentLogger });
}

describe('the own token', () => {
  test('is requested once for many callers, and kept until two minutes before its end', async () => {
    const session = open();
    expect(await Promise.all([session.token(), session.token(), session.userId()])).toEqual([
      'own-1',
      'own-1',
      SERVICE_USER,
    ]);
    await clock.advance(SERVICE_TOKEN_LIFE_MS - 2 * MINUTE - 1);
    expect(await session.token()).toBe('own-1');
    await clock.advance(1);
    expect(await Promise.all([session.token(), session.token()])).toEqual(['own-2', 'own-2']);
    expect(keystone.logins()).toHaveLength(2);
  });

  test('that cannot be renewed in time serves to its very end', async () => {
    const session = open();
    await session.token();
    keystone.override = () => ({ status: 503 });
    await clock.advance(SERVICE_TOKEN_LIFE_MS - 1);
    expect(await session.token()).toBe('own-1');
    await clock.advance(1);
    await expect(session.token()).rejects.toMatchObject({ code: 'unavailable', message: 'Keystone is not available' });
  });

  test('of a password is for the project of the settings', async () => {
    await open().token();
    expect(keystone.logins()[0]?.body).toEqual({
      auth: {
        identity: {
          methods: ['password'],
          password: { user: { name: 'tocsin', domain: { name: 'Users' }, password: 'pass phrase' } },
        },
        scope: { project: { name: 'service', domain: { name: 'Default' } } },
      },
    });
  });

  test('of an application credential names no project', async () => {
    await open({ login: APPLICATION_CREDENTIAL }).token();
    expect(keystone.logins()[0]?.body).toEqual({
      auth: {
        identity: { methods: ['application_credential'], application_credential: { id: 'ac', secret: 'pass phrase' } },
      },
    });
  });

  test('is renewed on request, once for all callers, and not again at once', async () => {
    const session = open();
    await session.token();
    expect(await session.renew()).toBe('own-1');
    await clock.advance(5_000);
    expect(await Promise.all([session.renew(), session.renew()])).toEqual(['own-2', 'own-2']);
    expect(await session.renew()).toBe('own-2');
    expect(await session.token()).toBe('own-2');
  });

  test('for another scope is not kept', async () => {
    const session = open();
    expect(await session.scopedToken({ 'OS-TRUST:trust': { id: 't1' } })).toBe('own-1');
    expect(keystone.logins()[0]?.body).toMatchObject({ auth: { scope: { 'OS-TRUST:trust': { id: 't1' } } } });
    expect(await session.token()).toBe('own-2');
  });

  test('that Keystone refuses is not requested again within five seconds', async () => {
    const session = open();
    keystone.override = () => ({ status: 401 });
    for (let times = 0; times < 3; times += 1)
      await expect(session.token()).rejects.toMatchObject({ code: 'unavailable' });
    expect(keystone.logins()).toHaveLength(1);
    keystone.override = () => undefined;
    await clock.advance(5_000);
    expect(await session.token()).toBe('own-1');
  });

  test.each([
    ['without a body', { status: 201, headers: { 'x-subject-token': 'own' } }],
    ['without a token', { status: 201, body: { token: {} } }],
  ])('is not taken from an answer %s', async (_, reply) => {
    keystone.override = () => reply;
    await expect(open().token()).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a request', () => {
  test.each(['http://127.0.0.1:PORT/v3', 'http://127.0.0.1:PORT'])('goes below /v3 of %s', async (template) => {
    const session = open({ authUrl: template.replace('PORT', new URL(keystone.url).port) });
    keystone.override = () => ({ status: 200, body: { projects: [] } });
    const answer = await session.request('GET', '/projects', {
      query: { name: 'a b' },
      headers: { 'x-auth-token': 'caller' },
    });
    expect(answer).toMatchObject({ status: 200, body: { projects: [] } });
    expect(keystone.calls[0]).toMatchObject({ target: '/projects?name=a+b', headers: { 'x-auth-token': 'caller' } });
  });

  test.each([200, 300, 302, 400, 401, 403, 404, 409, 429])('answered with %i is returned as it is', async (status) => {
    keystone.override = () => ({ status, headers: { location: `${keystone.url}/elsewhere` } });
    expect((await open().request('GET', '/x')).status).toBe(status);
    expect(keystone.calls).toHaveLength(1);
  });

  test.each<['GET' | 'DELETE' | 'POST', number, number]>([
    ['GET', 500, 2],
    ['GET', 502, 2],
    ['GET', 503, 2],
    ['GET', 504, 2],
    ['DELETE', 503, 2],
    ['POST', 503, 2],
    ['POST', 500, 1],
    ['POST', 504, 1],
  ])(
    '%s answered with %i is unavailable after %i tries, and succeeds when the last of them does',
    async (method, status, tries) => {
      keystone.override = () => ({ status, body: '<html>' });
      await expect(open().request(method, '/x')).rejects.toMatchObject({ code: 'unavailable' });
      expect(keystone.calls).toHaveLength(tries);
      const replies: KeystoneReply[] = Array.from({ length: tries - 1 }, () => ({ status }));
      keystone.override = () => replies.shift() ?? { status: 200 };
      expect((await open().request(method, '/x')).status).toBe(200);
    },
  );

  test('whose connection breaks off is tried three times if it changes nothing', async () => {
    keystone.override = () => 'break off';
    await expect(open().request('GET', '/x')).rejects.toMatchObject({ code: 'unavailable' });
    expect(keystone.calls).toHaveLength(3);
    await expect(open().request('POST', '/x')).rejects.toMatchObject({ code: 'unavailable' });
    expect(keystone.calls).toHaveLength(4);
  });

  test('that is not answered ends with the timeout', async () => {
    keystone.override = () => 'hang';
    await expect(open({ timeoutMs: patienceFor('timeout') }).request('GET', '/x')).rejects.toMatchObject({
      code: 'unavailable',
    });
    expect(keystone.calls).toHaveLength(1);
  });

  test.each<[string, (session: KeystoneSession) => Promise<unknown>, number]>([
    ['GET', (session) => session.request('GET', '/x'), 3],
    ['DELETE', (session) => session.request('DELETE', '/x'), 3],
    ['a login', (session) => session.token(), 3],
    ['POST', (session) => session.request('POST', '/x'), 1],
  ])('%s that is never answered is tried as often as the deadline allows', async (_, ask, tries) => {
    keystone.override = () => 'hang';
    await expect(ask(open({ timeoutMs: 500, deadlineMs: 1_500 }))).rejects.toMatchObject({ code: 'unavailable' });
    expect(keystone.calls).toHaveLength(tries);
  });

  test.each<[string, (session: KeystoneSession) => Promise<unknown>]>([
    ['GET', (session) => session.request('GET', '/auth/tokens', { headers: { 'x-subject-token': 't1' } })],
    ['a login', (session) => session.token()],
    ['a request of the service itself', (session) => session.requestAsService('GET', '/x')],
    ['a login for a trust', (session) => session.scoped({ 'OS-TRUST:trust': { id: 't1' } })],
  ])('%s that is not answered once succeeds within the deadline', async (_, ask) => {
    let hangs = 1;
    keystone.override = () => (hangs-- > 0 ? 'hang' : undefined);
    await expect(ask(open({ timeoutMs: patienceFor('timeout'), deadlineMs: 20 * PATIENCE_MS }))).resolves.toBeDefined();
  });

  test('without a listener is an outage, and its error shows no secret', async () => {
    const session = open({ authUrl: `http://127.0.0.1:${await freePort()}/v3` });
    const error: unknown = await session.token().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable' });
    expect(inspect(error, { depth: 10 })).toContain('ECONNREFUSED');
    expect(inspect(error, { depth: 10 })).not.toContain('pass phrase');
  });

  test.each([401, 403])(
    'of the service itself that is answered with %i is repeated once, with a new token',
    async (status) => {
      const session = open();
      await session.token();
      await clock.advance(MINUTE);
      keystone.override = ({ method }) => (method === 'GET' ? { status } : undefined);
      expect((await session.requestAsService('GET', '/x')).status).toBe(status);
      const tokens = keystone.calls
        .filter(({ method }) => method === 'GET')
        .map(({ headers }) => headers['x-auth-token']);
      expect(tokens).toEqual(['own-1', 'own-2']);
    },
  );
});

describe('the catalogue', () => {
  test.each([
    ['its first public endpoint', {}, 'http://two.example'],
    ['that of the region', { region: 'one' }, 'http://one.example/metric'],
    ['that of the interface', { interface: 'internal' as const }, 'http://internal.example'],
  ])('gives of a service %s', async (_, settings, url) => {
    expect(await open(settings).endpoint('metric')).toBe(url);
  });

  test(
    'that lacks a service is fetched again, at most every five ' + 'seconds, and then has services added since',
    async () => {
      const session = open();
      await expect(session.endpoint('messaging')).rejects.toMatchObject({ code: 'unavailable' });
      await clock.advance(5_000);
      const all = [session.endpoint('messaging'), session.endpoint('messaging'), session.endpoint('load-balancer')];
      for (const { status } of await Promise.allSettled(all)) expect(status).toBe('rejected');
      expect(keystone.logins()).toHaveLength(2);
      await expect(session.endpoint('messaging')).rejects.toMatchObject({ code: 'unavailable' });
      expect(keystone.logins()).toHaveLength(2);
      const added = {
        type: 'messaging',
        endpoints: [{ interface: 'public', region_id: 'one', url: 'http://zaqar.example/' }],
      };
      keystone.override = () => ({ status: 201, body: ownToken([added]), headers: { 'x-subject-token': 'newer' } });
      await clock.advance(5_000);
      expect(await Promise.all([session.endpoint('messaging'), session.endpoint('metric')])).toEqual([
        'http://zaqar.example',
        'http://two.example',
      ]);
      expect(keystone.logins()).toHaveLength(3);
    },
  );

  test('that cannot be fetched again is an unavailable Keystone, and not a missing service', async () => {
    const session = open();
    await session.token();
    await clock.advance(5_000);
    keystone.override = () => ({ status: 503 });
    await expect(session.endpoint('messaging')).rejects.toMatchObject({ message: 'Keystone is not available' });
  });

  test('that lacks a service is an outage, named', async () => {
    await expect(open({ region: 'three' }).endpoint('metric')).rejects.toMatchObject({
      code: 'unavailable',
      message: "Keystone's catalogue has no public endpoint of type metric in region three",
    });
  });
});

describe('the id of a project', () => {
  test('is known at once if it is our own', async () => {
    expect(await open().projectId('service', 'Default')).toBe('id-of-service');
    expect(keystone.calls).toHaveLength(1);
  });

  test('is looked up by name and domain', async () => {
    keystone.override = ({ target }) => {
      if (target === '/domains?name=D') return { status: 200, body: { domains: [{ id: 'd1' }] } };
      return target === '/projects?name=other&domain_id=d1'
        ? { status: 200, body: { projects: [{ id: 'p9' }] } }
        : undefined;
    };
    expect(await open().projectId('other', 'D')).toBe('p9');
  });

  test.each([
    ['no such domain', { status: 200, body: { domains: [] } }],
    ['a refusal', { status: 403, body: {} }],
    ['nothing found', { status: 404, body: {} }],
  ])('is null after %s', async (_, reply) => {
    keystone.override = ({ method }) => (method === 'GET' ? reply : undefined);
    expect(await open().projectId('other', 'D')).toBeNull();
  });

  test('is not guessed from an answer of another form', async () => {
    keystone.override = ({ method }) => (method === 'GET' ? { status: 200, body: { domains: 'x' } } : undefined);
    await expect(open().projectId('other', 'D')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
