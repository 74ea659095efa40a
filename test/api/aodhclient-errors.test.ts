import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { API_KEY_CHALLENGE } from '../../src/api/identity/api-key.js';
import { FailureCounter, limitFailures } from '../../src/api/identity/failure-limiter.js';
import { unauthenticated, type Authenticator } from '../../src/api/identity/identity.js';
import { keystoneChallenge } from '../../src/api/identity/keystone.js';
import { OPERATIONS } from '../../src/api/openapi/operations.js';
import { AppError, UpstreamRefusal, type ErrorCode } from '../../src/errors.js';
import type { Database } from '../../src/storage/database.js';
import { DatabaseUnavailable } from '../../src/storage/engine/outage.js';
import { ADMIN, MEMBER, startApi, type Caller, thresholdBody, type TestApi } from '../support/api.js';
import { readByAodhclient, type ClientAnswer } from '../support/aodhclient-errors.js';
import { anyDatabase } from '../support/databases.js';
import { rawRequest, sendRaw } from '../support/raw-http.js';
import { describeWith } from '../support/servers.js';

/** Every way in which a request can be refused, and its status. */
const FAILURES: Record<string, { thrown: () => Error; status: number }> = {
  ...Object.fromEntries(
    Object.entries({
      invalid_request: 400,
      unauthenticated: 401,
      not_authorized: 401,
      forbidden: 403,
      not_found: 404,
      method_not_allowed: 405,
      conflict: 409,
      precondition_failed: 412,
      key_reused: 422,
      too_large: 413,
      uri_too_long: 414,
      unsupported_media_type: 415,
      too_many_requests: 429,
      header_too_large: 431,
      unavailable: 503,
    } satisfies Record<ErrorCode, number>).map(([code, status]) => [
      code,
      { thrown: () => new AppError(code as ErrorCode, `the text of ${code}, «ü»`, { retryAfterS: 7 }), status },
    ]),
  ),
  ...Object.fromEntries(
    [400, 403, 404, 406, 409, 413, 422, 429, 500, 501, 502, 503, 504].flatMap((status) => [
      [`upstream ${status}`, { thrown: () => new UpstreamRefusal(status, `upstream says ${status}`), status }],
      [
        `upstream ${status} with an object`,
        { thrown: () => new UpstreamRefusal(status, { cause: 'x', detail: ['y'] }), status },
      ],
    ]),
  ),
  'a fault of ours': { thrown: () => new TypeError('x is not a function'), status: 500 },
  'a database that is away': { thrown: () => new DatabaseUnavailable(new Error('Query read timeout')), status: 503 },
};

const ROUTES = Object.keys(OPERATIONS)
  .filter((key) => key.includes(' /v2'))
  .map((key) => key.replace(/:\w+/g, 'x').split(' ') as [string, string]);

interface Sent {
  as?: Caller;
  headers?: string[];
  body?: string;
}

const faultOf = ({ text }: ClientAnswer): unknown =>
  (JSON.parse(text) as { error_message?: { faultstring: unknown } }).error_message?.faultstring;

describeWith(['aodh'], 'aodhclient reads every error below /v2', () => {
  let db: Database;
  let api: TestApi;
  let failing: TestApi;

  beforeAll(async () => {
    db = await anyDatabase();
    api = await startApi(db);
    const authenticate: Authenticator = ({ headers }) => {
      const failure = FAILURES[String(headers['x-failure'])];
      return Promise.reject(failure?.thrown() ?? new Error('no such failure'));
    };
    failing = await startApi(db, { authentication: () => ({ authenticate }) });
  });
  afterAll(async () => {
    await api.close();
    await failing.close();
    await db.close();
  });

  async function send(url: string, method: string, target: string, more: Sent = {}) {
    const { as = ADMIN, headers = [], body } = more;
    const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
    const identity = Object.entries(as).map(([name, value]) => `${name}: ${value}`);
    const request = rawRequest(method, target, ['Host: localhost', ...identity, ...length, ...headers]);
    return { method, url: url + target, ...(await sendRaw(url, request + (body ?? ''))) };
  }

  /** Reads them all with one Python. */
  function expectRead(answers: readonly ClientAnswer[]): void {
    const read = readByAodhclient(answers);
    answers.forEach((answer, at) => {
      const { method, url, status, headers } = answer;
      expect({ method, url, status, ...read[at] }).toMatchObject({
        raised: expect.stringMatching(/^[A-Za-z]+$/),
        message: faultOf(answer),
        httpStatus: status,
        requestId: headers['x-openstack-request-id'],
        retryAfter: status === 413 ? 0 : status === 429 ? Number(headers['retry-after']) : null,
      });
      expect([status, headers['retry-after'] !== undefined]).toEqual([status, status === 429]);
      expect(headers['x-openstack-request-id']).toMatch(/^req-/);
    });
  }

  test('aodhclient can read each error that any route can answer', async () => {
    expect(ROUTES.length).toBeGreaterThan(20);
    const answers: ClientAnswer[] = [];
    for (const [method, path] of ROUTES) {
      for (const [name, { status }] of Object.entries(FAILURES)) {
        const answer = await send(failing.url, method, path, { headers: [`X-Failure: ${name}`] });
        expect([method, path, name, answer.status]).toEqual([method, path, name, status]);
        answers.push(answer);
      }
    }
    expectRead(answers);
  });

  test('aodhclient can read errors that its own requests provoke', async () => {
    const id = await api.create(thresholdBody());
    const json = ['Content-Type: application/json'];
    const body = JSON.stringify(thresholdBody());
    const provoked: [number, Promise<ClientAnswer>][] = [
      [400, send(api.url, 'GET', '/v2/alarms?bogus=1')],
      [400, send(api.url, 'GET', '/v2/alarms?limit=x')],
      [400, send(api.url, 'GET', '/v2/alarms/%zz')],
      [400, send(api.url, 'GET', '/v2/alarms#x')],
      [400, send(api.url, 'GET', '/v2/alarms', { headers: ['Host: localhost'] })],
      [400, send(api.url, 'GET', '/v2/alarms', { headers: ['a header without a colon'] })],
      [400, send(api.url, 'GET', '/v2/alarms', { headers: [`X-Project-Id: ${'p'.repeat(200)}`] })],
      [400, send(api.url, 'POST', '/v2/alarms', { headers: json, body: '{' })],
      [400, send(api.url, 'POST', '/v2/alarms', { headers: json, body: '{"name": "x"}' })],
      [400, send(api.url, 'POST', '/v2/alarms', { headers: json })],
      [400, send(api.url, 'POST', '/v2/query/alarms', { headers: json, body: '{"filter": "{"}' })],
      [400, send(api.url, 'POST', '/v2/alarms', { headers: [...json, 'Transfer-Encoding: chunked'], body: 'zz\r\n' })],
      [401, send(api.url, 'GET', '/v2/alarms?q.field=project_id&q.value=p9', { as: MEMBER })],
      [403, send(api.url, 'GET', '/v2/metrics')],
      [403, send(api.url, 'GET', '/v2/alarms', { headers: ['Origin: http://evil.example'] })],
      [404, send(api.url, 'GET', '/v2')],
      [404, send(api.url, 'GET', '/v2/nothing')],
      [404, send(api.url, 'GET', '/v2/alarms/nothing')],
      [404, send(api.url, 'GET', '/v2/alarms/..')],
      [405, send(api.url, 'PATCH', '/v2/alarms')],
      [405, send(api.url, 'DELETE', '/v2/alarms')],
      [405, send(api.url, 'GET', '/v2/query')],
      [412, send(api.url, 'PUT', `/v2/alarms/${id}`, { headers: [...json, 'If-Match: "9"'], body })],
      [413, send(api.url, 'POST', '/v2/alarms', { headers: json, body: JSON.stringify('x'.repeat(70_000)) })],
      [414, send(api.url, 'GET', `/v2/alarms?marker=${'x'.repeat(9_000)}`)],
      [415, send(api.url, 'POST', '/v2/alarms', { headers: ['Content-Type: text/plain'], body: 'x' })],
      [415, send(api.url, 'POST', '/v2/alarms', { headers: [...json, 'Content-Encoding: gzip'], body: 'x' })],
      [415, send(api.url, 'POST', '/v2/alarms', { headers: ['Content-Type: text/plain', 'Expect: what'], body: 'x' })],
      [431, send(api.url, 'GET', '/v2/alarms', { headers: [`X-Long: ${'x'.repeat(20_000)}`] })],
    ];
    const answers = await Promise.all(provoked.map(([, answer]) => answer));
    expect(answers.map(({ status, url }) => [url, status])).toEqual(
      answers.map(({ url }, at) => [url, provoked[at]?.[0]]),
    );
    expectRead(answers);
  });

  test.each([
    ['Keystone', keystoneChallenge('http://k'), 'Unauthorized'],
    ['API keys', API_KEY_CHALLENGE, 'The request you have made requires authentication.'],
  ])('aodhclient can read the answers to wrong credentials of %s, up to the 429', async (_, challenge, message) => {
    const closed = await startApi(db, {
      authentication: (clock) => ({
        challenge,
        authenticate: limitFailures(
          () => Promise.reject(unauthenticated()),
          new FailureCounter({ clock, failuresPerMinute: 1 }),
        ),
      }),
    });
    try {
      const headers = ['X-Auth-Token: wrong'];
      const answers = [
        await send(closed.url, 'GET', '/v2/alarms', { headers }),
        await send(closed.url, 'GET', '/v2/alarms', { headers }),
      ];
      expect(readByAodhclient(answers)).toEqual([
        expect.objectContaining({ raised: 'Unauthorized', message, httpStatus: 401 }),
        expect.objectContaining({ raised: 'RateLimit', httpStatus: 429, retryAfter: 60 }),
      ]);
    } finally {
      await closed.close();
    }
  });

  test('a 503 outside /v2 has Retry-After', async () => {
    const headers = ['X-Failure: unavailable'];
    for (const path of ['/v1/notifications', '/v1/nothing', '/v20/alarms', '/nothing']) {
      const answer = await send(failing.url, 'GET', path, { headers });
      expect([path, answer.status, answer.headers['retry-after']]).toEqual([path, 503, '7']);
    }
    for (const path of ['/v2', '/v2/', '//v2//alarms', '/%762/alarms', 'http://localhost/v2/alarms']) {
      const answer = await send(failing.url, 'GET', path, { headers });
      expect([path, answer.status, answer.headers['retry-after']]).toEqual([path, 503, undefined]);
    }
  });
});
