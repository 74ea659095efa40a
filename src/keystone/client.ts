import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { RequestError, type Method } from 'got';

import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';
import { firstAnswer } from './first-answer.js';

export interface KeystoneRequest {
  headers?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
  /** True if the request may be carried out twice. Default: true for GET and DELETE, otherwise false. */
  isRepeatable?: boolean;
}

export interface KeystoneAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; undefined when there is none. Whoever reads it checks its form. */
  body: unknown;
}

export interface KeystoneClient {
  /**
   * One request to Keystone, below its `/v3`. Within the deadline it is sent again if that is safe. A repeatable
   * request is sent again after a time-out, a broken connection or one answer of 500 or above; any request after a
   * refused connection or one 503. Any answer below 500 is returned as it is.
   * @throws AppError `unavailable` when there is no answer, or one that says that Keystone itself is in trouble.
   */
  request(method: Method, path: string, request?: KeystoneRequest): Promise<KeystoneAnswer>;
  /**
   * A POST that creates an object, which must not be created twice unnoticed. While no answer comes it is sent again,
   * and the first answer counts. `onOther` is called with the answer of each other attempt, or with undefined if no
   * answer came.
   * @throws AppError `unavailable`
   */
  requestNew(
    path: string,
    request: KeystoneRequest,
    onOther: (answer: KeystoneAnswer | undefined) => void,
  ): Promise<KeystoneAnswer>;
}

export interface KeystoneClientSettings {
  /** With or without the `/v3` at its end. */
  authUrl: string;
  /** For one attempt. */
  timeoutMs: number;
  /** For a request with all its attempts. */
  deadlineMs: number;
  /** Certificates to trust besides the system's, as PEM. */
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
/** Nothing was sent yet, so any request may be sent again. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** The connection broke: the request may have been carried out. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);

export function createKeystoneClient(
  settings: KeystoneClientSettings,
  { clock }: { clock: Pick<Clock, 'monotonicMs' | 'sleep'> },
): KeystoneClient {
  const base = /\/v3$/.test(settings.authUrl) ? settings.authUrl : `${settings.authUrl}/v3`;
  const pool = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS };
  const plain = {
    agent: { http: new http.Agent(pool), https: new https.Agent(pool) },
    https: settings.ca === undefined ? {} : { certificateAuthority: [...rootCertificates, settings.ca] },
    // Nothing of got's own accord: a redirect would carry tokens elsewhere.
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

/** Most attempts of a request with this outcome. */
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

/** The cause without got's request, which holds tokens and passwords. */
function unavailable(outcome: RequestError | KeystoneAnswer): AppError {
  const message = outcome instanceof RequestError ? outcome.message : `Keystone answered ${outcome.status}`;
  return new AppError('unavailable', 'Keystone is not available', { cause: new Error(message) });
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined; // a page of some proxy: its status must do
  }
}
