import { afterEach, describe, expect, test } from '@jest/globals';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';

import { connectionFailureOf, isTemporaryStatus, NoAnswer } from '../../src/http/backend-unavailable.js';
import { createHttpExchange, type HttpExchange, type HttpRequest } from '../../src/http/http-exchange.js';
import { freePort } from '../support/service-process.js';
import { PATIENCE_MS } from '../support/patience.js';

let server: Server | undefined;
let exchange: HttpExchange;
let requests: { head: IncomingMessage; body: string }[];

async function serve(answer: RequestListener): Promise<string> {
  requests = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      requests.push({ head: request, body });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function send(url: string, more: Partial<HttpRequest> = {}): ReturnType<HttpExchange['send']> {
  exchange = createHttpExchange({ timeoutMs: PATIENCE_MS });
  return exchange.send({ method: 'GET', url, headers: { 'x-auth-token': 'pass phrase' }, maxBytes: 100, ...more });
}

afterEach(() => {
  exchange.close();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

describe('the HTTP client of backends', () => {
  test.each<[HttpRequest['method'], string | undefined]>([
    ['GET', undefined],
    ['POST', '{}'],
    ['PATCH', '{}'],
    ['DELETE', undefined],
    ['POST', undefined],
  ])('sends a %s with the body %s once, and resolves to its status, headers and text', async (method, body) => {
    const url = await serve((_, response) => response.writeHead(503, { 'retry-after': '7' }).end('busy'));
    expect(await send(url, { method, body })).toMatchObject({
      status: 503,
      headers: { 'retry-after': '7' },
      text: 'busy',
      isCutOff: false,
    });
    expect(requests.map(({ head, body: sent }) => [head.method, sent])).toEqual([[method, body ?? '']]);
  });

  test('reads no more than the beginning of an answer that is too long', async () => {
    const url = await serve((_, response) => response.end('x'.repeat(1_000_000)));
    const answer = await send(url);
    expect(answer).toMatchObject({ status: 200, isCutOff: true });
    expect(answer.text.length).toBeLessThan(1_000_000);
  });

  test('follows no redirect', async () => {
    const url = await serve(({ headers }, response) =>
      response.writeHead(302, { location: `http://${headers.host}/x` }).end(),
    );
    expect((await send(url)).status).toBe(302);
    expect(requests).toHaveLength(1);
  });

  test('lets a request have a time-out of its own', async () => {
    const url = await serve(() => undefined);
    await expect(send(url, { timeoutMs: 50 })).rejects.toMatchObject({ kind: 'timeout', message: 'no answer in time' });
  });

  test('counts an aborted request as one without an answer in time', async () => {
    const url = await serve(() => undefined);
    await expect(send(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: 'timeout' });
  });

  test('rejects with an error that shows the cause and no secret of the request', async () => {
    const error: unknown = await send(`http://127.0.0.1:${await freePort()}/`).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NoAnswer);
    expect(error).toMatchObject({ code: 'ECONNREFUSED', kind: 'not connected', message: 'connection refused' });
    expect(inspect(error, { depth: 10 })).not.toContain('pass phrase');
  });

  test('tells an answer that cannot be parsed from a closed connection', async () => {
    const broken = await serve(({ socket }) => socket.end('HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n'));
    await expect(send(broken)).rejects.toMatchObject({ kind: 'unreadable' });
    server?.close();
    const closed = await serve(({ socket }) => socket.destroy());
    await expect(send(closed)).rejects.toMatchObject({ kind: 'broken off' });
  });
});

test.each([
  [undefined, 'other'],
  ['ENOTFOUND', 'not connected'],
  ['EPIPE', 'broken off'],
  ['HPE_INVALID_HEADER_TOKEN', 'unreadable'],
  ['CERT_NOT_YET_VALID', 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
  ['EMFILE', 'other'],
])('the failure with the code %s is of the kind %s', (code, kind) => {
  expect(connectionFailureOf(code)).toBe(kind);
});

test('statuses from 500 on, and those that ask for credentials or for a later request, are temporary', () => {
  const statuses = [200, 302, 400, 401, 403, 404, 408, 409, 413, 425, 429, 500, 503];
  expect(statuses.filter(isTemporaryStatus)).toEqual([401, 408, 425, 429, 500, 503]);
});
