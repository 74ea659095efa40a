import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { BackendAnswer, PoolQuery } from '../../../src/alarm/series.js';
import { createBackendGate } from '../../../src/datasource/gate/gate.js';
import type { Datasource } from '../../../src/datasource/datasource.js';
import { createOctaviaClient, type OctaviaClientOptions } from '../../../src/datasource/octavia/octavia-client.js';
import { probeOctavia, createOctaviaDatasource } from '../../../src/datasource/octavia/octavia.js';
import { AppError } from '../../../src/errors.js';
import { NOON } from '../../support/builders.js';
import {
  aPoolMember,
  startOctaviaDouble,
  type OctaviaDouble,
  type OctaviaReply,
} from '../../support/octavia-double.js';
import { PATIENCE_MS, patienceFor } from '../../support/patience.js';

let octavia: OctaviaDouble;
const opened: Datasource<PoolQuery>[] = [];
const reports: string[] = [];

beforeEach(async () => {
  octavia = await startOctaviaDouble();
  reports.length = 0;
});

afterEach(async () => {
  for (const one of opened.splice(0)) one.close?.();
  await octavia.close();
});

function open(given: Partial<OctaviaClientOptions> = {}): Datasource<PoolQuery> {
  const url = (): Promise<string> => Promise.resolve(octavia.url);
  const client = createOctaviaClient({ url, tokens: undefined, ca: undefined, timeoutMs: PATIENCE_MS, ...given });
  const observer = { succeeded: () => reports.push('succeeded'), failed: (reason: string) => reports.push(reason) };
  const datasource = createOctaviaDatasource({
    client,
    gate: createBackendGate({ concurrency: 2, observer, probe: () => probeOctavia(client) }),
    creationTimeS: 120,
  });
  opened.push(datasource);
  return datasource;
}

interface Asked {
  signal?: AbortSignal;
  sent?: string[];
}

async function ask(
  datasource: Datasource<PoolQuery>,
  pools: readonly (string | PoolQuery)[],
  { signal = new AbortController().signal, sent = [] }: Asked = {},
): Promise<(BackendAnswer | undefined)[]> {
  const queries = pools.map((pool) => (typeof pool === 'string' ? { poolId: pool, project: null } : pool));
  const keyed = queries.map((query, index) => ({ key: `q${index}`, query }));
  const trace = { sent: (request: string) => void sent.push(request), dropped: () => undefined };
  const answers = await datasource.answers(
    { granularityS: 0, periods: 1, lagS: 0, queries: keyed },
    { now: NOON, signal, trace },
  );
  expect(answers.size).toBe(keyed.length);
  return keyed.map(({ key }) => answers.get(key));
}

async function only(
  datasource: Datasource<PoolQuery>,
  pool: string | PoolQuery,
  asked?: Asked,
): Promise<BackendAnswer | undefined> {
  return (await ask(datasource, [pool], asked))[0];
}

describe('a pool', () => {
  test('is answered with its members as Octavia lists them, and how long new ones may take', async () => {
    const members = [aPoolMember(), aPoolMember({ id: 'second' })];
    octavia.pools.set('a', members);
    expect(await only(open(), 'a')).toEqual({ kind: 'members', members, creationTimeS: 120 });
    expect(reports).toEqual(['succeeded']);
  });

  test('can be empty', async () => {
    octavia.pools.set('a', []);
    expect(await only(open(), 'a')).toMatchObject({ kind: 'members', members: [] });
  });

  test('is read page after page, from the address that was configured', async () => {
    octavia.pageSize = 2;
    const members = [1, 2, 3, 4, 5].map((id) => aPoolMember({ id: String(id) }));
    octavia.pools.set('a', members);
    const sent: string[] = [];
    expect(await only(open(), 'a', { sent })).toMatchObject({ kind: 'members', members });
    const path = '/v2.0/lbaas/pools/a/members';
    expect(octavia.targets()).toEqual([path, `${path}?limit=2&marker=2`, `${path}?limit=2&marker=4`]);
    expect(sent).toEqual(octavia.targets().map((target) => `GET ${target}`));
  });

  test('is requested once, however many alarms need it', async () => {
    octavia.pools.set('a', [aPoolMember()]);
    octavia.pools.set('b', [aPoolMember()]);
    const [first, other, second] = await ask(open(), ['a', 'b', { poolId: 'a', project: 'p1' }]);
    expect([first, other, second].map((answer) => answer?.kind)).toEqual(['members', 'members', 'members']);
    expect(octavia.targets().sort()).toEqual(['/v2.0/lbaas/pools/a/members', '/v2.0/lbaas/pools/b/members']);
  });

  test.each(['', '.', '..', '\ud800'])('called %j cannot exist, and is not requested', async (poolId) => {
    expect(await only(open(), poolId)).toEqual({ kind: 'absent', reason: `pool ${poolId} does not exist` });
    expect(octavia.requests).toEqual([]);
  });

  test('with a name that needs it is escaped', async () => {
    octavia.pools.set('../a?b#c', [aPoolMember()]);
    expect(await only(open(), '../a?b#c')).toMatchObject({ kind: 'members' });
    expect(octavia.targets()).toEqual(['/v2.0/lbaas/pools/..%2Fa%3Fb%23c/members']);
  });

  test('that does not exist is absent, which is an answer', async () => {
    expect(await only(open(), 'a')).toEqual({ kind: 'absent', reason: 'pool a does not exist' });
    expect(reports).toEqual(['succeeded']);
  });

  test('of another project does not exist for an alarm', async () => {
    octavia.pools.set('a', [aPoolMember(), aPoolMember({ project_id: 'p2' })]);
    octavia.pools.set('b', [aPoolMember({ project_id: undefined })]);
    const mine = { project: 'p1' };
    const [a, b, everybody] = await ask(open(), [{ poolId: 'a', ...mine }, { poolId: 'b', ...mine }, 'a']);
    expect(a).toEqual({ kind: 'absent', reason: 'pool a does not exist' });
    expect(b).toEqual({ kind: 'absent', reason: 'pool b does not exist' });
    expect(everybody).toMatchObject({ kind: 'members' });
  });
});

describe('an address', () => {
  test.each(['/', '/v2', '/v2.0/', '/load-balancer', '/load-balancer/v2.0'])('may end in %s', async (end) => {
    const url = (): Promise<string> => Promise.resolve(octavia.url + end);
    octavia.override = () => [200, { members: [] }];
    expect(await only(open({ url }), 'a')).toMatchObject({ kind: 'members' });
    const prefix = end.startsWith('/load-balancer') ? '/load-balancer' : '';
    expect(octavia.targets()).toEqual([`${prefix}/v2.0/lbaas/pools/a/members`]);
  });

  test('that Keystone cannot tell is an outage', async () => {
    const url = (): Promise<string> => Promise.reject(new AppError('unavailable', 'Keystone is not available'));
    expect(await only(open({ url }), 'a')).toEqual({ kind: 'outage', reason: 'Keystone is not available' });
  });
});

describe('a token', () => {
  function tokensOf(...issued: string[]) {
    const renewals: string[] = [];
    const renew = (): Promise<string> => {
      renewals.push('renewal');
      return Promise.resolve(issued[1] ?? issued[0]!);
    };
    return { tokens: { token: () => Promise.resolve(issued[0]!), renew }, renewals };
  }

  beforeEach(() => {
    octavia.pools.set('a', [aPoolMember()]);
    octavia.tokens = new Set(['good']);
  });

  test('of this service is sent', async () => {
    const { tokens, renewals } = tokensOf('good');
    expect(await only(open({ tokens }), 'a')).toMatchObject({ kind: 'members' });
    expect(renewals).toEqual([]);
  });

  test('that is refused is renewed once', async () => {
    const { tokens, renewals } = tokensOf('old', 'good');
    expect(await only(open({ tokens }), 'a')).toMatchObject({ kind: 'members' });
    expect(renewals).toHaveLength(1);
    expect(octavia.requests.map(({ headers }) => headers['x-auth-token'])).toEqual(['old', 'good']);
  });

  test.each([
    [['old', 'bad'], 2],
    [['old'], 1],
  ])('renewed from %j in vain is an outage, after %d requests', async (issued, requests) => {
    const { tokens } = tokensOf(...issued);
    expect(await only(open({ tokens }), 'a')).toEqual({ kind: 'outage', reason: 'it answered with status 401' });
    expect(octavia.requests).toHaveLength(requests);
  });
});

describe('the answer is an outage', () => {
  const hang: OctaviaReply = () => undefined;
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

  test.each<[when: string, reply: OctaviaReply, reason: string]>([
    ['Octavia fails', [503, 'down'], 'it answered with status 503'],
    ['it redirects', [302], 'it answered with status 302'],
    ['it has enough of us', [429], 'it answered with status 429'],
    ['the connection breaks', (response) => void response.destroy(), 'the connection was closed'],
    ['it does not answer', hang, 'no answer in time'],
    ['it sends a page', [200, '<html>'], 'its answer is not JSON'],
    ['it sends half', [200, '{"members": ['], 'its answer is not JSON'],
    ['it sends something else', [200, { loadbalancers: [] }], 'its answer is not of the form expected'],
    ['a member is no object', [200, { members: ['a'] }], 'its answer is not of the form expected'],
    ['a member is deep', [200, { members: [{ a: nested(200) }] }], 'its answer is not of the form expected'],
    [
      'a link leads nowhere',
      [200, { members: [], members_links: [{ rel: 'next', href: 'x' }] }],
      'its answer is not of the form expected',
    ],
  ])('when %s', async (_, reply, reason) => {
    octavia.override = () => reply;
    expect(await only(open({ timeoutMs: patienceFor(reason) }), 'a')).toEqual({ kind: 'outage', reason });
    expect(reports).toEqual([reason]);
  });

  test('when the connection is refused', async () => {
    const { url } = octavia;
    await octavia.close();
    expect(await only(open({ url: () => Promise.resolve(url) }), 'a')).toEqual({
      kind: 'outage',
      reason: 'connection refused',
    });
  });

  test('when the evaluator’s deadline passes', async () => {
    const giveUp = new AbortController();
    octavia.override = () => {
      giveUp.abort();
      return hang;
    };
    const [first, second] = await ask(open(), ['a', 'b', 'c', 'd'], { signal: giveUp.signal });
    expect(first).toEqual({ kind: 'outage', reason: 'no answer in time' });
    expect(second).toEqual(first);
  });

  test('when the deadline passed before the request', async () => {
    octavia.pools.set('a', []);
    const outage = { kind: 'outage', reason: 'no answer in time' };
    expect(await ask(open(), ['a', 'b', 'c', 'd', 'e'], { signal: AbortSignal.abort() })).toEqual(
      Array(5).fill(outage),
    );
    expect(octavia.requests).toEqual([]);
  });

  test('on one page of many', async () => {
    octavia.pageSize = 1;
    octavia.pools.set('a', [aPoolMember(), aPoolMember()]);
    octavia.override = ({ target }) => (target.includes('marker') ? [500] : undefined);
    expect(await only(open(), 'a')).toEqual({ kind: 'outage', reason: 'it answered with status 500' });
  });

  test('with a page of a proxy before Octavia, which says nothing about the pool', async () => {
    octavia.override = () => [404, '<h1>Not Found</h1>'];
    expect(await only(open(), 'a')).toEqual({ kind: 'outage', reason: 'it answered with status 404' });
  });

  test('for one pool, which does not affect the other pools of the call', async () => {
    octavia.pools.set('b', [aPoolMember()]);
    octavia.override = ({ target }) => (target.includes('/a/') ? [500] : undefined);
    const [a, b] = await ask(open(), ['a', 'b']);
    expect([a?.kind, b?.kind]).toEqual(['outage', 'members']);
  });
});

describe('the answer is a refusal', () => {
  test.each([400, 403, 409])('for good by status %d, which is an answer', async (status) => {
    octavia.override = () => [status, { faultstring: 'http://octavia.internal says no' }];
    expect(await only(open(), 'a')).toEqual({ kind: 'refused', reason: `it answered with status ${status}` });
    expect(reports).toEqual(['succeeded']);
  });

  const tooLarge = { kind: 'refused', reason: 'pool a has more members than are read' };

  test('when pages do not end', async () => {
    octavia.override = () => [200, { members: [], members_links: [{ rel: 'next', href: 'http://x/?marker=a' }] }];
    expect(await only(open(), 'a')).toEqual(tooLarge);
    expect(octavia.requests).toHaveLength(100);
  });

  test('when a page does not end', async () => {
    octavia.override = () => (response) => {
      response.writeHead(200);
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 32)));
      };
      response.on('drain', more);
      more();
    };
    expect(await only(open(), 'a')).toEqual(tooLarge);
  });
});
