import { inspect } from 'node:util';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import {
  createGnocchiClient,
  type GnocchiAuth,
  type GnocchiClient,
} from '../../../src/datasource/gnocchi/client/gnocchi-client.js';
import { AppError } from '../../../src/errors.js';
import { gnocchiRefusal, METHODS, startGnocchiDouble, type GnocchiDouble } from '../../support/gnocchi-double.js';
import { PATIENCE_MS, patienceFor } from '../../support/patience.js';
import { freePort } from '../../support/service-process.js';

const MIB = 1024 * 1024;

let double: GnocchiDouble;
const clients: GnocchiClient[] = [];

function clientOf(
  url: string,
  auth: GnocchiAuth = { kind: 'basic', user: 'admin' },
  timeoutMs = PATIENCE_MS,
): GnocchiClient {
  const client = createGnocchiClient({ url, auth, timeoutMs });
  clients.push(client);
  return client;
}

function withTokens(first: string, second = first): GnocchiAuth {
  return { kind: 'token', tokens: { token: () => Promise.resolve(first), renew: () => Promise.resolve(second) } };
}

beforeEach(async () => {
  double = await startGnocchiDouble();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await double.close();
});

describe('a request to Gnocchi', () => {
  test.each<[string, GnocchiAuth, Record<string, string | undefined>]>([
    ['with a name and no password', { kind: 'basic', user: 'admin' }, { authorization: 'Basic YWRtaW46' }],
    ['with a token of ours', withTokens('t0'), { 'x-auth-token': 't0' }],
    ['without authentication', { kind: 'none' }, {}],
  ])('is sent %s', async (_, auth, expected) => {
    expect(await clientOf(double.url, auth).capabilities()).toEqual({ kind: 'answer', value: METHODS });
    const { headers } = double.requests[0]!;
    expect({ authorization: headers.authorization, 'x-auth-token': headers['x-auth-token'] }).toEqual({
      authorization: undefined,
      'x-auth-token': undefined,
      ...expected,
    });
    expect(headers).toMatchObject({ accept: 'application/json' });
    expect(headers).not.toHaveProperty('accept-encoding');
  });

  test('is sent with a given token of another user, and without the credentials of this service', async () => {
    double.answers.resource = [200, { id: 'r1', type: 'generic' }];
    const client = clientOf(double.url, withTokens('ours'));
    expect(await client.resource('r1', 'theirs')).toEqual({ kind: 'answer', value: { id: 'r1' } });
    expect(double.requests[0]?.headers['x-auth-token']).toBe('theirs');
  });

  test('is sent once more, with a new token, if the token of this service is refused', async () => {
    double.answers.capabilities = ({ headers }, response) =>
      headers['x-auth-token'] === 'new'
        ? response.end(JSON.stringify({ aggregation_methods: METHODS }))
        : response.writeHead(401).end();
    expect(await clientOf(double.url, withTokens('old', 'new')).capabilities()).toEqual({
      kind: 'answer',
      value: METHODS,
    });
    expect(double.requests.length).toBe(2);
    expect(await clientOf(double.url, withTokens('old')).capabilities()).toMatchObject({
      kind: 'refusal',
      status: 401,
    });
    expect(double.requests.length).toBe(4);
  });

  test('is not sent again if the token of another user is refused', async () => {
    double.answers.metric = gnocchiRefusal(401, 'Unauthorized');
    const client = clientOf(double.url, withTokens('ours'));
    expect(await client.metric('m1', 'theirs')).toMatchObject({ kind: 'refusal', status: 401 });
    expect(double.requests.map(({ headers }) => headers['x-auth-token'])).toEqual(['theirs']);
  });

  test('for aggregates has the form of Gnocchi’s own client', async () => {
    await clientOf(double.url).aggregates({
      operations: ['aggregate', 'mean', ['metric', 'cpu', 'mean']],
      search: { query: { '=': { server_group: 's' } }, resourceType: 'instance' },
      start: '-1 day',
      stop: 'now',
      neededOverlap: 0,
    });
    expect(double.requests[0]).toMatchObject({
      method: 'POST',
      target: '/v1/aggregates?details=False&needed_overlap=0&start=-1%20day&stop=now',
    });
    expect(JSON.parse(double.requests[0]!.body)).toEqual({
      operations: ['aggregate', 'mean', ['metric', 'cpu', 'mean']],
      search: { '=': { server_group: 's' } },
      resource_type: 'instance',
    });
  });

  test.each([
    ['a/b?c#d%', '/v1/resource/generic/a%2Fb%3Fc%23d%25'],
    ['../v1/status', '/v1/resource/generic/..%2Fv1%2Fstatus'],
  ])('for %p stays one segment of the path', async (id, target) => {
    await clientOf(double.url).resource(id);
    expect(double.requests.map((request) => request.target)).toEqual([target]);
  });

  test.each(['', '.', '..'])('for %p is not sent, because no path can hold it', async (id) => {
    const client = clientOf(double.url);
    expect(await client.resource(id)).toEqual({
      kind: 'refusal',
      status: 404,
      description: `Resource ${id} does not exist`,
    });
    expect(await client.metric(id)).toEqual({
      kind: 'refusal',
      status: 404,
      description: `Metric ${id} does not exist`,
    });
    expect(double.requests).toEqual([]);
  });
});

describe('a refusal is returned', () => {
  const OBJECT = { cause: 'Metrics cannot be aggregated', reason: 'No overlap', detail: [['id', 'mean', 60]] };
  const DEEP = Array.from({ length: 2_000 }).reduce((inner) => [inner], 'x');
  test.each<[string, Parameters<typeof gnocchiRefusal>[1], unknown]>([
    ['in Gnocchi’s own text', 'Resource type x does not exist', 'Resource type x does not exist'],
    ['in Gnocchi’s own object', OBJECT, OBJECT],
    ['by its status, where the description is absurdly deep', { cause: DEEP }, 'Gnocchi answered with status 400'],
    ['by its status, where the description is absurdly long', 'x'.repeat(20_000), 'Gnocchi answered with status 400'],
  ])('%s', async (_, description, told) => {
    double.answers.capabilities = gnocchiRefusal(400, description);
    expect(await clientOf(double.url).capabilities()).toEqual({ kind: 'refusal', status: 400, description: told });
  });

  test('as an outage, if it does not have Gnocchi’s form', async () => {
    double.answers.capabilities = gnocchiRefusal(400, 7);
    const outage = { kind: 'outage', reason: 'it answered with status 400' };
    expect(await clientOf(double.url).capabilities()).toMatchObject(outage);
  });

  test('by its status, if a proxy answered with a page', async () => {
    double.answers.capabilities = [502, '<html>10.0.0.7:8041 is down</html>'];
    const refusal = { kind: 'refusal', status: 502, description: 'Gnocchi answered with status 502' };
    expect(await clientOf(double.url).capabilities()).toEqual(refusal);
  });
});

describe('an outage is a value with a reason that names no address', () => {
  const redirect: [string, GnocchiDouble['answers']['capabilities'], string] = [
    'a redirect, which is not followed',
    (_, response) => response.writeHead(302, { location: '/v1/capabilities/' }).end(),
    'it answered with status 302',
  ];
  test.each<[string, GnocchiDouble['answers']['capabilities'], string]>([
    ['an answer that never comes', () => undefined, 'no answer in time'],
    ['half an answer', (_, response) => response.writeHead(200).write('{"aggre'), 'no answer in time'],
    ['a closed connection', (_, response) => response.destroy(), 'the connection was closed'],
    ['garbage', [200, 'garbage'], 'its answer is not JSON'],
    ['JSON of another form', [200, { aggregation_methods: [1] }], 'its answer is not of the form expected'],
    ['10 MiB', [200, { aggregation_methods: ['x'.repeat(10 * MIB)] }], 'its answer is larger than 8388608 bytes'],
    redirect,
  ])('for %s', async (_, answer, reason) => {
    double.answers.capabilities = answer;
    const client = clientOf(double.url, undefined, patienceFor(reason));
    expect(await client.capabilities()).toMatchObject({ kind: 'outage', reason });
    expect(double.requests.length).toBe(1);
  });

  test.each([
    ['no server listens', async () => `http://127.0.0.1:${await freePort()}`, 'connection refused'],
    ['the name is unknown', () => Promise.resolve('http://gnocchi.invalid:8041'), 'its name cannot be resolved'],
  ])('if %s', async (_, url, reason) => {
    expect(await clientOf(await url()).capabilities()).toMatchObject({ kind: 'outage', reason });
  });

  test('and a cause for logs, in which there is no token', async () => {
    double.answers.capabilities = (_, response) => response.destroy();
    const answer = await clientOf(double.url, withTokens('our-token')).capabilities();
    expect(answer.kind).toBe('outage');
    expect(inspect(answer, { depth: Infinity, showHidden: true })).not.toContain('our-token');
  });

  test('if there is no token for this service', async () => {
    const away = () => Promise.reject(new AppError('unavailable', 'Keystone is not available'));
    const answer = await clientOf(double.url, { kind: 'token', tokens: { token: away, renew: away } }).capabilities();
    expect(answer).toMatchObject({ kind: 'outage', reason: 'Keystone is not available' });
    expect(double.requests).toEqual([]);
  });
});
