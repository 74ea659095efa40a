import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import { NoAnswer } from '../http/backend-unavailable.js';
import { createHttpExchange, MAX_ANSWER_BYTES, type HttpRequest, type HttpResponse } from '../http/http-exchange.js';
import { jsonIn } from '../http/json-answer.js';
import { firstAnswer } from './first-answer.js';

/** The parts of a request besides method and path. */
export interface KeystoneRequest {
  headers?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
  /** True if Keystone may execute the request twice. Default: true for GET and DELETE, otherwise false. */
  isRepeatable?: boolean;
}

/** An answer of Keystone. */
export interface KeystoneAnswer {
  status: number;
  headers: HttpResponse['headers'];
  /** Parsed JSON; undefined if the body is not JSON. Callers must check its shape. */
  body: unknown;
}

/** HTTP client for Keystone's API v3, with retries. */
export interface KeystoneClient {
  /**
   * Sends one request below Keystone's `/v3`, and repeats it within the deadline if that is safe. A repeatable request
   * is repeated after a time-out, a broken connection or one answer of 500 or above; any request after a refused
   * connection or one 503. An answer below 500 is returned.
   * @throws AppError `unavailable` when there is no answer, or an answer of 500 or above.
   */
  request(method: HttpRequest['method'], path: string, request?: KeystoneRequest): Promise<KeystoneAnswer>;
  /**
   * Sends a POST that creates an object. While there is no answer it is sent again, and the first answer is returned.
   * Each other attempt may have created an object, too: `onOther` is called with its answer, or with undefined if it
   * ended without one.
   * @throws AppError `unavailable`
   */
  requestNew(
    path: string,
    request: KeystoneRequest,
    onOther: (answer: KeystoneAnswer | undefined) => void,
  ): Promise<KeystoneAnswer>;
}

/** Settings of the connection to Keystone. */
export interface KeystoneClientSettings {
  /** URL of Keystone, with or without `/v3` at its end. */
  authUrl: string;
  /** Time-out of one attempt. */
  timeoutMs: number;
  /** Time-out of a request with all its attempts. */
  deadlineMs: number;
  /** Certificates to trust in addition to the system's, as PEM. */
  ca?: string | undefined;
}

/** Most attempts of a request without a connection, or whose connection broke. */
const CONNECTION_TRIES = 3;
/** Most attempts of a request that Keystone answers with 500 or above. Few, since Keystone may be overloaded. */
const FAILED_TRIES = 2;
/** Most attempts of a request that creates an object; each may create one more. */
const NEW_TRIES = 3;
const MAX_SOCKETS = 50;

/** Creates the HTTP client under `createKeystoneSession`. */
export function createKeystoneClient(
  settings: KeystoneClientSettings,
  { clock }: { clock: Pick<Clock, 'monotonicMs' | 'sleep'> },
): KeystoneClient {
  const base = /\/v3$/.test(settings.authUrl) ? settings.authUrl : `${settings.authUrl}/v3`;
  const { timeoutMs, deadlineMs, ca } = settings;
  const exchange = createHttpExchange({ timeoutMs, maxSockets: MAX_SOCKETS, tls: { ca } });

  const slowTries = Math.max(1, Math.ceil(deadlineMs / timeoutMs));

  async function send(
    method: HttpRequest['method'],
    path: string,
    request: KeystoneRequest,
    tryMs: number,
  ): Promise<KeystoneAnswer> {
    const deadline = clock.monotonicMs() + deadlineMs;
    const { isRepeatable = method === 'GET' || method === 'DELETE' } = request;
    for (let tries = 1; ; tries += 1) {
      const leftMs = Math.max(1, deadline - clock.monotonicMs());
      const attempt = { ...partsOf(base + path, request), method, timeoutMs: Math.min(tryMs, leftMs) };
      const outcome = await exchange.send({ ...attempt, maxBytes: MAX_ANSWER_BYTES }).catch(noAnswerIn);
      if (!(outcome instanceof NoAnswer) && outcome.status < 500) {
        return { status: outcome.status, headers: outcome.headers, body: jsonIn(outcome.text) };
      }
      const most = triesAfter(outcome, { isRepeatable, slowTries });
      if (tries >= most || clock.monotonicMs() >= deadline) throw unavailable(outcome);
    }
  }

  return {
    request: (method, path, request = {}) => send(method, path, request, timeoutMs),
    requestNew(path, request, onOther) {
      const deadline = clock.monotonicMs() + deadlineMs;
      const open = (): Promise<KeystoneAnswer> =>
        send('POST', path, request, Math.max(1, deadline - clock.monotonicMs()));
      return firstAnswer({ clock, send: open, everyMs: timeoutMs, limit: Math.min(slowTries, NEW_TRIES), onOther });
    },
  };
}

function partsOf(
  url: string,
  { query, headers, body }: KeystoneRequest,
): Pick<HttpRequest, 'url' | 'headers' | 'body'> {
  return {
    url: query === undefined ? url : `${url}?${new URLSearchParams(query).toString()}`,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
}

function noAnswerIn(thrown: unknown): NoAnswer {
  if (thrown instanceof NoAnswer) return thrown;
  throw thrown;
}

/** Returns the most attempts that a request with this outcome may have. */
function triesAfter(
  outcome: NoAnswer | Pick<HttpResponse, 'status'>,
  { isRepeatable, slowTries }: { isRepeatable: boolean; slowTries: number },
): number {
  if (!(outcome instanceof NoAnswer)) return isRepeatable || outcome.status === 503 ? FAILED_TRIES : 1;
  if (outcome.kind === 'not connected') return CONNECTION_TRIES;
  if (!isRepeatable) return 1;
  if (outcome.kind === 'timeout') return slowTries;
  return outcome.kind === 'broken off' ? CONNECTION_TRIES : 1;
}

function unavailable(outcome: NoAnswer | Pick<HttpResponse, 'status'>): AppError {
  const cause = outcome instanceof NoAnswer ? outcome : new Error(`Keystone answered ${outcome.status}`);
  return new AppError('unavailable', 'Keystone is not available', { cause });
}
