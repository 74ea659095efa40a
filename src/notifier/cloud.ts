import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { type Method } from 'got';

import { AnswerTap } from './receivers/webhook/answer-tap.js';
import { readStatusLine } from './receivers/webhook/status-line.js';

/** One request to an OpenStack service. */
export interface CloudCall {
  method: Method;
  url: string;
  token?: string;
  headers?: Readonly<Record<string, string>>;
  /** JSON text, sent unchanged. */
  body?: string;
}

/** The answer of an OpenStack service. */
export interface CloudAnswer {
  status: number;
  retryAfter: string | undefined;
  location: string | undefined;
  /** Parsed JSON; undefined if the body is not JSON. */
  body: unknown;
}

export interface CloudClient {
  /** Sends one request to a service of Keystone's catalogue. Rejects when there is no answer. */
  call(call: CloudCall, signal: AbortSignal): Promise<CloudAnswer>;
  close(): void;
}

export interface CloudClientSettings {
  connectTimeoutMs: number;
  attemptTimeoutMs: number;
  maxSocketsPerHost: number;
  /** Certificates to trust in addition to the system's, as PEM. */
  ca: string | undefined;
  version: string;
}

const IDLE_SOCKET_MS = 4_000;

/**
 * HTTP client for endpoints from Keystone's catalogue. It has no address policy, since the operator chose these
 * endpoints. Never use it for the URL of an action.
 */
export function createCloudClient(settings: CloudClientSettings): CloudClient {
  const { connectTimeoutMs, attemptTimeoutMs, maxSocketsPerHost, ca, version } = settings;
  const pool = { keepAlive: true, maxSockets: maxSocketsPerHost, timeout: IDLE_SOCKET_MS };
  const agents = { http: new http.Agent(pool), https: new https.Agent({ ...pool, minVersion: 'TLSv1.2' }) };
  const plain = {
    agent: agents,
    https: ca === undefined ? {} : { certificateAuthority: [...rootCertificates, ca] },
    // A redirect would send the token to another server.
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
    timeout: { request: attemptTimeoutMs, connect: connectTimeoutMs, secureConnect: connectTimeoutMs },
  };
  return {
    async call({ method, url, token, headers, body }, signal) {
      const tap = new AnswerTap(true);
      const request = got(url, {
        ...plain,
        request: tappedBy(tap),
        method,
        signal,
        headers: {
          accept: 'application/json',
          'user-agent': `tocsin/${version}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(token === undefined ? {} : { 'x-auth-token': token }),
          ...headers,
        },
        ...(body === undefined ? {} : { body }),
      });
      try {
        const answer = await request;
        const { 'retry-after': retryAfter, location } = answer.headers;
        return { status: answer.statusCode, retryAfter, location, body: parsed(answer.body) };
      } catch (thrown) {
        const status = statusOfRefused(thrown, tap);
        // The body is lost, and a GET is useless without it.
        if (status === undefined || (method === 'GET' && status < 300)) throw thrown;
        return { status, retryAfter: undefined, location: undefined, body: undefined };
      }
    },
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

/** Makes got's `request` option: the tap reads the answer of the request, too. */
function tappedBy(tap: AnswerTap) {
  return (url: URL, options: RequestOptions, onResponse?: (response: IncomingMessage) => void): ClientRequest => {
    const request = (url.protocol === 'https:' ? https : http).request(url, options, onResponse);
    tap.listen(request);
    return request;
  };
}

/** Returns the status of an answer that Node's strict parser refused; undefined for other errors. */
function statusOfRefused(thrown: unknown, tap: AnswerTap): number | undefined {
  if (!String((thrown as { code?: unknown }).code).startsWith('HPE_')) return undefined;
  const line = readStatusLine(tap.firstBytes());
  return line.kind === 'status' ? line.status : undefined;
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined; // not JSON, for example the error page of a proxy
  }
}
