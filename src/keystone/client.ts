import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { RequestError, type Method } from 'got';

import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
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
  headers: Readonly<Record<string, string | string[] | undefined>>;
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
  request(method: Method, path: string, request?: KeystoneRequest): Promise<KeystoneAnswer>;
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
const IDLE_SOCKET_MS = 4_000;
/** Errors before the connection: nothing was sent, so any request can be repeated. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** Errors of an open connection: Keystone may have executed the request. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);

/** Creates the HTTP client under `createKeystoneSession`. */
export function createKeystoneClient(
  settings: KeystoneClientSettings,
  { clock }: { clock: Pick<Clock, 'monotonicMs' | 'sleep'> },
): KeystoneClient {
  const base = /\/v3$/.test(settings.authUrl) ? settings.authUrl : `${settings.authUrl}/v3`;
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS };
  const plain = {
    agent: { http: new http.Agent(pool), https: new https.Agent(pool) },
    https: settings.ca === undefined ? {} : { certificateAuthority: [...rootCertificates, settings.ca] },
    // No redirects, since they would send tokens to another server, and no retries by got.
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
  };

  async function attempt(
    method: Method,
    path: string,
    request: KeystoneRequest,
    timeoutMs: number,
  ): Promise<KeystoneAnswer> {
    const { query = {}, headers = {}, body } = request;
    const answer = await got(`${base}${path}`, {
      ...plain,
      method,
      searchParams: query,
      headers: { accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { json: body }),
      timeout: { request: timeoutMs },
    });
    return { status: answer.statusCode, headers: answer.headers, body: parsed(answer.body) };
  }

  const { timeoutMs, deadlineMs } = settings;
  const slowTries = Math.max(1, Math.ceil(deadlineMs / timeoutMs));

  async function send(method: Method, path: string, request: KeystoneRequest, tryMs: number): Promise<KeystoneAnswer> {
    const deadline = clock.monotonicMs() + deadlineMs;
    const { isRepeatable = method === 'GET' || method === 'DELETE' } = request;
    for (let tries = 1; ; tries += 1) {
      const outcome = await attempt(
        method,
        path,
        request,
        Math.max(1, Math.min(tryMs, deadline - clock.monotonicMs())),
      ).catch((thrown: unknown) => {
        if (thrown instanceof RequestError) return thrown;
        throw thrown;
      });
      if (!(outcome instanceof RequestError) && outcome.status < 500) return outcome;
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

/** Returns the most attempts that a request with this outcome may have. */
function triesAfter(
  outcome: RequestError | KeystoneAnswer,
  { isRepeatable, slowTries }: { isRepeatable: boolean; slowTries: number },
): number {
  if (!(outcome instanceof RequestError)) return isRepeatable || outcome.status === 503 ? FAILED_TRIES : 1;
  if (NOT_CONNECTED.has(outcome.code)) return CONNECTION_TRIES;
  if (!isRepeatable) return 1;
  if (outcome.code === 'ETIMEDOUT') return slowTries;
  return BROKEN_OFF.has(outcome.code) ? CONNECTION_TRIES : 1;
}

/** Makes an error with a new cause, since got's error contains the request with tokens and passwords. */
function unavailable(outcome: RequestError | KeystoneAnswer): AppError {
  const message = outcome instanceof RequestError ? outcome.message : `Keystone answered ${outcome.status}`;
  return new AppError('unavailable', 'Keystone is not available', { cause: new Error(message) });
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined; // not JSON, for example the error page of a proxy
  }
}
