import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { unauthenticated } from '../../src/api/identity/identity.js';
import { createKeystoneAuthenticator } from '../../src/api/identity/keystone.js';
import type { AccessRule } from '../../src/api/identity/access-rules.js';
import { hasDotSegment, requestTarget } from '../../src/api/http/request-target.js';
import type { Database } from '../../src/storage/database.js';
import { MEMBER, startApi, thresholdBody, type TestApi } from '../support/api.js';
import { anyDatabase } from '../support/databases.js';
import { rawRequest, sendRaw, type RawAnswer } from '../support/raw-http.js';

let db: Database;
let api: TestApi;
let id: string;

beforeAll(async () => {
  db = await anyDatabase();
  api = await startApi(db);
  id = await api.create(thresholdBody({ name: 'of p1' }), MEMBER);
});
afterAll(async () => {
  await api.close();
  await db.close();
});

const AS_MEMBER = ['X-User-Id: u1', 'X-Project-Id: p1', 'X-Roles: member'];
const get = (target: string, headers: readonly string[] = ['Host: localhost', ...AS_MEMBER]): Promise<RawAnswer> =>
  sendRaw(api.url, rawRequest('GET', target, headers));

describe('a path', () => {
  const LIST = '/v2/alarms';
  test.each([
    ['//v2/alarms', LIST],
    ['/v2//alarms', LIST],
    ['/v2/alarms//', LIST],
    ['///v2///alarms///', LIST],
    ['/v2/alarms/', LIST],
    ['/v2/%61larms', LIST],
    ['/%76%32/alarms', LIST],
    ['/v2//alarms//?q.field=name&q.value=of%20p1', LIST],
    ['//v2/alarms?marker=', LIST],
    ['http://localhost/v2/alarms', LIST],
    ['HTTP://LOCALHOST:8042//v2//alarms/', LIST],
    ['http://127.0.0.1/v2/alarms?limit=1', LIST],
    ['/v2//alarms/ID', '/v2/alarms/ID'],
    ['/v2/alarms//ID', '/v2/alarms/ID'],
    ['/v2/alarms/ID//state', '/v2/alarms/ID/state'],
    ['/v2/alarms/ID/history//', '/v2/alarms/ID/history'],
    ['//v1//notifications', '/v1/notifications'],
    ['//livez', '/livez'],
    ['/metrics//', '/metrics'],
    ['//', '/'],
    ['http://localhost', '/'],
    ['http://localhost?', '/'],
    ['//docs//start.js', '/docs/start.js'],
    ['/openapi%2Ejson', '/openapi.json'],
  ])('%s is answered as %s', async (target, plain) => {
    const [answer, expected] = [await get(target.replace('ID', id)), await get(plain.replace('ID', id))];
    expect([answer.status, answer.text]).toEqual([200, expected.text]);
  });

  test.each([
    ['/v2/./alarms', 404],
    ['/v2/alarms/.', 404],
    ['/v2/alarms/..', 404],
    ['/v2/alarms/%2e%2E', 404],
    ['/v2/alarms/../alarms', 404],
    ['/v2/x/../alarms', 404],
    ['/../v2/alarms', 404],
    ['/v2/alarms/%2e%2e/alarms', 404],
    ['/v2%2Falarms', 404],
    ['/v2%2falarms', 404],
    ['/v2/alarms%2F', 404],
    ['/v2/alarms/%2F', 404],
    ['/v2/alarms/ID%2Fstate', 404],
    ['/v2/alarms/ID%252Fstate', 404],
    ['/v2/%2561larms', 404],
    ['/v2\\alarms', 404],
    ['/V2/alarms', 404],
    ['/v2/alarms/%zz', 400],
    ['/v2/alarms#x', 400],
    ['/v2/alarms?q.value=a#b', 400],
    ['http://user@localhost/v2/alarms', 400],
    ['http:///v2/alarms', 400],
    ['http://localhost:x/v2/alarms', 400],
    ['https://evil.example/v2/alarms', 403],
    ['http://evil.example//v2/alarms', 403],
  ])('%s is answered with %i', async (target, status) => {
    const answer = await get(target.replace('ID', id));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ error_message: { faultcode: 'Client' } });
  });

  test('is normalised once: the result stays as it is, and its query string is the one that was sent', () => {
    const piece = fc.constantFrom(
      '/',
      '//',
      '.',
      '..',
      'v2',
      'a',
      '%2F',
      '%2f',
      '%61',
      '%25',
      '%2e',
      '%7E',
      '\\',
      ';',
      ':',
      'é',
      '*',
    );
    const query = fc.constantFrom('', '?', '?a=b//c', '?a=%2F&a=%61', '?x=/../', '??');
    fc.assert(
      fc.property(fc.array(piece), query, (pieces, search) => {
        const sent = `/${pieces.join('')}`;
        const target = requestTarget(sent + search);
        expect(target.search).toBe(search);
        expect(target.path).toMatch(/^(?:\/|(?:\/[^/]+)+)$/);
        expect(requestTarget(target.path + target.search)).toEqual(target);
        expect(decodeURIComponent(target.path.replaceAll('/', ''))).toBe(decodeURIComponent(sent.replaceAll('/', '')));
        const segments = sent.split('/').filter((segment) => segment !== '');
        expect(target.path.split('/').filter((segment) => segment !== '')).toHaveLength(segments.length);
        expect(hasDotSegment(target.path)).toBe(segments.some((segment) => /^(?:\.|%2e){1,2}$/i.test(segment)));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('an application credential with access rules', () => {
  const rule = (path: string): AccessRule => ({ service: 'alarming', method: 'GET', path });

  let own: TestApi;
  let accessRules: AccessRule[] = [];
  beforeAll(async () => {
    const names = { user: null, project: null };
    const token = {
      userId: 'u1',
      projectId: 'p1',
      names,
      roleNames: ['member'],
      isSystemScoped: false,
      expiresAt: Infinity,
    };
    const authenticate = createKeystoneAuthenticator({
      tokens: { validate: () => Promise.resolve({ ...token, accessRules }) },
      adminRoles: ['admin'],
      serviceType: 'alarming',
      serviceTokenRoles: [],
    });
    own = await startApi(db, { authentication: () => ({ authenticate }) });
  });
  afterAll(() => own.close());

  test.each([
    ['/v2/alarms', '/v2/alarms', 200],
    ['/v2/alarms', '//v2//alarms//', 200],
    ['/v2/alarms', '/v2/%61larms/', 200],
    ['/v2/alarms/', '/v2/alarms', 200],
    ['/v2/capabilities/', '/v2/capabilities/', 200],
    ['/v2/alarms', 'http://localhost/v2/alarms', 200],
    ['/v2/alarms/*', '/v2/alarms//', 401],
    ['/v2/alarms/**', '/v2/alarms//', 401],
    ['/v2/alarms/**', '/v2/alarms/', 401],
    ['/v2/alarms/{id}', '/v2/alarms/ID', 200],
    ['/v2/alarms/{id}', '/v2/alarms/ID//history', 401],
    ['/v2/alarms/*', '/v2/alarms/ID%2Fhistory', 404],
    ['/v2/alarms/*/state', '/v2//alarms/ID//state', 200],
    ['/v2/capabilities', '/v2/capabilities/../alarms', 401],
    ['/v2/capabilities/**', '/v2/capabilities/../alarms', 404],
    ['/v2/capabilities/**', '/v2/capabilities/%2e%2e/alarms', 404],
    ['/v2/capabilities', '/v2//alarms', 401],
    ['//v2/alarms', '//v2/alarms', 401],
  ])('for %s: GET %s is answered with %i', async (path, target, status) => {
    accessRules = [rule(path)];
    const request = rawRequest('GET', target.replace('ID', id), ['Host: localhost', 'X-Auth-Token: t']);
    expect((await sendRaw(own.url, request)).status).toBe(status);
  });
});

test('a path that only looks public needs a credential', async () => {
  const authenticate = (): Promise<never> => Promise.reject(unauthenticated());
  const closed = await startApi(db, { authentication: () => ({ authenticate }) });
  const targets = [
    '//v2/alarms',
    '/v2//alarms',
    '//v1/notifications',
    '/docs//../v2/alarms',
    '/docs/%2e%2e/v2/alarms',
    '/livez//x',
  ];
  try {
    const statusOf = async (target: string): Promise<number> =>
      (await sendRaw(closed.url, rawRequest('GET', target))).status;
    expect(await Promise.all(targets.map(statusOf))).toEqual(targets.map(() => 401));
    expect(await statusOf('//livez//')).toBe(200);
  } finally {
    await closed.close();
  }
});

describe('the Host header', () => {
  const linkOf = ({ text }: RawAnswer): unknown =>
    (JSON.parse(text) as { versions: { values: { links: { href: string }[] }[] } }).versions.values[0]?.links[0]?.href;

  test.each([
    ['localhost', 'http://localhost/v2'],
    ['localhost:80', 'http://localhost/v2'],
    ['localhost:', 'http://localhost/v2'],
    ['localhost:443', 'http://localhost:443/v2'],
    ['localhost:8080', 'http://localhost:8080/v2'],
    ['[::1]:80', 'http://[::1]/v2'],
    ['[::1]', 'http://[::1]/v2'],
    ['127.0.0.1:80', 'http://127.0.0.1/v2'],
  ])('%s is linked as %s', async (host, link) => {
    expect(linkOf(await get('/', [`Host: ${host}`]))).toBe(link);
  });

  test.each([
    ['https', 'alarms.example:443', 'https://alarms.example/v2'],
    ['https', 'alarms.example:80', 'https://alarms.example:80/v2'],
    ['http', 'alarms.example:80', 'http://alarms.example/v2'],
    ['https', '[2001:db8::1]:443', 'https://[2001:db8::1]/v2'],
  ])('%s and %s, said by a trusted proxy, are linked as %s', async (scheme, host, link) => {
    const behind = await startApi(db, { trustedProxies: ['127.0.0.1'] });
    const forwarded = ['Host: localhost', `X-Forwarded-Proto: ${scheme}`, `X-Forwarded-Host: ${host}`];
    try {
      expect(linkOf(await sendRaw(behind.url, rawRequest('GET', '/', forwarded)))).toBe(link);
      const body = JSON.stringify(thresholdBody());
      const post = rawRequest('POST', '/v2/alarms', [
        ...forwarded,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
      ]);
      expect((await sendRaw(behind.url, post + body)).headers['location']).toContain(link);
    } finally {
      await behind.close();
    }
  });

  test.each([
    [['Host: localhost', 'Host: localhost'], 'The request has more than one host header'],
    [['Host: localhost', 'Host: evil.example'], 'The request has more than one host header'],
    [['host: evil.example', 'HOST: localhost'], 'The request has more than one host header'],
    [['Host: localhost', 'Authorization: a', 'Authorization: b'], 'The request has more than one authorization header'],
    [['Host: localhost', 'Content-Type: a', 'Content-Type: b'], 'The request has more than one content-type header'],
    [[], 'The request has no host header'],
  ])('%j are refused', async (headers, fault) => {
    for (const target of ['/', '/v2/alarms', '/livez', 'http://localhost/']) {
      const answer = await get(target, [...headers, ...AS_MEMBER]);
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        400,
        { error_message: expect.objectContaining({ faultstring: fault }) },
      ]);
    }
  });

  test.each([
    ['[::ffff:127.0.0.1]', 200],
    ['[::ffff:127.0.0.1]:8042', 200],
    ['[::FFFF:7f00:1]', 200],
    ['[0:0:0:0:0:ffff:127.8.8.8]', 200],
    ['[::1]', 200],
    ['[::ffff:10.0.0.1]', 403],
    ['[::127.0.0.1]', 403],
    ['[64:ff9b::127.0.0.1]', 403],
    ['[::]', 403],
  ])('%s is answered with %i', async (host, status) => {
    expect((await get('/v2/alarms', [`Host: ${host}`, ...AS_MEMBER])).status).toBe(status);
  });
});
