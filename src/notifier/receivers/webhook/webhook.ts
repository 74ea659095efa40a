import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import got from 'got';

import type { ServiceClock } from '../../../clock.js';
import { AddressRefused, type EgressGate, type EgressGuard } from '../../../egress/egress-guard.js';
import { toError } from '../../../errors.js';
import type { Logger } from '../../../logger.js';
import { canCarrySecrets } from '../../../loopback.js';
import type { WebhookSettings } from '../../../storage/receivers/webhook-settings-store.js';
import { MissingKey } from '../../../storage/secrets/sealed.js';
import type { WebhookSettingsReader } from '../../webhook-settings.js';
import type { Delivery, DeliveryOutcome, Receiver } from '../receiver.js';
import { AnswerTap } from './answer-tap.js';
import { codeOf } from '../../../http/backend-unavailable.js';
import { AnswerStart } from './answer-start.js';
import { outcomeOfBrokenAnswer, outcomeOfStatus, outcomeOfVerdict } from './outcome.js';
import { webRequestOf } from './web-request.js';
import { webhookHeaders } from './webhook-headers.js';

/** What the receiver of webhooks needs. */
export interface WebhookDeps {
  clock: ServiceClock;
  log: Logger;
  settingsOf: WebhookSettingsReader;
  egress: EgressGuard;
  connectTimeoutMs: number;
  attemptTimeoutMs: number;
  maxSocketsPerHost: number;
  /** Certificates to trust in addition to the system's, as PEM. */
  ca: string | undefined;
  /** True if headers of a receiver may be sent to this machine over a connection without TLS. */
  headersToLoopback: boolean;
  version: string;
}

/** The receiver of webhooks, which other receivers can also use to send a webhook with a token of their own. */
export interface Webhook extends Receiver {
  /** Like `deliver`, with a token and without the headers that the project has set for the receiver. */
  send(delivery: Delivery, token: TokenHeader, signal: AbortSignal): Promise<DeliveryOutcome>;
}

interface TokenHeader {
  'x-auth-token': string;
}

const IDLE_SOCKET_MS = 4_000;

/**
 * Receiver of `http://` and `https://` actions: one POST for each attempt. It sends the URL byte for byte as its owner
 * wrote it, since Heat signs URLs, and the stored body unchanged. It follows no redirects, uses no proxy from the
 * environment, does not decompress answers and reads at most `MAX_ANSWER_BYTES` of them. It has an HTTP client of its
 * own besides `http/`, since its addresses come from users: each connection is checked, and no body is needed.
 */
export function createWebhookReceiver(deps: WebhookDeps): Webhook {
  const pool = {
    keepAlive: true,
    maxSockets: deps.maxSocketsPerHost,
    maxFreeSockets: deps.maxSocketsPerHost,
    timeout: IDLE_SOCKET_MS,
  };
  const agents = { http: new http.Agent(pool), https: new https.Agent({ ...pool, ...trustOf(deps.ca) }) };

  return {
    deliver: (delivery, signal) => send(delivery, undefined, signal),
    send,
    async close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };

  async function send(
    delivery: Delivery,
    token: TokenHeader | undefined,
    signal: AbortSignal,
  ): Promise<DeliveryOutcome> {
    const request = webRequestOf(delivery.action);
    if (request === undefined) return { kind: 'dead', error: 'invalid' };
    const { url, target } = request;
    const gate = await deps.egress.gateTo(url, delivery.projectId);
    const refused = outcomeOfVerdict(await gate.host());
    if (refused) return refused;
    const settings = await settingsOrOutcome(delivery, url, deps);
    if ('kind' in settings) return settings;
    const ownHeaders = token ? {} : settings.headers;
    const hasOwnHeaders = Object.keys(ownHeaders).length > 0;
    if (hasOwnHeaders && !canCarrySecrets(url, deps.headersToLoopback)) return { kind: 'dead', error: 'blocked' };
    const tap = new AnswerTap();
    const body = Buffer.from(delivery.body);
    const options = {
      body,
      headers: {
        ...ownHeaders,
        ...webhookHeaders({ delivery, body, ...settings }, deps),
        ...request.headers,
        ...token,
      },
      agent: agents,
      dnsLookup: gate.lookup,
      request: requestTo({ url, target }, gate, tap),
      timeout: { request: deps.attemptTimeoutMs, connect: deps.connectTimeoutMs, secureConnect: deps.connectTimeoutMs },
      signal,
    };
    // An answer could repeat the headers, whose values are shown to no user.
    if (delivery.kind !== 'test' || hasOwnHeaders) return post({ url, options, tap }, deps.clock);
    const start = new AnswerStart();
    const outcome = await post({ url, options, tap, start }, deps.clock);
    const answer = start.text();
    return answer === '' ? outcome : { ...outcome, answer };
  }
}

/** TLS options, made once: certificates in the options of a request would be parsed again for each connection. */
function trustOf(ca: string | undefined): https.AgentOptions {
  const minVersion = 'TLSv1.2';
  return ca === undefined
    ? { minVersion }
    : { secureContext: createSecureContext({ minVersion, ca: [...rootCertificates, ca] }) };
}

/** Turns off the automatic behaviour of got: redirects, retries, decompression. */
const PLAIN = { followRedirect: false, throwHttpErrors: false, decompress: false, retry: { limit: 0 } };

interface Post {
  url: URL;
  options: object;
  tap: AnswerTap;
  /** Receives the body of the answer. */
  start?: AnswerStart;
}

async function post({ url, options, tap, start }: Post, clock: ServiceClock): Promise<DeliveryOutcome> {
  let attempt: ReturnType<typeof got.stream.post> | undefined;
  let cause: unknown;
  try {
    attempt = got.stream.post(urlForGot(url), { ...PLAIN, ...options });
    attempt.on('data', (chunk: Buffer) => start?.add(chunk));
    await Promise.race([ended(attempt), tap.hasUpgraded]);
  } catch (thrown) {
    cause = thrown;
  } finally {
    attempt?.destroy();
  }
  const { answer } = tap;
  if (answer) return outcomeOfStatus(answer.status, answer.retryAfter, clock.wallNow());
  return outcomeOfBrokenAnswer(tap.firstBytes(), codeOf(cause), clock.wallNow());
}

/**
 * Returns the URL that got parses. got throws for a host named `unix`, which it takes for a socket in the file system.
 * The request itself goes to the URL of the action.
 */
function urlForGot(url: URL): URL {
  return url.hostname === 'unix' ? new URL(`${url.protocol}//receiver.invalid/`) : url;
}

/**
 * Makes got's `request` option. The request has exactly this path and query, and is destroyed before its first byte if
 * the socket's address is not allowed.
 */
function requestTo({ url, target }: { url: URL; target: string }, gate: EgressGate, tap: AnswerTap) {
  return (_: URL, options: RequestOptions, onResponse?: (response: IncomingMessage) => void): ClientRequest => {
    const request = (url.protocol === 'https:' ? https : http).request(url, { ...options, path: target }, onResponse);
    tap.listen(request);
    request.once('socket', (socket: Socket) => {
      const check = (): void => {
        if (socket.remoteAddress !== undefined && !gate.isAllowed(socket.remoteAddress)) {
          request.destroy(new AddressRefused({ kind: 'blocked', refusal: 'address' }));
        }
      };
      if (socket.connecting) socket.once('connect', check);
      else check();
    });
    return request;
  };
}

/** Resolves when the exchange is complete, with any answer. Rejects when it breaks off. */
function ended(attempt: ReturnType<typeof got.stream.post>): Promise<void> {
  return new Promise((resolve, reject) => {
    attempt.on('error', reject);
    attempt.once('end', resolve);
    attempt.once('close', resolve);
    attempt.resume();
  });
}

/** The settings of webhooks to this URL. If they cannot be read: the outcome of the attempt, which sends nothing. */
async function settingsOrOutcome(
  { id: notificationId, alarmId, projectId, attempt }: Delivery,
  url: URL,
  { settingsOf, log }: WebhookDeps,
): Promise<WebhookSettings | DeliveryOutcome> {
  try {
    // A failed read is repeated once, since most failures are those of one connection.
    return await settingsOf(projectId, url).catch(() => settingsOf(projectId, url));
  } catch (thrown) {
    log.error('could not read the secrets or headers of a receiver; the attempt will be repeated', {
      notificationId,
      alarmId,
      attempt,
      err: toError(thrown),
    });
    return { kind: 'retry', error: thrown instanceof MissingKey ? 'no_key' : 'internal' };
  }
}
