import http from 'node:http';
import https from 'node:https';
import { rootCertificates } from 'node:tls';
import got, { type Method } from 'got';

import { readStatusLine } from './receivers/webhook/status-line.js';

/** A login at Keystone: a token, and where the services are that take it. */
export interface CloudLogin {
  token: string;
  /** @throws AppError `unavailable` when the catalogue has no such service. */
  endpoint(serviceType: string): string | Promise<string>;
}

/** What the notifier asks of whoever speaks with Keystone. Rejects while Keystone does not answer as it should. */
export interface CloudLogins {
  /** With the rights that a trust lends. Null: Keystone no longer grants them. */
  asTrustor(trustId: string): Promise<CloudLogin | null>;
  asService(how: { fresh: boolean }): Promise<CloudLogin>;
}

export interface CloudCall {
  method: Method;
  url: string;
  token?: string;
  headers?: Readonly<Record<string, string>>;
  /** JSON text, sent as it is. */
  body?: string;
}

export interface CloudAnswer {
  status: number;
  retryAfter: string | undefined;
  location: string | undefined;
  /** Parsed JSON; undefined when there is none. */
  body: unknown;
}

export interface CloudClient {
  /** One request to a service of the operator's own catalogue. Rejects when there is no answer. */
  call(call: CloudCall, signal: AbortSignal): Promise<CloudAnswer>;
  close(): void;
}

export interface CloudClientSettings {
  connectTimeoutMs: number;
  attemptTimeoutMs: number;
  maxSocketsPerHost: number;
  /** Certificates to trust besides the system's, as PEM. */
  ca: string | undefined;
  version: string;
}

const IDLE_SOCKET_MS = 4_000;

/**
 * For addresses that the operator wrote into Keystone's catalogue, which may be private ones; actions' own URLs never
 * come here.
 */
export function createCloudClient(settings: CloudClientSettings): CloudClient {
  const { connectTimeoutMs, attemptTimeoutMs, maxSocketsPerHost, ca, version } = settings;
  const pool = { keepAlive: true, maxSockets: maxSocketsPerHost, timeout: IDLE_SOCKET_MS };
  const agents = { http: new http.Agent(pool), https: new https.Agent({ ...pool, minVersion: 'TLSv1.2' }) };
  const plain = {
    agent: agents,
    https: ca === undefined ? {} : { certificateAuthority: [...rootCertificates, ca] },
    // A redirect would carry the token elsewhere.
    followRedirect: false,
    throwHttpErrors: false,
    retry: { limit: 0 },
    timeout: { request: attemptTimeoutMs, connect: connectTimeoutMs, secureConnect: connectTimeoutMs },
  };
  return {
    async call({ method, url, token, headers, body }, signal) {
      const request = got(url, {
        ...plain,
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
        const status = statusOfRefused(thrown);
        // A GET is of no use without its body, which is lost.
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

/**
 * The status of an answer that Node's strict parser refuses, from the packet that its error carries; undefined for
 * other errors.
 */
function statusOfRefused(thrown: unknown): number | undefined {
  const { rawPacket } = ((thrown as Error).cause ?? {}) as { rawPacket?: unknown };
  const line = Buffer.isBuffer(rawPacket) ? readStatusLine(rawPacket) : undefined;
  return line?.kind === 'status' ? line.status : undefined;
}

function parsed(text: string): unknown {
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch {
    return undefined; // a page of some proxy: its status must do
  }
}
