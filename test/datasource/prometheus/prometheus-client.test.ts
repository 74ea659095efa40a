import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type Server } from 'node:https';
import { gzipSync } from 'node:zlib';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { Secret } from '../../../src/config/secret.js';
import type { PrometheusClientOptions } from '../../../src/datasource/prometheus/prometheus-client.js';
import { freePort } from '../../../dev/servers/local-process.js';
import { makeCertificates, type Certificates } from '../../support/certificates.js';
import { patienceFor } from '../../support/patience.js';
import {
  askAbout,
  prometheusAt,
  startPrometheusDouble,
  success,
  valuesOf,
  vector,
  type Observed,
  type PrometheusDouble,
  type PrometheusReply,
  type ReachedBy,
} from '../../support/prometheus-double.js';
import { startReceiver } from '../../support/receiver-server.js';

let double: PrometheusDouble;
const opened: Observed[] = [];

function at(url: string, options: ReachedBy = {}): Observed {
  const prometheus = prometheusAt(url, options);
  opened.push(prometheus);
  return prometheus;
}

beforeEach(async () => {
  double = await startPrometheusDouble();
});
afterEach(async () => {
  for (const { datasource } of opened.splice(0)) datasource.close?.();
  await double.close();
});

describe('a request to Prometheus', () => {
  test.each<[string, PrometheusClientOptions['auth'], string | undefined]>([
    ['without authentication', { kind: 'none' }, undefined],
    [
      'with a user and a password',
      { kind: 'basic', user: 'tocsin', password: new Secret('s:ä') },
      'Basic dG9jc2luOnM6w6Q=',
    ],
    ['with a token', { kind: 'bearer', token: new Secret('t0') }, 'Bearer t0'],
  ])('is sent %s', async (_, auth, authorization) => {
    double.reply = vector([{}, '1']);
    expect(valuesOf((await askAbout(at(double.url, { auth }), ['up']))['up'])).toEqual([[1]]);
    expect(double.asked[0]?.headers.authorization).toBe(authorization);
    expect(double.asked[0]?.headers).not.toHaveProperty('accept-encoding');
  });

  test('is sent below the path of its URL', async () => {
    await askAbout(at(`${double.url}/prometheus`), ['up']);
    expect(double.asked[0]?.target).toBe('/prometheus/api/v1/query');
  });

  test('is recorded by a trace without address and credentials', async () => {
    const sent: string[] = [];
    const auth = { kind: 'bearer', token: new Secret('t0') } as const;
    const trace = { sent: (request: string) => sent.push(request), dropped: () => undefined };
    await askAbout(at(`${double.url}/inner`, { auth }), ['a + b'], { trace });
    await askAbout(at(double.url, { auth }), ['a + b'], { trace, granularityS: 60, periods: 2 });
    expect(sent).toEqual([
      'POST /api/v1/query query=a + b time=1767268800.250 partial_response=false deny_partial_response=1',
      'POST /api/v1/query_range query=a + b start=1767268740.250 ' +
        'end=1767268800.250 step=60 partial_response=false deny_partial_response=1',
    ]);
  });
});

describe('an outage of Prometheus', () => {
  const html = '<html><body>nginx at 10.1.2.3</body></html>';
  test.each<[string, PrometheusReply, string]>([
    ['a page instead of an answer', [200, html], 'its answer is not JSON'],
    [
      'an answer that is cut off',
      [200, '{"status":"success","data":{"resultType":"vector","result":[{"met'],
      'its answer is not JSON',
    ],
    ['an answer of another form', [200, { status: 'success', data: [] }], 'its answer is not of the form expected'],
    ['an answer of an unknown type', success('tensor', []), 'its answer is not of the form expected'],
    ['an empty answer', [200, ''], 'its answer is not JSON'],
    ['null', [200, 'null'], 'its answer is not of the form expected'],
    ['a redirect', [302, ''], 'it answered with status 302'],
    ['an answer without content', [204, ''], 'it answered with status 204'],
    ['no answer', () => undefined, 'no answer in time'],
    ['a connection that is closed', (_, response) => void response.socket?.destroy(), 'the connection was closed'],
    [
      'an answer that never ends',
      (_, response) => {
        response.writeHead(200);
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(64 * 1024)));
        };
        response.on('drain', more).on('error', () => undefined);
        more();
        return undefined;
      },
      'its answer is larger than 8388608 bytes',
    ],
    [
      'a compressed answer, which was not requested',
      (_, response) => {
        response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(JSON.stringify(vector([{}, '1'])[1])));
        return undefined;
      },
      'its answer is not JSON',
    ],
  ])('%s says nothing about the query', async (_, reply, reason) => {
    double.reply = reply;
    const prometheus = at(double.url, { timeoutMs: patienceFor(reason) });
    expect(await askAbout(prometheus, ['up'])).toEqual({ up: { kind: 'outage', reason } });
    expect(prometheus.outcomes).toEqual([reason]);
    expect(double.asked).toHaveLength(1);
  });

  test('when the connection is refused', async () => {
    const prometheus = at(`http://127.0.0.1:${await freePort()}`);
    expect(await askAbout(prometheus, ['up'])).toEqual({ up: { kind: 'outage', reason: 'connection refused' } });
  });

  test('a request that is aborted ends at once, and one after it is not sent', async () => {
    const giveUp = new AbortController();
    double.reply = () => (giveUp.abort(), undefined);
    const prometheus = at(double.url, { timeoutMs: 60_000 });
    const expected = { up: { kind: 'outage', reason: 'no answer in time' } };
    expect(await askAbout(prometheus, ['up'], { signal: giveUp.signal })).toEqual(expected);
    expect(await askAbout(prometheus, ['up'], { signal: giveUp.signal })).toEqual(expected);
    expect(double.asked).toHaveLength(1);
  });

  test('has the same reason for all requests, and no more are sent', async () => {
    double.reply = [500, ''];
    const prometheus = at(double.url);
    const queries = Array.from({ length: 30 }, (_, index) => `count(up) + ${index}`);
    const answers = await askAbout(prometheus, queries);
    expect(Object.values(answers)).toEqual(
      queries.map(() => ({ kind: 'outage', reason: 'it answered with status 500' })),
    );
    expect(double.asked.length).toBeLessThan(15);
  });
});

describe('over TLS', () => {
  let certificates: Certificates;
  let server: Server;
  let url: string;
  let peers: (string | undefined)[];

  beforeAll(async () => {
    certificates = makeCertificates();
    peers = [];
    const { ca, server: own } = certificates;
    server = createServer({ ca, ...own, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const socket = request.socket as TLSSocket;
      peers.push(socket.authorized ? String(socket.getPeerCertificate().subject.CN) : undefined);
      request.resume().on('end', () => response.end(JSON.stringify(vector([{}, '1'])[1])));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => void peers.splice(0));
  afterAll(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  test(
    'a server is trusted if a given certificate has signed its ' + 'own, and receives the client certificate',
    async () => {
      const { ca, client } = certificates;
      const shown = at(url, { tls: { ca, certificate: client.cert, key: client.key } });
      expect(valuesOf((await askAbout(shown, ['up']))['up'])).toEqual([[1]]);
      expect(valuesOf((await askAbout(at(url, { tls: { ca } }), ['up']))['up'])).toEqual([[1]]);
      expect(peers).toEqual(['tocsin', undefined]);
    },
  );

  test('no other server is trusted', async () => {
    expect(await askAbout(at(url), ['up'])).toEqual({
      up: { kind: 'outage', reason: 'its certificate is not trusted' },
    });
    expect(peers).toEqual([]);
  });

  test('no redirect takes the token to another server', async () => {
    const elsewhere = await startReceiver();
    double.reply = (_, response) => void response.writeHead(307, { location: `${elsewhere.url}/api/v1/query` }).end();
    await askAbout(at(double.url, { auth: { kind: 'bearer', token: new Secret('t0') } }), ['up']);
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.close();
  });
});
