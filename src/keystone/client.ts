import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { RequestError, type Method } from 'got';

import type { Clock } from '../clock.js';
import { AppError } from '../errors.js';

export interface KeystoneRequest {
  headers?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  body?: unknown;
}

export interface KeystoneAnswer {
  status: number;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Parsed JSON; undefined when there is none. Whoever reads it checks its form. */
  body: unknown;
}

export interface KeystoneClient {
  /**
   * One request to Keystone, below its `/v3`, in at most the configured time. Any answer below 500 is returned as it is.
   * @throws AppError `unavailable` when there is no answer, or one that says that Keystone itself is in trouble.
   */
  request(method: Method, path: string, request?: KeystoneRequest): Promise<KeystoneAnswer>;
}

export interface KeystoneClientSettings {
  /** With or without the `/v3` at its end. */
  authUrl: string;
  timeoutMs: number;
  /** Certificates to trust besides the system's, as PEM. */
  ca?: string | undefined;
}

const ATTEMPTS = 3;
const MAX_SOCKETS = 50;
const IDLE_SOCKET_MS = 4_000;
/** Nothing was sent yet, so any request may be sent again. */
const NOT_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
/** The connection broke: only what changes nothing may be sent again. */
const BROKEN_OFF = new Set(['ECONNRESET', 'EPIPE']);

export function createKeystoneClient(
  settings: KeystoneClientSettings,
  deps: { clock: Pick<Clock, 'monotonicMs'> },
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

  async function attempt(method: Method, path: string, request: KeystoneRequest, timeoutMs: number): Promise<KeystoneAnswer> {
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

  return {
    async request(method, path, request = {}) {
      const deadline = deps.clock.monotonicMs() + settings.timeoutMs;
      for (let attempts = 1; ; attempts += 1) {
        try {
          const left = Math.max(1, deadline - deps.clock.monotonicMs());
          const answer = await attempt(method, path, request, left);
          if (answer.status >= 500) throw unavailable(new Error(`Keystone answered ${answer.status}`));
          return answer;
        } catch (thrown) {
          if (!(thrown instanceof RequestError)) throw thrown;
          const hasTime = deps.clock.monotonicMs() < deadline;
          if (attempts >= ATTEMPTS || !hasTime || !mayRepeat(method, thrown.code)) throw unavailable(thrown);
        }
      }
    },
  };
}

function mayRepeat(method: Method, code: string): boolean {
  return NOT_CONNECTED.has(code) || (BROKEN_OFF.has(code) && method === 'GET');
}

/** The cause without got's request, which holds tokens and passwords. */
function unavailable(cause: Error): AppError {
  return new AppError('unavailable', 'Keystone is not available', { cause: new Error(cause.message) });
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined; // a page of some proxy: its status must do
  }
}
