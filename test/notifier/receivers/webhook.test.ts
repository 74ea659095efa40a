import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

import { createSystemClock } from '../../../src/clock.js';
import { silentLogger } from '../../../src/logger.js';
import type { Delivery, Receiver } from '../../../src/notifier/receivers/receiver.js';
import { outcomeOfStatus, parseRetryAfter } from '../../../src/notifier/receivers/webhook/outcome.js';
import { createWebhookReceiver } from '../../../src/notifier/receivers/webhook/webhook.js';
import { PATIENCE_MS, patienceFor } from '../../support/patience.js';
import { startReceiver, type Receiver as ReceiverServer } from '../../support/receiver-server.js';
import { egressWith, type RuleChanges } from '../../support/egress.js';
import { UNSIGNED } from '../../support/webhook-settings.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const BODY = '{"alarm_name": "cpu \\u00fc", "reason_data": {"most_recent": 95.0}}';

const servers: ReceiverServer[] = [];
let webhook: Receiver;

function receiver(rules: RuleChanges = {}, attemptTimeoutMs = PATIENCE_MS): Receiver {
  return createWebhookReceiver({
    clock: createSystemClock(),
    egress: egressWith(rules),
    log: silentLogger,
    settingsOf: UNSIGNED,
    headersToLoopback: true,
    connectTimeoutMs: attemptTimeoutMs,
    attemptTimeoutMs,
    maxSocketsPerHost: 4,
    ca: undefined,
    version: '0',
  });
}

async function serve(...answer: Parameters<typeof startReceiver>): Promise<ReceiverServer> {
  const server = await startReceiver(...answer);
  servers.push(server);
  return server;
}

function delivery(action: string): Delivery {
  return {
    id: 'n-1',
    kind: 'transition',
    alarmId: 'a',
    projectId: 'p',
    sequence: 7,
    transitionTime: NOW,
    action,
    body: BODY,
    attempt: 1,
  };
}

function deliver(action: string) {
  return webhook.deliver(delivery(action), new AbortController().signal);
}

beforeEach(() => {
  webhook = receiver();
});
afterEach(async () => {
  await webhook.close?.();
  for (const server of servers.splice(0)) await server.close();
});

describe('a webhook', () => {
  test('says of a test that it is one, and keeps the start of the answer to it only', async () => {
    const server = await serve((_, response) => void response.writeHead(200).end('it\u0007works'));
    const delivered = { kind: 'delivered', httpStatus: 200 };
    expect(await deliver(server.url)).toEqual(delivered);
    const test = { ...delivery(server.url), kind: 'test' } as const;
    expect(await webhook.deliver(test, new AbortController().signal)).toEqual({ ...delivered, answer: 'it works' });
    expect(server.requests.map(({ headers }) => headers['tocsin-test'])).toEqual([undefined, 'true']);
  });

  test('is one POST of the exact bytes, with headers for its order and identity', async () => {
    const server = await serve();
    expect(await deliver(`${server.url}/hook`)).toEqual({ kind: 'delivered', httpStatus: 204 });
    expect(await deliver(`${server.url}/hook`)).toEqual({ kind: 'delivered', httpStatus: 204 });
    const [first, second] = server.requests;
    expect(first).toMatchObject({
      method: 'POST',
      body: BODY,
      headers: {
        'content-type': 'application/json',
        'webhook-id': 'msg_n-1',
        'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
        'tocsin-sequence': '7',
        'tocsin-transition-time': '2026-01-01T12:00:00.000Z',
        'x-openstack-request-id': expect.stringMatching(/^req-[0-9a-f-]{36}$/),
      },
    });
    expect(second?.headers['x-openstack-request-id']).toBe(first?.headers['x-openstack-request-id']);
    expect(second?.body).toBe(first?.body);
  });

  test.each([
    [
      'a signed URL of Heat',
      '/v1/signal/arn%3Aopenstack%3Aheat%3A%3Ap%3Astacks/s/i/resources/' +
        'r?SignatureMethod=HmacSHA256&Signature=a%2Bb%2Fc%3D&A=%7e',
    ],
    ['odd but legal characters', "/a/../b/./c?x='quoted'&y=|{}^"],
    ['no path', '?x=1'],
    ['an option that would switch verification off', '/h?aodh-alarm-ssl-verify=0'],
  ])('keeps %s as it was written', async (_, target) => {
    const server = await serve();
    await deliver(server.url + target);
    expect(server.requests[0]?.target).toBe(target.startsWith('?') ? `/${target}` : target);
  });

  test('sends user info as Basic authentication, and neither it nor a fragment in the URL', async () => {
    const server = await serve();
    await deliver(`${server.url.replace('//', '//us%3Aer:p%40ss@')}/hook#part`);
    expect(server.requests[0]).toMatchObject({
      target: '/hook',
      headers: { authorization: `Basic ${Buffer.from('us:er:p@ss').toString('base64')}` },
    });
  });

  test('follows no redirect', async () => {
    const server = await serve((_, response) => response.writeHead(307, { location: '/elsewhere' }).end());
    expect(await deliver(`${server.url}/hook`)).toEqual({ kind: 'retry', error: 'http_status 307', httpStatus: 307 });
    expect(server.requests.length).toBe(1);
  });

  test('has the outcome of its status, however long the answer is', async () => {
    const server = await serve((_, response) => {
      response.writeHead(200);
      const flood = (): void => {
        while (response.writable && response.write(Buffer.alloc(65_536))) continue;
      };
      response.on('drain', flood);
      flood();
    });
    expect(await deliver(`${server.url}/hook`)).toEqual({ kind: 'delivered', httpStatus: 200 });
  });
});

describe('a receiver that', () => {
  let raw: Server;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    raw.close();
  });

  test.each([
    { does: 'accepts the connection and never answers', behave: () => undefined, expected: 'timeout' },
    {
      does: 'resets the connection',
      behave: (socket: Socket) => socket.once('data', () => socket.resetAndDestroy()),
      expected: 'connect_failed',
    },
    {
      does: 'does not speak HTTP',
      behave: (socket: Socket) => socket.end('HELO receiver\r\n'),
      expected: 'unreadable_answer: it does not begin with an HTTP status line',
    },
    {
      does: 'closes the connection without an answer',
      behave: (socket: Socket) => socket.once('data', () => socket.end()),
      expected: 'connect_failed',
    },
  ])('$does is tried again: $expected', async ({ behave, expected }) => {
    await webhook.close?.();
    webhook = receiver({}, patienceFor(expected));
    raw = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      behave(socket);
    });
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    const { port } = raw.address() as AddressInfo;
    expect(await deliver(`http://127.0.0.1:${port}/`)).toEqual({ kind: 'retry', error: expected });
  });

  test('does not listen is tried again', async () => {
    raw = createServer();
    await new Promise<void>((resolve) => raw.listen(0, '127.0.0.1', resolve));
    const { port } = raw.address() as AddressInfo;
    await new Promise((resolve) => raw.close(resolve));
    expect(await deliver(`http://127.0.0.1:${port}/`)).toEqual({ kind: 'retry', error: 'connect_failed' });
  });
});

test.each([
  'http://169.254.169.254/latest',
  'http://[::ffff:169.254.169.254]/',
  'http://0xa9fea9fe/',
  'http://2852039166/',
  'http://[fd00:ec2::254]/',
])('%s, the address of a metadata service, gets no request', async (action) => {
  expect(await deliver(action)).toEqual({ kind: 'dead', error: 'blocked' });
});

test('a name with a denied address is refused without a connection', async () => {
  const server = await serve();
  webhook = receiver({ privateAllowed: false });
  expect(await deliver(server.url.replace('127.0.0.1', 'localhost'))).toEqual({ kind: 'dead', error: 'blocked' });
  expect(await deliver(server.url)).toEqual({ kind: 'dead', error: 'blocked' });
  expect(server.requests).toEqual([]);
});

test('with notifier.https_only_actions a receiver without TLS gets no request', async () => {
  const server = await serve();
  webhook = receiver({ httpsOnly: true });
  expect(await deliver(server.url)).toEqual({ kind: 'dead', error: 'blocked' });
  expect(server.requests).toEqual([]);
});

describe('of the statuses of answers', () => {
  const PASSING = [401, 403, 404, 409];
  const LATER = [408, 425, 429];
  const WITH_RETRY_AFTER = [429, 502, 503, 504];
  const all = [...Array.from({ length: 500 }, (_, index) => 100 + index), 0, 99, 600, 999];
  const others = (from: number, to: number, ...but: number[]): number[] =>
    all.filter((status) => status >= from && status <= to && !but.includes(status));
  const retryAfter = (status: number) => (WITH_RETRY_AFTER.includes(status) ? { retryAfterMs: 7_000 } : {});

  test.each<[string, number[], (httpStatus: number) => object]>([
    ['200 to 299 are delivered', others(200, 299), () => ({ kind: 'delivered' })],
    ['410 is dead at once: gone', [410], () => ({ kind: 'dead', error: 'gone' })],
    ['401, 403, 404 and 409 are rejected and tried again', PASSING, () => ({ kind: 'retry', error: 'rejected' })],
    [
      'other client errors but 408, 425 and 429 are dead at once: rejected',
      others(400, 499, 410, ...PASSING, ...LATER),
      () => ({ kind: 'dead', error: 'rejected' }),
    ],
    [
      'all others are tried again, with 429, 502, 503 and 504 at the time that the receiver names',
      [...others(0, 199), ...others(300, 399), ...LATER, ...others(500, 999)],
      (status) => ({ kind: 'retry', error: `http_status ${status}`, ...retryAfter(status) }),
    ],
  ])('%s', (_, statuses, expected) => {
    expect(statuses.length).toBeGreaterThan(0);
    for (const httpStatus of statuses) {
      expect(outcomeOfStatus(httpStatus, '7', NOW)).toEqual({ ...expected(httpStatus), httpStatus });
    }
  });
});

test.each([
  ['7', 7_000],
  ['0', undefined],
  ['-1', undefined],
  ['99999999', 3_600_000],
  ['soon', undefined],
  ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
  ['Thu, 01 Jan 2026 11:00:00 GMT', undefined],
  [undefined, undefined],
])('Retry-After %s is a delay of %s ms', (text, expected) => {
  expect(parseRetryAfter(text, NOW)).toBe(expected);
});
