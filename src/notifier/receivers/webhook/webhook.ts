import { createHash } from 'node:crypto';
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import got from 'got';

import type { ServiceClock } from '../../../clock.js';
import type { AddressPolicy } from '../../egress/address-policy.js';
import { BlockedAddress, guardedLookup, isBlockedLiteral } from '../../egress/guarded-lookup.js';
import type { Delivery, DeliveryOutcome, Receiver } from '../receiver.js';
import { codeOf, outcomeOfError, outcomeOfStatus } from './outcome.js';

export interface WebhookDeps {
  clock: ServiceClock;
  isAllowed: AddressPolicy;
  connectTimeoutMs: number;
  attemptTimeoutMs: number;
  maxSocketsPerHost: number;
  version: string;
}

export interface Webhook extends Receiver {
  /** As `deliver`, with headers besides. */
  send(delivery: Delivery, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<DeliveryOutcome>;
}

/** Enough of an answer to be polite; what a receiver says beyond its status interests nobody. */
const MAX_ANSWER_BYTES = 16 * 1024;
const IDLE_SOCKET_MS = 4_000;

/**
 * `http://` and `https://`: one POST. The URL goes out byte for byte as its owner wrote it (Heat signs it), the body as it was committed.
 * Redirects are not followed, proxies of the environment are not used, answers are not decompressed and read only so far.
 */
export function createWebhookReceiver(deps: WebhookDeps): Webhook {
  const pool = {
    keepAlive: true,
    maxSockets: deps.maxSocketsPerHost,
    maxFreeSockets: deps.maxSocketsPerHost,
    timeout: IDLE_SOCKET_MS,
  };
  const agents = { http: new http.Agent(pool), https: new https.Agent({ ...pool, minVersion: 'TLSv1.2' }) };
  const lookup = guardedLookup(deps.isAllowed);

  return {
    deliver: (delivery, signal) => send(delivery, {}, signal),
    send,
    async close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };

  async function send(
    delivery: Delivery,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<DeliveryOutcome> {
    const url = parse(delivery.action);
    if (url === undefined) return { kind: 'dead', error: 'invalid' };
    if (isBlockedLiteral(url.hostname, deps.isAllowed)) return { kind: 'dead', error: 'blocked' };
    const { username, password } = url;
    url.username = url.password = url.hash = '';
    const options = {
      body: delivery.body,
      headers: { ...headersOf(delivery, deps), ...basicAuth(username, password), ...headers },
      agent: agents,
      dnsLookup: lookup,
      request: requestTo(requestTarget(delivery.action), deps.isAllowed),
      timeout: { request: deps.attemptTimeoutMs, connect: deps.connectTimeoutMs, secureConnect: deps.connectTimeoutMs },
      signal,
    };
    return post(url, options, deps.clock);
  }
}

/** Nothing that got does of its own accord: no redirects, no retries, no decompression. */
const PLAIN = { followRedirect: false, throwHttpErrors: false, decompress: false, retry: { limit: 0 } };

async function post(url: URL, options: object, clock: ServiceClock): Promise<DeliveryOutcome> {
  const attempt = got.stream.post(url, { ...PLAIN, ...options });
  try {
    const { code, retryAfter } = await answerOf(attempt);
    return outcomeOfStatus(code, retryAfter, clock.wallNow());
  } catch (thrown) {
    return outcomeOfError(codeOf(thrown));
  } finally {
    attempt.destroy();
  }
}

/** Sends to exactly this path and query, and takes a last look before the first byte: the socket's address must be allowed. */
function requestTo(target: string, isAllowed: AddressPolicy) {
  return (to: URL, options: RequestOptions, onResponse?: (response: IncomingMessage) => void): ClientRequest => {
    const request = (to.protocol === 'https:' ? https : http).request(to, { ...options, path: target }, onResponse);
    request.once('socket', (socket: Socket) => {
      const check = (): void => {
        if (socket.remoteAddress !== undefined && !isAllowed(socket.remoteAddress)) {
          request.destroy(new BlockedAddress('connected to an address that is not allowed'));
        }
      };
      if (socket.connecting) socket.once('connect', check);
      else check();
    });
    return request;
  };
}

/** Resolves once the answer is read, or enough of it. The status is what counts, so a body that breaks off is no failure. */
function answerOf(attempt: ReturnType<typeof got.stream.post>): Promise<{ code: number; retryAfter: string | undefined }> {
  return new Promise((resolve, reject) => {
    let answer: { code: number; retryAfter: string | undefined } | undefined;
    let bytes = 0;
    const settle = (): void => {
      if (answer) resolve(answer);
      else reject(new Error('the connection closed without an answer'));
    };
    attempt.once('response', (response: IncomingMessage) => {
      answer = { code: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] };
    });
    attempt.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes >= MAX_ANSWER_BYTES) settle();
    });
    attempt.once('end', settle);
    attempt.once('close', settle);
    attempt.once('error', (cause) => (answer ? settle() : reject(cause)));
  });
}

function headersOf({ id, sequence, transitionTime }: Delivery, { clock, version }: WebhookDeps): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': `tocsin/${version}`,
    'webhook-id': `msg_${id.replace(/[^A-Za-z0-9_-]/g, '')}`,
    'webhook-timestamp': String(Math.floor(clock.wallNow().getTime() / 1000)),
    'tocsin-sequence': String(sequence),
    'tocsin-transition-time': transitionTime.toISOString(),
    'x-openstack-request-id': `req-${requestIdOf(id)}`,
  };
}

/** A UUID that is the same for every attempt of one notification. */
export function requestIdOf(id: string): string {
  const hex = createHash('sha256').update(`request ${id}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function basicAuth(username: string, password: string): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

function parse(action: string): URL | undefined {
  if (!URL.canParse(action)) return undefined;
  const url = new URL(action);
  return /^https?:$/.test(url.protocol) ? url : undefined;
}

/** Path and query as written. Characters that no request line can carry are escaped, as every client would. */
function requestTarget(action: string): string {
  const [, path = '', query = ''] = /^https?:\/\/[^/?#]*([^?#]*)(\?[^#]*)?/i.exec(action) ?? [];
  return `${path || '/'}${query}`.replace(/[^\u0021-\u007e]/gu, (character) => encodeURIComponent(character));
}
